"""`make run`: prepare everything, start everything, keep it running, stop it in order."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from deploy.local.console import Console
from deploy.local.environment import HOST, ROOT, Wanted, is_given, prepare
from deploy.local.errors import LocalError
from deploy.local.first_use import Credentials, FirstUse
from deploy.local.lock import DirectoryLock
from deploy.local.manage import manage
from deploy.local.network import answers, require_free
from deploy.local.places import make_directory
from deploy.local.processes import Program, Supervisor, end_leftovers
from deploy.local.services import Services
from deploy.local.signals import StopRequested, StopSignals
from deploy.local.static import collecting

ANSWER_PATIENCE_S = 60.0
DEATHS_ALLOWED = 3  # before its first answer; later a process is started again for ever
LOOK_EVERY_S = 0.2
SERVICE_RETRY_S = 2.0


def programs(wanted: Wanted) -> dict[str, Program]:
    """The product's processes. Web and beat stop first, so that no new work reaches the worker; the world stops last."""
    python = (sys.executable, "-m")
    web = (
        *python, "uvicorn", "namaskah.asgi:application", "--host", HOST, "--port", str(wanted.port),
        "--workers", str(wanted.web_workers), "--no-access-log", "--log-level", "warning",
        "--timeout-graceful-shutdown", "5", "--no-proxy-headers",
    )  # fmt: skip
    worker = (
        *python, "celery", "-q", "-A", "namaskah", "worker", "-P", "threads", "-c", "16",
        "--without-gossip", "--without-mingle", "-l", "info",
    )  # fmt: skip
    schedule = str(wanted.var_dir / "celerybeat-schedule")
    beat = (*python, "celery", "-q", "-A", "namaskah", "beat", "--pidfile=", "-s", schedule, "-l", "info")
    sandbox = (*python, "sandbox", "--host", HOST, "--port", str(wanted.sandbox_port))
    # uvicorn with several workers has children of its own, which it must end before it does.
    web_signal = signal.SIGTERM if wanted.web_workers > 1 else signal.SIGKILL
    return {
        "sandbox": Program("sandbox", sandbox, stop_rank=2),
        "web": Program("web", web, death_signal=web_signal),
        "worker": Program("worker", worker, stop_rank=1),
        "beat": Program("beat", beat),
    }


class Run:
    """One `make run`, from the lock to the last process."""

    def __init__(self, wanted: Wanted, console: Console, environ: Mapping[str, str]) -> None:
        self._wanted = wanted
        self._console = console
        self._environ = environ
        self._own_sandbox = not environ.get("SANDBOX_URL")
        self._record = wanted.var_dir / "processes.json"
        self._first_use = FirstUse(wanted.var_dir)
        self._services = Services(
            wanted.var_dir,
            postgres=not is_given(environ, "DATABASE_URL"),
            valkey=not is_given(environ, "REDIS_URL"),
        )
        self._supervisor: Supervisor | None = None

    def to_the_end(self) -> None:
        """Run until a signal asks to stop.

        Raises:
            LocalError: It cannot start; everything started by then has been stopped.
        """
        make_directory(self._wanted.var_dir)
        lock = DirectoryLock(self._wanted.var_dir / "run.lock")
        lock.acquire(note=self._wanted.site_url)
        signals = StopSignals()
        try:
            people = self._start()
            self._say_ready(people)
            self._watch()
        except StopRequested:
            self._console.say("\nStopping …")
        finally:
            signals.disarm()
            if self._supervisor:
                self._supervisor.stop(hurry=signals.hurry)
            self._services.stop()
            lock.release()
        self._console.say("Everything has stopped. `make run` starts it again with the same data.")

    def _start(self) -> list[Credentials]:
        if end_leftovers(self._record):
            self._console.say("An earlier run was killed; what was left of it has been ended.")
        self._require_ports()
        if self._services.all:
            with self._step("PostgreSQL and Redis"):
                self._services.start()
        env = prepare(self._wanted, self._services.urls(), self._environ)
        supervisor = Supervisor(console=self._console, env=env, cwd=ROOT, record=self._record)
        self._supervisor = supervisor
        wanted = programs(self._wanted)
        if self._own_sandbox:
            supervisor.start(wanted["sandbox"])
        # Before the web process starts, because that looks once, then, at what was collected.
        with self._step("Database and files"), collecting(env, self._wanted.var_dir):
            manage(env, "migrate", "--no-input", "--verbosity", "0")
        supervisor.start(
            wanted["web"]
        )  # loads while the rest is prepared; its address is told when all is ready
        with self._step("Catalogue"):
            manage(env, "load_catalogue")
        if self._first_use.is_due():
            with self._step("First sign-ins"):
                people = self._first_use.make_people(env)
        else:
            people = []
        if self._own_sandbox:
            self._wait_for_answer("sandbox", self._wanted.sandbox_port, "/_sandbox/state")
        if env.get("SANDBOX_URL"):
            with self._step("Sandbox and its prices"):
                manage(env, "setup_sandbox")
                manage(env, "refresh_exchange_rate")
        for name in ("worker", "beat"):
            supervisor.start(wanted[name])
        with self._step("Web"):
            self._wait_for_answer("web", self._wanted.port, "/health")
        return people

    def _require_ports(self) -> None:
        require_free(HOST, self._wanted.port, "PORT")
        if self._own_sandbox:
            require_free(HOST, self._wanted.sandbox_port, "SANDBOX_PORT")

    def _wait_for_answer(self, name: str, port: int, path: str) -> None:
        assert self._supervisor is not None
        until = time.monotonic() + ANSWER_PATIENCE_S
        while not answers(HOST, port, path):
            self._supervisor.check()
            if self._supervisor.deaths(name) >= DEATHS_ALLOWED:
                raise LocalError(
                    f"The {name} process ended {DEATHS_ALLOWED} times while starting. Its output above says why."
                )
            if time.monotonic() > until:
                raise LocalError(
                    f"The {name} process did not answer http://{HOST}:{port}{path} in {ANSWER_PATIENCE_S:.0f} s."
                )
            time.sleep(0.05)

    @contextmanager
    def _step(self, title: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        self._console.say(f"  {title:<24} ready   {time.monotonic() - started:5.1f} s")

    def _say_ready(self, people: list[Credentials]) -> None:
        lines = [
            "",
            "Namaskah SMS is running.",
            "",
            f"  Web            {self._wanted.site_url}/",
            f"  Staff console  {self._wanted.site_url}/ops/",
        ]
        if not is_given(self._environ, "EMAIL_URL"):
            lines.append(
                f"  E-mails        {self._wanted.site_url}/ops/mail/  (written to {self._wanted.var_dir / 'mail'}; none is sent)"
            )
        if self._own_sandbox:
            lines.append(
                f"  Sandbox        {self._wanted.sandbox_url}/  (stands for SMS sellers and Paystack; no real SMS or money)"
            )
        for person in people:
            password = person.password or "(was there before; its password is unchanged)"
            lines += [
                "",
                f"  Sign in as {person.role}:",
                f"    e-mail    {person.email}",
                f"    password  {password}",
            ]
        if people:
            lines += [
                "",
                "  These passwords are shown this once. The staff console asks for an authenticator app, which is set up",
                "  at the first visit.",
            ]
        lines += ["", "Ctrl-C stops everything.", ""]
        self._console.say("\n".join(lines))
        if people:
            self._first_use.forget_passwords()

    def _watch(self) -> None:
        assert self._supervisor is not None
        while True:
            time.sleep(LOOK_EVERY_S)
            try:
                for name in self._services.restart_ended():
                    self._console.line(name, "had ended and runs again")
            except LocalError as error:
                self._console.say(f"{error}\nTrying again.")
                time.sleep(SERVICE_RETRY_S)
            self._supervisor.check()


def run() -> None:
    """Run with what the environment asks for."""
    console = Console()
    console.say("Starting Namaskah SMS …")
    Run(Wanted.from_environment(os.environ), console, os.environ).to_the_end()
