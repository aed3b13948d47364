from typing import Any

import pytest

from tests.sandbox.client import SandboxClient

KEY = {"Authorization": "Bearer sandbox"}
GOOD = {"to": "+2348031234567", "from": "Namaskah", "text": "482913 is your code."}


def send(sandbox: SandboxClient, message: Any = GOOD, headers: dict[str, str] | None = None) -> Any:
    return sandbox.http.post(
        "/sms-gateway/messages", json=message, headers=KEY if headers is None else headers
    )


def taken(sandbox: SandboxClient, query: str = "") -> list[dict[str, str]]:
    return list(sandbox.http.get(f"/_sandbox/sms{query}").json()["messages"])


def test_message_is_taken_and_can_be_read(sandbox: SandboxClient) -> None:
    answer = send(sandbox)

    (message,) = taken(sandbox)
    assert (answer.status_code, answer.json()) == (202, {"id": message["id"], "status": "queued"})
    assert {name: message[name] for name in GOOD} == GOOD


def test_messages_of_one_number_are_found(sandbox: SandboxClient) -> None:
    send(sandbox)
    send(sandbox, {**GOOD, "to": "+447911123456"})

    assert [message["to"] for message in taken(sandbox, "?to=%2B447911123456")] == ["+447911123456"]
    assert len(taken(sandbox)) == 2


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "sandbox"}], ids=range(3)
)
def test_strangers_send_nothing(sandbox: SandboxClient, headers: dict[str, str]) -> None:
    assert send(sandbox, headers=headers).status_code == 401
    assert taken(sandbox) == []


@pytest.mark.parametrize(
    "message",
    [
        {},
        [],
        "x",
        {**GOOD, "to": "0803"},
        {**GOOD, "text": ""},
        {**GOOD, "from": 7},
        {**GOOD, "text": "x" * 1601},
    ],
    ids=range(7),
)
def test_nonsense_is_refused(sandbox: SandboxClient, message: Any) -> None:
    assert send(sandbox, message).status_code == 400
    assert taken(sandbox) == []


@pytest.mark.parametrize(
    ("fault", "status", "is_taken"),
    [
        ("number_refused", 422, False),
        ("rate_limited", 429, False),
        ("http_500", 500, False),
        ("http_502_after", 502, True),
    ],
)
def test_faults_say_whether_it_was_taken(
    sandbox: SandboxClient, fault: str, status: int, is_taken: bool
) -> None:
    sandbox.control("config", vendor="sms", fault_rate=1, faults=[fault])

    assert send(sandbox).status_code == status
    assert len(taken(sandbox)) == is_taken


def test_reset_forgets_messages_and_faults(sandbox: SandboxClient) -> None:
    send(sandbox)
    sandbox.control("config", vendor="sms", fault_rate=1, faults=["http_500"])
    sandbox.control("reset", vendor="sms")

    assert taken(sandbox) == []
    assert send(sandbox).status_code == 202
