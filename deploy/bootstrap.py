"""Makes `.venv` and installs what a command needs: `python3 deploy/bootstrap.py local|dev`.

Needs pip and nothing else: pip brings uv, uv makes the environment (so python3-venv is not needed, and a Python that is
"externally managed" is left alone) and installs the exact, hashed versions of the lock file. A stamp per level keeps it from
doing anything while the lock is unchanged.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
from pathlib import Path

UV = "uv==0.13.8"
ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
TOOLS = ROOT / "var" / "tools" / "uv"
LOCKS = {"local": "deploy/requirements-local.txt", "dev": "tests/requirements.txt"}


class BootstrapError(Exception):
    """A sentence for the person."""


def stamp(level: str) -> Path:
    """The file that says which lock is installed."""
    return VENV / f".installed-{level}"


def digest(level: str) -> str:
    """What an environment of this level is made from."""
    return hashlib.sha256((ROOT / LOCKS[level]).read_bytes() + UV.encode()).hexdigest()


def is_installed(level: str) -> bool:
    """Whether the environment holds exactly this lock."""
    try:
        return stamp(level).read_text() == digest(level) and VENV_PYTHON.exists()
    except OSError:
        return False


def call(command: list[str | Path], sentence: str) -> None:
    """Run a step; what it prints is shown, its failure explained."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"VIRTUAL_ENV": str(VENV), "UV_NO_PROGRESS": "1", "PIP_ROOT_USER_ACTION": "ignore"}
    if subprocess.run(command, env=environment, cwd=ROOT, stdin=subprocess.DEVNULL, check=False).returncode:
        raise BootstrapError(sentence)


def uv() -> Path:
    """The pinned uv, brought by pip at the first use."""
    done = TOOLS / f".{UV}"
    if not done.exists():
        print(f"Installing {UV} into var/tools …", flush=True)
        pip: list[str | Path] = [sys.executable, "-m", "pip"]
        call(
            [*pip, "--quiet", "--version"],
            f"{sys.executable} has no pip. Debian: apt-get install python3-pip",
        )
        options = [
            "--quiet",
            "--no-input",
            "--disable-pip-version-check",
            "--upgrade",
            "--target",
            str(TOOLS),
        ]
        call(
            [*pip, "install", *options, UV],
            "uv could not be installed with pip. Is the package index reachable?",
        )
        done.touch()
    return TOOLS / "bin" / "uv"


def install(level: str) -> None:
    """Make the environment hold exactly the lock of this level."""
    program = uv()
    usable = VENV_PYTHON.exists() and subprocess.run([VENV_PYTHON, "-c", ""], check=False).returncode == 0
    if not usable:
        print(f"Making .venv with Python {sys.version_info.major}.{sys.version_info.minor} …", flush=True)
        call(
            [program, "venv", "--quiet", "--clear", "--python", sys.executable, VENV],
            "The virtual environment .venv could not be made.",
        )
    print(f"Installing {LOCKS[level]} …", flush=True)
    stamp(level).write_text("")  # unfinished, but what the environment is for is known
    call(
        [program, "pip", "sync", "--quiet", "--python", VENV_PYTHON, "--require-hashes", LOCKS[level]],
        f"The packages of {LOCKS[level]} could not be installed. Is the package index reachable?",
    )
    stamp(level).write_text(digest(level))


def main() -> int:
    """Install unless it is there already."""
    # `make run` in a developer's checkout must not take the tools away.
    level = "dev" if stamp("dev").exists() else sys.argv[1]
    if is_installed(level):
        return 0
    (ROOT / "var").mkdir(exist_ok=True)
    try:
        with (ROOT / "var" / "bootstrap.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # two commands started at once install once
            if not is_installed(level):
                install(level)
    except BootstrapError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
