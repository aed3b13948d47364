"""What may be read in the log, and what may not."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pydantic
import pytest
import structlog
from celery import shared_task
from celery.contrib.testing.worker import start_worker

from namaskah.celery import app
from namaskah.lib.logging import scrub
from tests.namaskah.log_lines import Lines, log_lines

PHONE, CODE, SECRET = "+447700900123", "482913", "s3cr3t-value"
log = structlog.get_logger(__name__)


@pytest.fixture
def lines() -> Iterator[Lines]:
    with log_lines() as caught:
        yield caught


def test_line_is_json_with_time_level_and_logger(lines: Lines) -> None:
    log.info('Odd "text"\nin\u2028two lines', amount=Decimal("0.35"), flag="🇳🇬", things={1, 2})

    (line,) = lines.all
    assert line["event"] == 'Odd "text"\nin\u2028two lines'
    assert (line["amount"], line["flag"], sorted(line["things"])) == ("0.35", "🇳🇬", [1, 2])
    assert (line["level"], line["logger"]) == ("info", __name__)
    assert line["timestamp"].endswith("Z")


def test_standard_library_and_its_extra_take_the_same_way(lines: Lines) -> None:
    logging.getLogger("some.library").warning("Called %s", PHONE, extra={"password": SECRET})

    (line,) = lines.all
    assert line["event"] == "Called +4477…23"
    assert line["password"] == "[hidden]"


@pytest.mark.parametrize(
    "fields",
    [
        {"code": CODE},
        {"text": f"Your code is {CODE}"},
        {"password": SECRET},
        {"Authorization": f"Bearer {SECRET}"},
        {"order": {"code": CODE, "messages": [{"text": CODE}]}},
        {"rows": [{"token": SECRET}]},
        {"phone_number": PHONE},
        {"phone": 447700900123},
        {"detail": f"sold {PHONE}"},
        {"detail": "sold 447700900123"},
        {"detail": "sold +44 (7700) 900-123"},
        {"detail": f"{'long ' * 2000}{PHONE}"},
        {"url": "https://x/?phone=447700900123"},
        {"reply": "ACCESS_NUMBER:635468024:447700900123"},
        {"answer": {"numbers": ["447700900123"]}},
    ],
)
def test_neither_code_nor_secret_nor_whole_number_passes(lines: Lines, fields: dict[str, Any]) -> None:
    log.info("Something happened", **fields)

    for forbidden in (CODE, SECRET, "7700900123", "900-123"):
        assert forbidden not in lines.raw


def test_number_in_the_sentence_itself_is_masked(lines: Lines) -> None:
    sentence = f"Sold {PHONE} to nobody"
    log.info(sentence)

    assert lines.all[0]["event"] == "Sold +4477…23 to nobody"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("verification", "01a1f8c7-6f42-75d3-a408-e7cf5947b461"),
        ("request_id", "1234567890123"),
        ("provider_order_id", "6354680241"),
        ("user_id", 4711),
        ("price", "0.3500"),
        ("at", "2026-11-20T12:00:00.123456+00:00"),
        ("detail", "1,234,567.8900 in 12 rows"),
        ("count", 1234567890123),
    ],
)
def test_what_only_looks_like_a_number_stays_readable(key: str, value: object) -> None:
    assert scrub(None, "info", {key: value}) == {key: value}


def test_traceback_is_logged_without_the_values_libraries_quote(lines: Lines) -> None:
    class Reply(pydantic.BaseModel):
        phone: int

    try:
        Reply.model_validate({"phone": f"{CODE} {SECRET}"})
    except pydantic.ValidationError:
        log.exception("Reply not understood")
    try:
        raise ValueError(f"DETAIL:  Failing row contains (1, {PHONE}, {CODE}, null).")
    except ValueError:
        logging.getLogger("django.request").exception("Failed")

    assert [line["event"] for line in lines.all] == ["Reply not understood", "Failed"]
    assert all("Traceback" in line["exception"] for line in lines.all)
    for forbidden in (CODE, SECRET, PHONE):
        assert forbidden not in lines.raw


def test_console_format_hides_the_same_and_shows_no_variables() -> None:
    with log_lines("console") as lines:
        password = SECRET
        try:
            raise RuntimeError(PHONE)
        except RuntimeError:
            log.exception("Failed", code=CODE, length=len(password))

    assert "RuntimeError" in lines.raw
    for forbidden in (CODE, SECRET, PHONE):
        assert forbidden not in lines.raw


@shared_task(name="tests.tell_context")
def tell_context() -> None:
    log.warning("Task ran")


@pytest.mark.django_db(transaction=True)
def test_task_logs_the_request_and_user_that_caused_it(lines: Lines) -> None:
    with start_worker(app, pool="solo", perform_ping_check=False, shutdown_timeout=10):
        with structlog.contextvars.bound_contextvars(request_id="support-4711", user_id=7):
            task = tell_context.delay()
        _wait_for(lines, "Task ran")

    (line,) = lines.named("Task ran")
    assert (line["request_id"], line["user_id"], line["task_id"]) == ("support-4711", 7, task.id)


def _wait_for(lines: Lines, event: str) -> None:
    deadline = time.monotonic() + 10
    while not lines.named(event):
        assert time.monotonic() < deadline
        time.sleep(0.02)
