"""The whole product on free ports, as `make run` starts it, for tests that meet it from outside.

One stack serves a test session; `pytest.mark.xdist_group("live")` keeps its tests in one worker. A test changes the sandbox's
behaviour through the `live` fixture, which puts it back afterwards.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import httpx2
import psycopg
import pytest
from psycopg.rows import dict_row
from redis import Redis

from deploy.local.environment import ROOT
from deploy.local.manage import manage, manage_json
from deploy.local.places import temporary_directory
from deploy.local.system import command_line, process_identity, service_owner

START_PATIENCE_S = 300.0
STOP_PATIENCE_S = 30.0
PROCESSES = {
    "web": "uvicorn",
    "worker": "celery -q -A namaskah worker",
    "beat": " beat ",
    "sandbox": "-m sandbox",
}
SERVERS = {"postgres": "postgres/data/postmaster.pid", "valkey": "valkey/valkey.pid"}
PASSWORD = "a long pass phrase 7"

# What the developer's shell and the settings of the tests hold must not decide how a test ends.
FOREIGN = (
    "ALLOWED_HOSTS", "BOT_CHECK_SITE_KEY", "BREACHED_PASSWORDS_URL", "CODE_RATE", "DATABASE_POOL_SIZE", "DATABASE_URL",
    "DATA_KEYS", "DEBUG", "DJANGO_SETTINGS_MODULE", "EMAIL_URL", "EXCHANGE_RATE_URL", "LOG_FORMAT", "LOG_LEVEL",
    "PASSWORD_RESET_RATE", "PAYSTACK_BASE_URL", "PAYSTACK_CHECKOUT_ORIGINS", "PAYSTACK_CURRENCY", "PAYSTACK_INLINE_URL",
    "PAYSTACK_PUBLIC_KEY", "PAYSTACK_SECRET_KEY", "PAYSTACK_WEBHOOK_ADDRESSES", "REDIS_URL", "SANDBOX_API_KEY",
    "SANDBOX_URL", "SECOND_STEP_RATE", "SECRET_KEY", "SENTRY_DSN", "SIGN_IN_RATE", "SIGN_UP_RATE", "SITE_URL", "SMS_GATEWAY_URL",
    "STATIC_ROOT", "WALLET_CURRENCY",
    "WEB_WORKERS",
)  # fmt: skip

# What takes minutes in production takes seconds here: whatever a test waits for has to come to its end while it watches.
QUICK = {
    "PROVIDER_CONNECT_TIMEOUT_S": "1",
    "PROVIDER_READ_TIMEOUT_S": "2",
    "CALL_DEADLINE_S": "6",
    "SETTLE_GIVE_UP_S": "20",
    "EXPIRY_GRACE_S": "1",
    "LATE_SMS_WINDOW_S": "10",
    "LATE_CHECK_INTERVAL_S": "1",
    "POLL_INTERVAL_S": "1",
    "MAX_OPEN_ORDERS": "4",
    "USERS_PER_CARD": "100000",  # everybody at the sandbox pays by the same cards
    "CODE_RATE": "10000/m",
    "PASSWORD_RESET_RATE": "10000/m",
    "SECOND_STEP_RATE": "10000/m",
    "SIGN_IN_RATE": "10000/m",
    "SIGN_UP_RATE": "10000/m",
    "LOG_FORMAT": "json",
}
CALM: dict[str, Any] = {
    "latency_ms": 0,
    "fault_rate": 0,
    "faults": [],
    "fault_actions": [],
    "delivery_rate": 1,
    "delivery_s": [1, 2],
    "stock": None,
    "price_factor": "1",
    "hang_s": 5,
}
Result = TypeVar("Result")


def wait_for(look: Callable[[], Result], what: str, patience_s: float = 30.0, every_s: float = 0.1) -> Result:
    """Look until there is something true to see, and return it."""
    until = time.monotonic() + patience_s
    while not (seen := look()):
        assert time.monotonic() < until, f"{what} did not happen within {patience_s:g} s; last seen: {seen!r}"
        time.sleep(every_s)
    return seen


def free_port() -> int:
    """A loopback port nobody listens on at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class LiveStack:
    """Everything that `make run` starts, in a directory and on ports of its own.

    Args:
        settings: Environment variables on top of `QUICK`.
    """

    def __init__(self, settings: Mapping[str, str] | None = None) -> None:
        self._home = temporary_directory("namaskah-live-", service_owner())
        self.var_dir = self._home / "var"
        self.port, self.sandbox_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.sandbox_url = f"http://127.0.0.1:{self.sandbox_port}"
        inherited = {name: value for name, value in os.environ.items() if name not in FOREIGN}
        own = {"VAR_DIR": self.var_dir, "PORT": self.port, "SANDBOX_PORT": self.sandbox_port}
        self._env = (
            inherited | QUICK | dict(settings or {}) | {name: str(value) for name, value in own.items()}
        )
        self._process: subprocess.Popen[bytes] | None = None
        self._control = httpx2.Client(base_url=self.sandbox_url, timeout=10)

    @property
    def log_path(self) -> Path:
        """What all processes printed."""
        return self._home / "output.log"

    @property
    def env(self) -> dict[str, str]:
        """The environment the product's processes have."""
        lines = (self.var_dir / "env").read_text().splitlines()
        given = dict(line.split("=", 1) for line in lines if not line.startswith("#"))
        return self._env | given | {"DJANGO_SETTINGS_MODULE": "namaskah.settings"}

    def start(self) -> None:
        """Start and return when the product says of itself that it is ready."""
        with self.log_path.open("wb") as log:
            # Call from the main thread: the run is told to stop when the thread that started it ends.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "deploy.local", "run", "--stop-with-parent"],
                cwd=ROOT, env=self._env, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        try:
            wait_for(self._has_started, "the start of the product", START_PATIENCE_S)
            self.wait_until_ready(START_PATIENCE_S)
        except BaseException as error:
            error.add_note(self.tail())
            self.stop()
            raise

    def _has_started(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, "the run ended while starting"
        return b"Ctrl-C stops everything" in self.log_path.read_bytes()

    def wait_until_ready(self, patience_s: float = 60.0) -> None:
        """Wait until `/ready` says yes."""
        wait_for(lambda: self.status("/ready") == 200, "readiness", patience_s, every_s=0.5)

    def stop(self) -> None:
        """Stop everything and remove its files."""
        self._control.close()
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()  # its children die with it
                process.wait()
        keep = os.environ.get("KEEP_LIVE_LOG")
        if keep:
            shutil.copy(self.log_path, keep)
        subprocess.run(["rm", "-rf", self._home], check=True)

    def tail(self, lines: int = 60) -> str:
        """The last lines that the processes printed."""
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])

    def status(self, path: str) -> int:
        """The status of a page; 0 when nobody answers."""
        try:
            return httpx2.get(self.url + path, timeout=5).status_code
        except httpx2.HTTPError:
            return 0

    # The product from the inside

    def manage(self, *arguments: str) -> str:
        """Run a management command and return what it printed; raises when it fails."""
        return manage(self.env, *arguments)

    def create_customer(self, credit: str = "25.00") -> str:
        """A customer with money, whose password is `PASSWORD`; returns the e-mail address."""
        email = f"{uuid4().hex[:12]}@example.com"
        manage_json(self.env, "create_customer", "--email", email, "--password", PASSWORD, "--credit", credit)
        return email

    def create_customers(self, count: int, credit: str) -> list[str]:
        """Many customers at the price of one process."""
        emails = [f"{uuid4().hex[:12]}@example.com" for _ in range(count)]
        self.manage(
            "shell", "-c",
            "from django.core.management import call_command\n"
            f"for email in {emails!r}:\n"
            f"    call_command('create_customer', '--email', email, '--password', {PASSWORD!r}, '--credit', {credit!r})\n",
        )  # fmt: skip
        return emails

    def credit(self, email: str, amount: str) -> None:
        """Give an existing customer money."""
        self.manage(
            "shell", "-c",
            "from decimal import Decimal\n"
            "from django.db import transaction\n"
            "from accounts.models import User\n"
            "from billing.services import ledger\n"
            f"user = User.objects.get(email={email!r})\n"
            "with transaction.atomic():\n"
            f"    ledger.adjust(user=user, amount=Decimal({amount!r}), reason='Test', actor=None, key={uuid4().hex!r})\n",
        )  # fmt: skip

    def create_staff(self) -> str:
        """A member of staff, whose password is `PASSWORD`; returns the e-mail address."""
        email = f"staff-{uuid4().hex[:12]}@example.com"
        manage_json(self.env, "create_staff", "--email", email, "--password", PASSWORD)
        return email

    @contextmanager
    def database(self) -> Iterator[psycopg.Connection[dict[str, Any]]]:
        """A connection of one's own to the product's database."""
        with psycopg.connect(self.env["DATABASE_URL"], autocommit=True, row_factory=dict_row) as connection:
            yield connection

    def rows(self, query: str, *params: object) -> list[dict[str, Any]]:
        """The result of one SQL query."""
        with self.database() as connection:
            return connection.execute(query.encode(), params).fetchall()

    def execute(self, statement: str, *params: object) -> None:
        """Run one SQL statement that returns nothing."""
        with self.database() as connection:
            connection.execute(statement.encode(), params)

    def redis(self) -> Redis:
        """A client for the product's Redis; close it."""
        return Redis.from_url(self.env["REDIS_URL"], socket_connect_timeout=2, socket_timeout=5)

    def forget_troubles(self) -> None:
        """Close every provider's breaker and forget which offers were empty."""
        with self.redis() as redis:
            for kind in ("failures", "open", "trouble", "probe", "no_stock"):
                for key in redis.scan_iter(f"namaskah:provider:{kind}:*"):
                    redis.delete(key)

    def refresh_offers(self) -> None:
        """Read all price lists now, as the schedule does every few minutes."""
        self.manage(
            "shell", "-c",
            "from verifications.models import Provider\n"
            "from verifications.services import catalog_sync\n"
            "Provider.objects.update(refresh_claimed_until=None)\n"
            "for pk in Provider.objects.filter(is_enabled=True).values_list('pk', flat=True):\n"
            "    catalog_sync.refresh_provider(pk)\n",
        )  # fmt: skip

    # Its processes

    def pid(self, name: str) -> int:
        """The pid of web, worker, beat, sandbox, postgres or valkey; 0 while it is not running."""
        try:
            if name in SERVERS:
                found = int((self.var_dir / SERVERS[name]).read_text().split()[0])
                return found if process_identity(found) else 0
            pids = [int(pid) for pid in json.loads((self.var_dir / "processes.json").read_text())]
        except (OSError, ValueError, IndexError):
            return 0
        return next(
            (pid for pid in pids if process_identity(pid) and PROCESSES[name] in command_line(pid)), 0
        )

    def kill(self, name: str) -> int:
        """kill -9 one process, waiting for it to run first; returns the pid it had."""
        pid = wait_for(lambda: self.pid(name), f"{name} running", 60)
        os.kill(pid, signal.SIGKILL)
        return pid

    # The outside world

    def sandbox_config(self, vendor: str | None = None, **changes: Any) -> None:
        """Change how one seller, or all of them, behave from now on."""
        self._ask_sandbox("POST", "/_sandbox/config", changes | ({"vendor": vendor} if vendor else {}))

    def terms(self, *, lifetime_s: float, cancel_lock_s: float) -> None:
        """Other terms for numbers sold from now on, at every seller and in our rows about them.

        The classic dialect does not tell an order's deadline; the row does.
        """
        self.sandbox_config(lifetime_s=lifetime_s, cancel_lock_s=cancel_lock_s)
        self.execute(
            "UPDATE verifications_provider SET lifetime_s = %s, cancel_lock_s = %s", lifetime_s, cancel_lock_s
        )

    def sandbox_state(self, *, orders: bool = True) -> dict[str, Any]:
        """What each seller sold, delivered and took back, by vendor."""
        vendors: dict[str, Any] = self._ask_sandbox("GET", f"/_sandbox/state?orders={int(orders)}")["vendors"]
        return vendors

    def sandbox_orders(self) -> dict[str, dict[str, Any]]:
        """Everything the sandbox ever sold, by order id; `vendor` says which seller."""
        return {
            order["id"]: order | {"vendor": vendor}
            for vendor, state in self.sandbox_state().items()
            for order in state["orders"]
        }

    def deliver(self, order_id: str, text: str, sender: str = "Service") -> None:
        """Hand an SMS to one order now."""
        self._ask_sandbox("POST", f"/_sandbox/orders/{order_id}/deliver", {"text": text, "sender": sender})

    def calm_sandbox(self) -> None:
        """Back to the behaviour that tests start from; what was sold stays sold."""
        self.sandbox_config(**CALM)
        self.terms(lifetime_s=1200, cancel_lock_s=120)

    def _ask_sandbox(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        answer = self._control.request(method, path, json=body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


_shared: LiveStack | None = None


def shared_stack(config: pytest.Config) -> LiveStack:
    """The stack of this session, started at the first call."""
    global _shared
    if _shared is None:
        stack = LiveStack()
        stack.start()
        config.add_cleanup(stack.stop)
        _shared = stack
    return _shared


@pytest.fixture
def live(request: pytest.FixtureRequest) -> Iterator[LiveStack]:
    """The session's stack with a calm sandbox and closed breakers; calm again afterwards."""
    stack = shared_stack(request.config)
    stack.wait_until_ready()
    stack.calm_sandbox()
    stack.forget_troubles()
    yield stack
    stack.calm_sandbox()
