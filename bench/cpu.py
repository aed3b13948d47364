"""Where the processor time went: the running total of each process and all its children."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def seconds(pids: Mapping[str, int]) -> dict[str, float]:
    """Seconds used so far by each named process with its descendants; `postgres` and `valkey` are found by themselves.

    Nothing where there is no /proc.
    """
    proc = Path("/proc")
    if not proc.is_dir():
        return {}
    parents: dict[int, int] = {}
    used: dict[int, float] = {}
    names: dict[int, str] = {}
    for entry in proc.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            name, _, rest = (entry / "stat").read_text().partition("(")[2].rpartition(")")
        except OSError:
            continue
        fields = rest.split()
        pid = int(entry.name)
        parents[pid], names[pid] = int(fields[1]), name
        used[pid] = (int(fields[11]) + int(fields[12])) / _TICKS
    roots = {**pids, "load generator": os.getpid(), **_servers(parents, names)}
    return {
        name: sum(used.get(pid, 0.0) for pid in _family(root, parents, roots)) for name, root in roots.items()
    }


def _servers(parents: Mapping[int, int], names: Mapping[int, str]) -> dict[str, int]:
    """The servers are siblings of this process: children of `python -m bench`."""
    siblings = [pid for pid, parent in parents.items() if parent == os.getppid()]
    found = {}
    for name, start in (("postgres", "postgres"), ("valkey", "valkey")):
        for pid in siblings:
            if names[pid].startswith(start):
                found[name] = pid
    return found


def _family(root: int, parents: Mapping[int, int], roots: Mapping[str, int]) -> list[int]:
    others = set(roots.values()) - {root}
    family, queue = [], [root]
    while queue:
        pid = queue.pop()
        family.append(pid)
        queue += [child for child, parent in parents.items() if parent == pid and child not in others]
    return family


def rss_mb() -> float:
    """This process's resident memory now, in MiB; 0 where it cannot be told."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
