"""Where a service's files go: under the wanted directory, or in a temporary one where that cannot work.

A checkout under root's home is closed to the account PostgreSQL runs under, and a Unix socket's path may have about 100
characters. The parents are never opened up for that; the files move, and `places.json` remembers where to.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

from deploy.local.errors import LocalError
from deploy.local.system import Owner, can_use

LONGEST_SOCKET_DIRECTORY = 80  # the limit is 104 to 108 bytes for the whole path
PLAIN_PATH = re.compile(
    r"[A-Za-z0-9/._-]+"
)  # what needs no quoting in any of the three URL dialects that carry it
TEMPORARY_ROOTS = ("/var/tmp", "/tmp")  # noqa: S108 - a name is only ever made there by mkdtemp


def make_directory(path: Path, *, mode: int = 0o755) -> None:
    """Make a directory and its parents, each of ours with this mode."""
    missing = [parent for parent in (path, *path.parents) if not parent.exists()]
    for parent in reversed(missing):
        parent.mkdir(exist_ok=True)
        parent.chmod(mode)


def data_room(directory: Path, name: str, owner: Owner | None) -> Path:
    """A private, writable directory of the service's account."""
    return _room(directory, name, owner, lambda path: can_use(owner, path, write=True), roots=TEMPORARY_ROOTS)


def socket_room(directory: Path, name: str, owner: Owner | None) -> Path:
    """The same with a path that is short and plain enough for a socket and its URLs."""
    return _room(
        directory,
        name,
        owner,
        lambda path: _suits_sockets(path) and can_use(owner, path, write=True),
        roots=TEMPORARY_ROOTS[::-1],
    )


def temporary_directory(prefix: str, owner: Owner | None) -> Path:
    """A new directory in which every room fits, so that removing it removes everything."""
    for root in dict.fromkeys((tempfile.gettempdir(), *TEMPORARY_ROOTS[::-1])):
        if not Path(root).is_dir() or not os.access(root, os.W_OK):
            continue
        path = Path(tempfile.mkdtemp(prefix=prefix, dir=root))
        path.chmod(0o711)  # the services' account must pass through; each of its own directories is private
        if _suits_sockets(path / "sockets") and can_use(owner, path, write=False):
            return path
        path.rmdir()
    raise LocalError(
        "No temporary directory was found for throw-away servers. Set TMPDIR to one with a short path."
    )


def _suits_sockets(path: Path) -> bool:
    text = str(path)
    return len(text.encode()) <= LONGEST_SOCKET_DIRECTORY and PLAIN_PATH.fullmatch(text) is not None


def installed_package(name: str, *, service: str, variable: str) -> Path:
    """The directory of an installed package, found without importing it (importing one of them warns)."""
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise LocalError(
            f"The private {service} is not installed in this Python environment. "
            f"Run `make run` to install it, or set {variable} to a server of your own."
        )
    return Path(spec.submodule_search_locations[0]).resolve()


def reachable_programs(
    directory: Path, owner: Owner | None, root: Path, trees: list[str], programs: str
) -> Path:
    """Where the account can run `programs`: under `root`, or under a copy of it with the same relative layout.

    Args:
        root: The directory the packages are installed in.
        trees: What belongs together, relative to `root`; libraries are found relative to the programs.
        programs: The directory of the programs, relative to `root`.
    """
    if can_use(owner, root / programs, write=False):
        return root
    version = "\n".join(f"{root / tree} {(root / tree).stat().st_mtime_ns}" for tree in trees)
    copy = _room(directory, "programs", None, lambda path: can_use(owner, path, write=False), mode=0o755)
    copy = copy / trees[0].partition("/")[0]
    marker = copy / ".complete"
    if not marker.is_file() or marker.read_text() != version:
        shutil.rmtree(copy, ignore_errors=True)
        for tree in trees:
            shutil.copytree(
                root / tree, copy / tree, ignore=shutil.ignore_patterns("include", "pkgconfig", "*.a")
            )
        for path in (copy, *copy.rglob("*")):
            if path.is_dir():
                path.chmod(0o755)  # whatever the umask of this shell says
        marker.write_text(version)
    return copy


def _room(
    directory: Path,
    name: str,
    owner: Owner | None,
    fits: Callable[[Path], bool],
    *,
    mode: int = 0o700,
    roots: tuple[str, ...] = TEMPORARY_ROOTS,
) -> Path:
    uid = owner.uid if owner else os.geteuid()
    wanted = directory / name
    remembered = _remembered(directory).get(name)
    if remembered and _is_ours(Path(remembered), uid) and fits(Path(remembered)):
        return Path(remembered)
    make_directory(directory)
    wanted.mkdir(exist_ok=True)
    _hand_over(wanted, owner, mode)
    if fits(wanted):
        return wanted
    wanted.rmdir()  # empty: nothing ever lived in a place that does not fit
    for root in roots:
        if not Path(root).is_dir():
            continue
        path = Path(tempfile.mkdtemp(prefix=f"namaskah-{name}-", dir=root))
        _hand_over(path, owner, mode)
        if fits(path):
            _remember(directory, name, path)
            return path
        path.rmdir()
    raise LocalError(
        f"No directory was found that the account {owner.name if owner else 'of this user'!r} can use for {name}: "
        f"{wanted} and the system's temporary directories are closed to it."
    )


def _hand_over(path: Path, owner: Owner | None, mode: int) -> None:
    if owner:
        os.chown(path, owner.uid, owner.gid)
    path.chmod(mode)


def _is_ours(path: Path, uid: int) -> bool:
    """Nobody else may have put a directory of that name there since (a temporary directory is emptied at boot)."""
    try:
        found = path.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == uid and not found.st_mode & 0o022


def _remembered(directory: Path) -> dict[str, str]:
    try:
        return dict(json.loads((directory / "places.json").read_text()))
    except (OSError, ValueError):
        return {}


def _remember(directory: Path, name: str, path: Path) -> None:
    places = _remembered(directory) | {name: str(path)}
    fresh = directory / "places.json.new"
    fresh.write_text(json.dumps(places, indent=2) + "\n")
    fresh.replace(directory / "places.json")
