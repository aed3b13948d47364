"""Runs the product's management commands and turns a failure into a sentence with the command's last words."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from deploy.local.environment import ROOT
from deploy.local.errors import LocalError
from deploy.local.system import signal_group, spawn


class CommandFailed(LocalError):
    """A management command ended with an error."""


def manage(env: Mapping[str, str], *arguments: str) -> str:
    """Run `manage.py <arguments>` and return what it printed.

    Raises:
        CommandFailed: It ended with another code than 0.
    """
    process = _start(env, arguments)
    try:
        return _finish(process, arguments)
    except BaseException:
        _end(process)
        raise


@contextmanager
def managing(env: Mapping[str, str], *arguments: str) -> Iterator[None]:
    """Run a command that prints little beside the body, and wait for its end after it.

    Raises:
        CommandFailed: It ended with another code than 0.
    """
    process = _start(env, arguments)
    try:
        yield
        _finish(process, arguments)
    except BaseException:
        _end(process)
        raise


def _start(env: Mapping[str, str], arguments: tuple[str, ...]) -> subprocess.Popen[bytes]:
    command: list[str | Path] = [sys.executable, ROOT / "manage.py", *arguments]
    return spawn(command, env=env, cwd=ROOT, stdout=subprocess.PIPE)


def _finish(process: subprocess.Popen[bytes], arguments: tuple[str, ...]) -> str:
    printed = process.communicate()[0].decode(errors="replace")
    if process.returncode:
        words = "\n".join(f"    {line}" for line in printed.strip().splitlines()[-12:])
        raise CommandFailed(f"`manage.py {arguments[0]}` failed:\n{words}")
    return printed


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        signal_group(process.pid, signal.SIGKILL)
        process.wait()


def manage_json(env: Mapping[str, str], *arguments: str) -> dict[str, str]:
    """The same for a command that prints one JSON object, among whatever else it may log."""
    printed = manage(env, *arguments)
    for line in reversed(printed.splitlines()):
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict):
            return found
    raise CommandFailed(f"`manage.py {arguments[0]}` did not print a JSON object.")
