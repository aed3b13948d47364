"""`python -m deploy.local <command>`: see `--help`."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time

from deploy.local.environment import Wanted, prepare, shell_lines
from deploy.local.errors import LocalError
from deploy.local.run import run
from deploy.local.services import Services, ThrowAwayServices
from deploy.local.signals import StopRequested, StopSignals
from deploy.local.system import spawn, stop_with_parent


def services() -> int:
    """Run the private PostgreSQL and Redis alone, until a signal."""
    wanted = Wanted.from_environment(os.environ)
    own = Services(wanted.var_dir)
    signals = StopSignals()
    try:
        own.start()
        prepare(wanted, own.urls(), os.environ)
        print(
            "".join(f"{name}={value}\n" for name, value in own.urls().items()),
            "Ctrl-C stops both.",
            sep="",
            flush=True,
        )
        while True:
            time.sleep(0.2)
            own.restart_ended()
    except StopRequested:
        return 0
    finally:
        signals.disarm()
        own.stop()


def execute(command: list[str]) -> int:
    """Run one command with throw-away services and a development environment; returns its exit code."""
    signals = StopSignals()
    own = ThrowAwayServices()
    try:
        own.start()
        defaults = {"DEBUG": "1", "SECRET_KEY": "throw-away-" + os.urandom(32).hex()}
        env = {**defaults, **os.environ, **own.urls()}
        child = spawn(command, env=env, stdin=sys.stdin.fileno(), stdout=sys.stdout.fileno())
        try:
            return child.wait()
        except StopRequested:
            child.send_signal(signal.SIGTERM)
            try:
                return child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
                return child.wait()
    finally:
        signals.disarm()
        own.stop()


def main() -> int:
    """Dispatch; a LocalError becomes its sentence and exit code 1."""
    parser = argparse.ArgumentParser(
        prog="python -m deploy.local", description="Namaskah SMS on one machine."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    run_parser = commands.add_parser("run", help="start everything, until Ctrl-C")
    run_parser.add_argument(
        "--stop-with-parent", action="store_true", help="stop when the starting process dies"
    )
    commands.add_parser("services", help="start only PostgreSQL and Redis, until Ctrl-C")
    commands.add_parser("shell-env", help="print export lines for what `run` runs")
    exec_parser = commands.add_parser("exec", help="run a command with throw-away PostgreSQL and Redis")
    exec_parser.add_argument("argv", nargs=argparse.REMAINDER, metavar="-- command")
    options = parser.parse_args()
    try:
        if options.command == "run":
            if options.stop_with_parent:
                stop_with_parent()
            run()
            return 0
        if options.command == "services":
            return services()
        if options.command == "shell-env":
            print(shell_lines(Wanted.from_environment(os.environ).var_dir), end="")
            return 0
        argv = options.argv[1:] if options.argv[:1] == ["--"] else options.argv
        if not argv:
            raise LocalError("Say which command to run: python -m deploy.local exec -- command …")
        return execute(argv)
    except StopRequested:
        return 130
    except LocalError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"\nThe operating system refused: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
