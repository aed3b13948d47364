"""The product's own processes for the time of one benchmark, started with the commands of `make run`."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import httpx2

from deploy.local.environment import ROOT, Wanted
from deploy.local.network import answers
from deploy.local.processes import Program
from deploy.local.run import programs
from deploy.local.system import spawn, stop_child

PATIENCE_S = 60.0
HEALTH = {"sandbox": "/_sandbox/health", "web": "/health", "bare": "/"}


class Stack:
    """Running processes, by name."""

    def __init__(self, wanted: Wanted, log: IO[str]) -> None:
        self._wanted = wanted
        self._log = log
        self._children: list[tuple[Program, subprocess.Popen[bytes]]] = []
        self._control = httpx2.Client(base_url=f"{wanted.sandbox_url}/_sandbox", timeout=60, trust_env=False)
        self.port = wanted.port

    @property
    def pids(self) -> dict[str, int]:
        """For whoever wants to know what each costs."""
        return {program.name: process.pid for program, process in self._children}

    def start(self, program: Program, **env: str) -> None:
        """Start one and wait until it answers, if it is one that does.

        Raises:
            RuntimeError: It does not; the text ends with what it printed.
        """
        process = spawn(
            program.command,
            env=os.environ | env,
            cwd=ROOT,
            death_signal=program.death_signal,
            stdout=self._log.fileno(),
        )
        self._children.append((program, process))
        path = HEALTH.get(program.name)
        port = self._wanted.sandbox_port if program.name == "sandbox" else self.port
        until = time.monotonic() + PATIENCE_S
        while path and not answers("127.0.0.1", port, path):
            if time.monotonic() > until or process.poll() is not None:
                raise RuntimeError(
                    f"{program.name} does not answer:\n{Path(self._log.name).read_text()[-3000:]}"
                )
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop all in the order of `make run`."""
        for _, process in sorted(self._children, key=lambda child: child[0].stop_rank):
            stop_child(process, ((signal.SIGTERM, 8.0),))
        self._children.clear()
        self._control.close()

    def control(self, path: str, **payload: Any) -> dict[str, Any]:
        """One call of the sandbox's control API."""
        answer = self._control.post(path, json=payload)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def counters(self, vendor: str) -> dict[str, Any]:
        """What the sandbox's own books say it did."""
        found: dict[str, Any] = self._state(vendor=vendor, orders="0")["vendors"][vendor]["counters"]
        return found

    def paystack(self) -> dict[str, Any]:
        """Everything the sandbox's Paystack knows."""
        found: dict[str, Any] = self._state(vendor="paystack")["paystack"]
        return found

    def _state(self, **params: str) -> dict[str, Any]:
        answer = self._control.get("/state", params=params)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found


@contextmanager
def running(*names: str, web_workers: int = 1) -> Iterator[Stack]:
    """Start these of sandbox, web, worker and beat, in this order; stop all at the end."""
    with _stack(web_workers) as (stack, known):
        for name in names:
            stack.start(known[name])
        yield stack


@contextmanager
def running_bare(*, web_workers: int) -> Iterator[Stack]:
    """Start `bench.bare`, a view that does nothing, under the product's server with the same processes and threads."""
    with _stack(web_workers) as (stack, known):
        command: Sequence[str] = [
            "bench.bare:application" if part == "namaskah.asgi:application" else part
            for part in known["web"].command
        ]
        stack.start(replace(known["web"], name="bare", command=command), DJANGO_SETTINGS_MODULE="bench.bare")
        yield stack


@contextmanager
def _stack(web_workers: int) -> Iterator[tuple[Stack, dict[str, Program]]]:
    wanted = Wanted.from_environment(os.environ | {"WEB_WORKERS": str(web_workers)})
    with (wanted.var_dir / "processes.log").open("a") as log:
        stack = Stack(wanted, log)
        try:
            yield stack, programs(wanted)
        finally:
            stack.stop()
