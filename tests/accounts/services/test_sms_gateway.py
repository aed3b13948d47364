"""The gateway for SMS, against the sandbox over HTTP: what each of its answers means, and that no log holds a code."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest
from pytest_django import Settings
from structlog.testing import capture_logs

from accounts.services import sms_gateway
from accounts.services.sms_gateway import MaybeSent, NotSent
from sandbox.testing import free_port, running_sandbox

TO, CODE = "+2348031234567", "482913"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[str]:
    with running_sandbox() as url:
        yield url


@pytest.fixture
def gateway(sandbox: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> str:
    httpx2.post(f"{sandbox}/_sandbox/reset", json={"vendor": "sms"})
    settings.SMS_GATEWAY_URL = f"{sandbox}/sms-gateway/messages"
    settings.SMS_GATEWAY_KEY = "sandbox-secret-key"
    monkeypatch.setattr(sms_gateway, "READ_TIMEOUT_S", 0.5)
    return sandbox


def send() -> None:
    sms_gateway.send(to=TO, text=f"{CODE} is your code.", secrets=(CODE,))


def fault(gateway: str, name: str) -> None:
    answer = httpx2.post(
        f"{gateway}/_sandbox/config", json={"vendor": "sms", "fault_rate": 1, "faults": [name], "hang_s": 2}
    )
    assert answer.status_code == 200


def taken(gateway: str) -> int:
    return len(httpx2.get(f"{gateway}/_sandbox/sms").json()["messages"])


def test_message_arrives(gateway: str) -> None:
    send()

    (message,) = httpx2.get(f"{gateway}/_sandbox/sms").json()["messages"]
    assert (message["to"], message["from"], message["text"]) == (TO, "Namaskah", f"{CODE} is your code.")


@pytest.mark.parametrize(
    ("name", "may_help"), [("rate_limited", True), ("number_refused", False), ("redirect", False)]
)
def test_refusal_is_no_sending(gateway: str, name: str, may_help: bool) -> None:
    fault(gateway, name)

    with pytest.raises(NotSent) as refused:
        send()

    assert (refused.value.may_help, taken(gateway)) == (may_help, 0)


@pytest.mark.parametrize(
    "name",
    ["timeout_before", "timeout_after", "connection_reset", "http_500", "http_502_after", "html_200", "huge_body",
     "empty_body", "truncated_json"],
)  # fmt: skip
def test_doubtful_answer_may_be_a_sending(gateway: str, name: str) -> None:
    fault(gateway, name)

    with pytest.raises(MaybeSent):
        send()


def test_nobody_there_is_no_sending(settings: Settings) -> None:
    settings.SMS_GATEWAY_URL = f"http://127.0.0.1:{free_port()}/messages"

    with pytest.raises(NotSent) as refused:
        send()

    assert refused.value.may_help is True


@pytest.mark.parametrize("name", ["", "http_500", "connection_reset", "html_200"])
def test_no_log_holds_code_number_or_key(gateway: str, name: str) -> None:
    if name:
        fault(gateway, name)
    with capture_logs() as logs:
        try:
            send()
        except MaybeSent as error:
            logs.append({"error": repr(error)})

    assert logs
    assert not any(secret in str(logs) for secret in (CODE, TO, TO[1:], "sandbox-secret-key"))
