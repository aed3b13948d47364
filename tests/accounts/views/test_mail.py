"""Reading e-mails on a machine that sends none."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts import mailbox
from accounts.models import AuditEntry, User
from accounts.services import emails
from tests.factories.accounts import StaffFactory, UserFactory
from tests.factories.signing_in import sign_in

pytestmark = pytest.mark.django_db
CONTEXT = {"amount": "₦5,000.00", "credit": "$3.27", "url": "/wallet/deposits/1/"}


@pytest.fixture
def folder(settings: Settings, tmp_path: Path) -> Path:
    settings.EMAIL_BACKEND = mailbox.FILE_BACKEND
    settings.EMAIL_FILE_PATH = str(tmp_path)
    return tmp_path


@pytest.fixture
def staff(client: Client) -> Client:
    sign_in(client, StaffFactory.create())
    return client


@pytest.fixture
def customer(folder: Path) -> User:
    """Somebody who got two e-mails."""
    user = UserFactory.create(email="ann@example.com")
    for number in range(2):
        with transaction.atomic():
            context = {**CONTEXT, "credit": f"$3.2{number}"}
            email = emails.queue(
                user_id=user.pk, template="deposit_succeeded", context=context, key=f"told:{number}"
            )
        assert email is not None
        emails.send(email.pk)
    return user


def rename(folder: Path) -> None:
    """The backend names files by the second and at random; here their order is known."""
    files = {path: path.read_bytes() for path in folder.glob("*.log")}
    for path, content in files.items():
        path.unlink()
        number = 0 if b"$3.20" in content else 1
        (folder / f"20261121-10000{number}-77.log").write_bytes(content)


def test_emails_are_listed_newest_first(staff: Client, customer: User, folder: Path) -> None:
    rename(folder)

    page = staff.get(reverse("mail:inbox")).content.decode()

    assert page.index("$3.21 is in your wallet") < page.index("$3.20 is in your wallet")
    assert page.count("ann@example.com") == 2
    assert reverse("mail:message", args=["20261121-100001-77-0"]) in page


def test_message_shows_frame_text_and_headers(staff: Client, customer: User, folder: Path) -> None:
    rename(folder)

    response = staff.get(reverse("mail:message", args=["20261121-100000-77-0"]))
    page = response.content.decode()

    assert "Your payment of ₦5,000.00 arrived. $3.20 was added" in page
    assert "Message-ID" in page
    assert "Auto-Submitted" in page
    assert "<iframe" in page
    assert "<style>" not in page.split('id="content-main"')[1]
    policy = response["Content-Security-Policy"]
    assert "frame-src 'self'" in policy
    assert "style-src 'self'" in policy


def test_reading_a_message_is_in_the_audit_trail(staff: Client, customer: User, folder: Path) -> None:
    rename(folder)
    name = mailbox.latest()[0].name

    staff.get(reverse("mail:message", args=[name]))

    assert AuditEntry.objects.filter(action="staff.viewed", target=f"mail:{name}").count() == 1


def test_html_is_a_document_that_may_do_nothing(staff: Client, customer: User, folder: Path) -> None:
    rename(folder)

    response = staff.get(reverse("mail:message-html", args=["20261121-100000-77-0"]))

    assert "<h1>$3.20 is in your wallet</h1>" in response.content.decode()
    policy = {part.strip() for part in response["Content-Security-Policy"].split(";")}
    assert {
        "default-src 'none'",
        "script-src 'none'",
        "style-src 'unsafe-inline'",
        "frame-ancestors 'self'",
    } <= policy
    assert "sandbox" in policy
    assert response["X-Frame-Options"] == "SAMEORIGIN"


def test_several_emails_in_one_file_are_told_apart(folder: Path) -> None:
    one = b"To: a@b.c\nSubject: First\n\nHello\n"
    two = b"To: a@b.c\nSubject: Second\nDate: Sat, 21 Nov 2026 10:00:00 -0000\n\nBye\n"
    (folder / "20261121-100000-5.log").write_bytes(one + mailbox.SEPARATOR + two + mailbox.SEPARATOR)

    found = mailbox.latest()

    assert [(email.name, email.subject, email.text.strip()) for email in found] == [
        ("20261121-100000-5-1", "Second", "Bye"),
        ("20261121-100000-5-0", "First", "Hello"),
    ]
    assert found[1].sent_at is None
    assert [email.subject for email in mailbox.latest(1)] == ["Second"]


def test_empty_directory_says_so(staff: Client, folder: Path) -> None:
    assert "No e-mail has been written yet" in staff.get(reverse("mail:inbox")).content.decode()


@pytest.mark.parametrize(
    "name", ["x", "20261121-100000-77-9", "20261121-100000-78-0", "..%2F..%2Fenv", "20261121-100000-77-0.log"]
)
@pytest.mark.parametrize("view", ["mail:message", "mail:message-html"])
def test_unknown_email_is_not_there(
    staff: Client, customer: User, folder: Path, view: str, name: str
) -> None:
    rename(folder)

    assert staff.get(reverse(view, args=[name])).status_code == 404


PAGES = [
    ("mail:inbox", []),
    ("mail:message", ["20261121-100000-77-0"]),
    ("mail:message-html", ["20261121-100000-77-0"]),
]


@pytest.mark.parametrize(("view", "arguments"), PAGES)
def test_only_staff_reads_it(
    client: Client, customer: User, folder: Path, view: str, arguments: list[str]
) -> None:
    rename(folder)
    address = reverse(view, args=arguments)

    assert client.get(address)["Location"].startswith("/ops/login/")
    client.force_login(customer)
    assert client.get(address)["Location"].startswith("/ops/login/")


@pytest.mark.parametrize(("view", "arguments"), PAGES)
def test_where_emails_are_sent_nobody_reads_them(staff: Client, view: str, arguments: list[str]) -> None:
    assert staff.get(reverse(view, args=arguments)).status_code == 404


def test_addresses_stand_beside_the_console() -> None:
    assert reverse("mail:inbox") == "/ops/mail/"
