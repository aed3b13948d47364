"""What a bad configuration is told, and that production does not start with one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.checks import run_checks
from pytest_django import Settings

from namaskah import checks

STRONG = "a1b2c3d4e5f6g7h8" * 4


def found() -> list[str]:
    return sorted(str(message.id) for message in run_checks(tags=[checks.TAG]))


@pytest.fixture
def production(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A configuration without fault."""
    settings.DEBUG = False
    settings.SECRET_KEY = STRONG
    settings.ALLOWED_HOSTS = ["sms.example"]
    settings.SITE_URL = "https://sms.example"
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    monkeypatch.setenv("DATABASE_URL", "postgres://namaskah@db/namaskah")
    monkeypatch.setenv("REDIS_URL", "redis://redis/0")
    return settings


@pytest.mark.usefixtures("production")
def test_sound_configuration_passes() -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"SECRET_KEY": ""}, ["namaskah.E001"]),
        ({"SECRET_KEY": STRONG[:49]}, ["namaskah.E002"]),
        ({"SECRET_KEY": "abab" * 20}, ["namaskah.E002"]),
        ({"SECRET_KEY": "django-insecure-" + STRONG}, ["namaskah.E002"]),
        ({"DEBUG": True}, ["namaskah.E003"]),
        ({"DEBUG": True, "ALLOWED_HOSTS": [], "SITE_URL": "http://127.0.0.1:8000"}, []),
        ({"DEBUG": True, "ALLOWED_HOSTS": ["*"], "SITE_URL": "http://127.0.0.1:8000"}, ["namaskah.E003"]),
        ({"SITE_URL": "http://sms.example"}, ["namaskah.E006"]),
        ({"SITE_URL": "http://127.0.0.1:8000"}, []),
        ({"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}, ["namaskah.E019"]),
        ({"EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend"}, ["namaskah.E019"]),
        (
            {
                "EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend",
                "SITE_URL": "http://127.0.0.1:8000",
            },
            [],
        ),
        ({"ALLOWED_HOSTS": []}, ["namaskah.E007"]),
        ({"ALLOWED_HOSTS": ["*"]}, ["namaskah.E008"]),
        ({"CALL_DEADLINE_S": 13}, ["namaskah.E009"]),
        ({"CALL_DEADLINE_S": 14}, []),
        ({"BEHIND_PROXY": True, "TRUSTED_PROXIES": ["10.0.0.0/8", "2001:db8::5"]}, []),
        ({"BEHIND_PROXY": True, "TRUSTED_PROXIES": []}, ["namaskah.E018"]),
        ({"BEHIND_PROXY": False, "TRUSTED_PROXIES": ["proxy.internal"]}, ["namaskah.E016"]),
        ({"BEHIND_PROXY": True, "TRUSTED_PROXIES": ["10.0.0.1", "0.0.0.0/0"]}, ["namaskah.E017"]),
        ({"BEHIND_PROXY": True, "TRUSTED_PROXIES": ["::/0"]}, ["namaskah.E017"]),
        (
            {"SECRET_KEY": "short", "SITE_URL": "http://sms.example", "ALLOWED_HOSTS": []},
            ["namaskah.E002", "namaskah.E006", "namaskah.E007"],
        ),
    ],
)
def test_each_fault_is_found(production: Settings, values: dict[str, object], expected: list[str]) -> None:
    for name, value in values.items():
        setattr(production, name, value)

    assert found() == expected


@pytest.mark.parametrize(
    ("name", "number"), [("DATABASE_URL", "namaskah.E004"), ("REDIS_URL", "namaskah.E005")]
)
def test_missing_service_is_found_unless_it_is_in_a_file(
    production: Settings, monkeypatch: pytest.MonkeyPatch, name: str, number: str
) -> None:
    monkeypatch.delenv(name)
    assert found() == [number]

    monkeypatch.setenv(f"{name}_FILE", "/run/secrets/it")
    assert found() == []


def test_every_message_names_its_variable_and_has_a_hint(production: Settings) -> None:
    production.SECRET_KEY = "short"
    production.SITE_URL = "http://sms.example"
    production.ALLOWED_HOSTS = []

    messages = run_checks(tags=[checks.TAG])

    assert {message.msg.split()[0] for message in messages} == {"SECRET_KEY", "SITE_URL", "ALLOWED_HOSTS"}
    assert all(message.hint for message in messages)


@pytest.mark.parametrize(
    "program",
    [
        ["-c", "import namaskah.asgi"],
        ["-c", "import namaskah.wsgi"],
        ["-m", "celery", "-A", "namaskah", "worker"],
        ["-m", "celery", "-A", "namaskah", "beat", "-s", "{tmp}/schedule"],
    ],
    ids=["asgi", "wsgi", "worker", "beat"],
)
@pytest.mark.parametrize("secret_key", ["", "short"])
def test_production_does_not_start(program: list[str], secret_key: str, tmp_path: Path) -> None:
    environment = {
        **{name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")},
        "DJANGO_SETTINGS_MODULE": "namaskah.settings",
        "DEBUG": "0",
        "SECRET_KEY": secret_key,
        "SITE_URL": "http://sms.example",
        "ALLOWED_HOSTS": "",
    }

    command = [sys.executable, *(word.format(tmp=tmp_path) for word in program)]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)

    assert ended.returncode != 0
    assert "Traceback" not in ended.stderr
    for name in ("SECRET_KEY", "DATABASE_URL", "REDIS_URL", "SITE_URL", "ALLOWED_HOSTS"):
        assert f"  {name} " in ended.stderr
