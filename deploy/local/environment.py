"""What `make run` is asked for, and the environment it gives to the product's processes."""

from __future__ import annotations

import os
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from deploy.local.errors import LocalError
from deploy.local.places import make_directory

ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"
GENERATED: dict[str, Callable[[], str]] = {
    "SECRET_KEY": lambda: secrets.token_urlsafe(48),
    "SANDBOX_API_KEY": lambda: f"sandbox{secrets.token_hex(16)}",
    "DATA_KEYS": lambda: urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    "PAYSTACK_SECRET_KEY": lambda: f"sk_test_{secrets.token_hex(20)}",
    "PAYSTACK_PUBLIC_KEY": lambda: f"pk_test_{secrets.token_hex(20)}",
}
HEADER = "# Written by `make run` for this machine only. manage.py reads it when DATABASE_URL is not set.\n"


@dataclass(frozen=True)
class Wanted:
    """The person's choices, from the environment."""

    port: int
    sandbox_port: int
    web_workers: int
    var_dir: Path

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Wanted:
        """Read them.

        Raises:
            LocalError: One of them makes no sense; the text names the variable.
        """
        wanted = cls(
            port=_number(environ, "PORT", 8000, 65535),
            sandbox_port=_number(environ, "SANDBOX_PORT", 8001, 65535),
            web_workers=_number(environ, "WEB_WORKERS", 1, 64),
            var_dir=Path(environ.get("VAR_DIR") or ROOT / "var").expanduser().absolute(),
        )
        if wanted.port == wanted.sandbox_port:
            raise LocalError(f"PORT and SANDBOX_PORT are both {wanted.port}. Give them different numbers.")
        return wanted

    @property
    def site_url(self) -> str:
        """Where the product answers."""
        return f"http://{HOST}:{self.port}"

    @property
    def sandbox_url(self) -> str:
        """Where our own stand-in for the outside world answers."""
        return f"http://{HOST}:{self.sandbox_port}"


def is_given(environ: Mapping[str, str], name: str) -> bool:
    """Whether a variable is set, directly or as a file that holds it."""
    return bool(environ.get(name) or environ.get(f"{name}_FILE"))


def is_debug(env: Mapping[str, str]) -> bool:
    """Whether the product reads DEBUG as on; the words are those of django-environ."""
    return env.get("DEBUG", "").lower() in {"true", "on", "ok", "y", "yes", "1"}


def prepare(wanted: Wanted, urls: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """The complete environment for every process of the product; also kept in `var/env` for manage.py.

    What the person's environment holds wins; secrets are made once and read back from `var/env` later.

    Args:
        urls: Addresses of the private services.
    """
    path = wanted.var_dir / "env"
    known = _read(path)
    mail = wanted.var_dir / "mail"
    make_directory(wanted.var_dir)
    mail.mkdir(mode=0o700, exist_ok=True)
    static = wanted.var_dir / "static"
    make_directory(static)
    ours = {
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "BREACHED_PASSWORDS_URL": f"{wanted.sandbox_url}/breached/range",
        "DEBUG": "0",  # people meet the designed error pages; `DEBUG=1 make run` shows developers tracebacks
        "EMAIL_URL": f"filemail:///{quote(str(mail))}",
        "ERASURE_LOG": str(wanted.var_dir / "erasures.log"),
        "EXCHANGE_RATE_URL": f"{wanted.sandbox_url}/rates/latest",
        "LOG_FORMAT": "console",
        "PAYSTACK_BASE_URL": f"{wanted.sandbox_url}/paystack",
        "PAYSTACK_CHECKOUT_ORIGINS": wanted.sandbox_url,
        "PAYSTACK_INLINE_URL": f"{wanted.sandbox_url}/paystack/inline.js",
        "PAYSTACK_WEBHOOK_ADDRESSES": HOST,
        "SANDBOX_PAYSTACK_WEBHOOK_URL": f"{wanted.site_url}/webhooks/paystack",
        "SANDBOX_URL": wanted.sandbox_url,
        "SITE_URL": wanted.site_url,
        "SMS_GATEWAY_KEY": "sandbox",
        "SMS_GATEWAY_URL": f"{wanted.sandbox_url}/sms-gateway/messages",
        "STATIC_ROOT": str(static),
        "VAR_DIR": str(wanted.var_dir),
        **{name: known.get(name) or make() for name, make in GENERATED.items()},
        **urls,
    }
    chosen = {
        name: environ.get(name) or value for name, value in ours.items() if not environ.get(f"{name}_FILE")
    }
    for name in ("DATABASE_URL", "REDIS_URL"):
        if environ.get(name):
            chosen[name] = environ[name]
    _write(path, chosen)
    always = {"DJANGO_SETTINGS_MODULE": "namaskah.settings", "PYTHONUNBUFFERED": "1"}
    if os.geteuid() == 0:  # known, and the same for everything else that root starts on its own machine
        always["PYTHONWARNINGS"] = "ignore:You're running the worker with superuser privileges"
    return {**environ, **chosen, **always}


def shell_lines(var_dir: Path) -> str:
    """`export` lines for a shell that wants to talk to what `make run` runs.

    Raises:
        LocalError: Nothing has been run yet.
    """
    values = _read(var_dir / "env")
    if not values:
        raise LocalError(f"{var_dir / 'env'} does not exist yet; `make run` writes it.")
    return "".join(
        f"export {name}='{value.replace(chr(39), chr(39) + chr(92) + chr(39) * 2)}'\n"
        for name, value in values.items()
    )


def _number(environ: Mapping[str, str], name: str, default: int, highest: int) -> int:
    text = environ.get(name) or str(default)
    if not text.isdecimal() or not 1 <= int(text) <= highest:
        raise LocalError(f"{name} is {text!r}; it must be a whole number from 1 to {highest}.")
    return int(text)


def _read(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text().splitlines()
    except FileNotFoundError:
        return {}
    pairs = (line.partition("=") for line in lines if not line.startswith("#"))
    return {name: value for name, separator, value in pairs if separator}


def _write(path: Path, values: Mapping[str, str]) -> None:
    """Replace the file in one step: a run killed here must not lose the secrets of the runs before."""
    fresh = path.with_name("env.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(HEADER)
        file.writelines(f"{name}={value}\n" for name, value in sorted(values.items()))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
