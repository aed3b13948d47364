"""What we need from the operating system: who owns a service, how children die with us, what a pid is."""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

IS_LINUX = sys.platform == "linux"
PR_SET_PDEATHSIG = 1
_LIBC = (
    ctypes.CDLL(None) if IS_LINUX else None
)  # loaded here: the child must not load anything after the fork


@dataclass(frozen=True)
class Owner:
    """The account a service runs under."""

    name: str
    uid: int
    gid: int


def service_owner() -> Owner | None:
    """The unprivileged account to use when we are root (PostgreSQL refuses root), or None when we are not."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Owner(name, entry.pw_uid, entry.pw_gid)
    return Owner("nobody", 65534, 65534)


def spawn(
    command: Sequence[str | Path],
    *,
    death_signal: int = signal.SIGKILL,
    owner: Owner | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: int | IO[bytes] = subprocess.DEVNULL,
    stdout: int | IO[bytes] = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start a child in its own session, so Ctrl-C reaches only us, that is sent `death_signal` when we die.

    Call it from the main thread: Linux sends the signal when the *thread* that started the child ends.
    """
    return subprocess.Popen(
        [str(part) for part in command],
        stdin=stdin,
        stdout=stdout,
        stderr=subprocess.STDOUT,
        env=env,
        cwd=cwd,
        start_new_session=True,
        user=owner.uid if owner else None,
        group=owner.gid if owner else None,
        extra_groups=[] if owner else None,
        # Runs after the change of user, which would clear the setting. Safe: the child only calls prctl and getppid.
        preexec_fn=_die_with_parent(death_signal),  # noqa: PLW1509
    )


def stop_with_parent(death_signal: int = signal.SIGTERM) -> None:
    """Ask the kernel to signal this very process when its parent dies (`make` killed with -9)."""
    if _LIBC is not None:
        _LIBC.prctl(PR_SET_PDEATHSIG, death_signal)


def _die_with_parent(death_signal: int) -> Callable[[], None] | None:
    libc = _LIBC
    if libc is None:
        return None
    parent = os.getpid()

    def in_child() -> None:
        libc.prctl(PR_SET_PDEATHSIG, death_signal)
        if os.getppid() != parent:  # it died before the line above
            os._exit(1)

    return in_child


def run_as(
    owner: Owner | None, command: Sequence[str | Path], **env: str
) -> subprocess.CompletedProcess[str]:
    """Run a short command under a service's account and keep what it prints."""
    return subprocess.run(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC", **env},
        user=owner.uid if owner else None,
        group=owner.gid if owner else None,
        extra_groups=[] if owner else None,
    )


def can_use(owner: Owner | None, directory: Path, *, write: bool) -> bool:
    """Try it as that account: permission bits alone do not tell (closed parents, ACLs, mounts)."""
    test = 'cd "$1" && test -w .' if write else 'cd "$1"'
    return run_as(owner, ["/bin/sh", "-c", test, "sh", directory]).returncode == 0


def process_identity(pid: int) -> str | None:
    """A text that names this process and no later one with the same pid; None if it is gone or only a zombie.

    Where pid 1 does not reap (many containers), a killed process stays in the table as a zombie for ever.
    """
    if pid <= 0:
        return None
    if IS_LINUX:
        try:
            # The name (field 2) may hold spaces and brackets, so split after its closing one.
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return None if fields[0] in {"Z", "X"} else fields[19]  # field 22: start time since boot
    shown = run_as(None, ["ps", "-o", "stat=,lstart=", "-p", str(pid)]).stdout.strip()
    return None if not shown or shown.startswith("Z") else shown.partition(" ")[2].strip()


def command_line(pid: int) -> str:
    """The command a process was started with, or an empty text."""
    if IS_LINUX:
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""
    return run_as(None, ["ps", "-o", "command=", "-p", str(pid)]).stdout.strip()


def signal_group(pid: int, number: int) -> None:
    """Signal a child and whatever it started; it leads its own process group."""
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        return


def stop_child(process: subprocess.Popen[bytes], steps: Sequence[tuple[int, float]]) -> None:
    """Send each signal in turn and wait its seconds for the end, then kill the whole group."""
    for number, patience_s in steps:
        if process.poll() is not None:
            break
        process.send_signal(number)
        try:
            process.wait(patience_s)
        except subprocess.TimeoutExpired:
            continue
    signal_group(process.pid, signal.SIGKILL)
    process.wait()


def end_leftover(pid: int, mark: str, steps: Sequence[tuple[int, float]]) -> bool:
    """End a server that an earlier, killed run left behind.

    Args:
        mark: Text in its command line that no other process has; a stranger with the same pid is left alone.
        steps: Signals and the seconds to wait after each.

    Returns:
        Whether no such process is left.
    """

    def lives() -> bool:
        return process_identity(pid) is not None and mark in command_line(pid)

    for number, patience_s in steps:
        if not lives():
            return True
        os.kill(pid, number)
        until = time.monotonic() + patience_s
        while lives() and time.monotonic() < until:
            time.sleep(0.02)
    return not lives()


def read_pid(path: Path) -> int:
    """The pid on the first line of a pid file, or 0."""
    try:
        first = path.read_text().partition("\n")[0].strip()
    except OSError:
        return 0
    return int(first) if first.isdigit() else 0
