"""Keeps the product's processes running: starts them, passes on their output, restarts what dies, stops all in order."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.console import Console
from deploy.local.system import process_identity, signal_group, spawn

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 10.0
STEADY_AFTER_S = 30.0  # a process that lived this long starts again without a longer pause
STOP_PATIENCE_S = 8.0


@dataclass(frozen=True)
class Program:
    """One process of the product.

    Args:
        stop_rank: Lower stops earlier; the same rank stops together.
        death_signal: What the kernel sends it when the runner is killed. SIGKILL suits all that have no children of their
            own: the product is built to lose any process at any time.
    """

    name: str
    command: Sequence[str]
    stop_rank: int = 0
    death_signal: int = signal.SIGKILL


@dataclass
class _Child:
    program: Program
    process: subprocess.Popen[bytes]
    started_at: float
    pause_s: float = FIRST_PAUSE_S
    restart_at: float | None = None
    deaths: int = field(default=0)


class Supervisor:
    """Starts programs and keeps them alive until told to stop. Use it from the main thread only.

    Args:
        record: File that names the children, so that the next run can end what a killed runner left behind.
    """

    def __init__(
        self,
        *,
        console: Console,
        env: Mapping[str, str],
        cwd: Path,
        record: Path,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = console
        self._env = dict(env)
        self._cwd = cwd
        self._record = record
        self._clock = clock
        self._children: dict[str, _Child] = {}

    def start(self, program: Program) -> None:
        """Start it now and watch it from now on."""
        self._children[program.name] = _Child(program, self._spawn(program), self._clock())
        self._write_record()

    def deaths(self, name: str) -> int:
        """How often it has ended by itself."""
        return self._children[name].deaths

    def check(self) -> None:
        """Look at each child once; start again what has ended, after a pause that grows while it keeps ending."""
        now = self._clock()
        for child in self._children.values():
            if child.restart_at is not None:
                if now >= child.restart_at:
                    child.process, child.started_at, child.restart_at = self._spawn(child.program), now, None
                    self._write_record()
            elif (code := child.process.poll()) is not None:
                signal_group(child.process.pid, signal.SIGKILL)  # its own children hold the port
                if now - child.started_at > STEADY_AFTER_S:
                    child.pause_s = FIRST_PAUSE_S
                child.deaths += 1
                child.restart_at = now + child.pause_s
                self._console.line(
                    child.program.name, f"ended ({_how(code)}); starting it again in {child.pause_s:g} s"
                )
                child.pause_s = min(child.pause_s * 2, LONGEST_PAUSE_S)

    def stop(self, hurry: Callable[[], bool] = lambda: False) -> None:
        """Ask each rank in turn to end, all within one deadline, then kill what is left.

        Args:
            hurry: Asked while waiting; True ends the patience at once (a second Ctrl-C).
        """
        deadline = self._clock() + STOP_PATIENCE_S
        for rank in sorted({child.program.stop_rank for child in self._children.values()}):
            group = [child for child in self._children.values() if child.program.stop_rank == rank]
            for child in group:
                if child.process.poll() is None:
                    child.process.send_signal(signal.SIGTERM)
            while (
                any(child.process.poll() is None for child in group)
                and self._clock() < deadline
                and not hurry()
            ):
                time.sleep(0.02)
        for child in self._children.values():
            if child.process.poll() is None:
                self._console.line(child.program.name, "did not end in time and is killed")
            signal_group(child.process.pid, signal.SIGKILL)
            child.process.wait()
        self._children.clear()
        self._record.unlink(missing_ok=True)

    def _spawn(self, program: Program) -> subprocess.Popen[bytes]:
        process = spawn(
            program.command,
            env=self._env,
            cwd=self._cwd,
            death_signal=program.death_signal,
            stdout=subprocess.PIPE,
        )
        if process.stdout is not None:
            self._console.follow(program.name, process.stdout)
        return process

    def _write_record(self) -> None:
        pids = {child.process.pid: process_identity(child.process.pid) for child in self._children.values()}
        fresh = self._record.with_suffix(".new")
        fresh.write_text(json.dumps({str(pid): identity for pid, identity in pids.items() if identity}))
        fresh.replace(self._record)


def end_leftovers(record: Path) -> int:
    """Kill what an earlier, killed runner started and the kernel did not end for us; returns how many there were."""
    try:
        noted: dict[str, str] = json.loads(record.read_text())
    except (OSError, ValueError):
        return 0
    # A pid that now names another process is not ours; one that names none may still lead a group of orphans.
    ours = {
        int(pid): identity
        for pid, identity in noted.items()
        if process_identity(int(pid)) in {identity, None}
    }
    alive = [pid for pid in ours if process_identity(pid)]
    for pid in ours:
        signal_group(pid, signal.SIGKILL)
    until = time.monotonic() + 5
    while any(process_identity(pid) == ours[pid] for pid in alive) and time.monotonic() < until:
        time.sleep(0.02)
    record.unlink(missing_ok=True)
    return len(alive)


def _how(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
