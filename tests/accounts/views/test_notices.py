"""The bell, its list and the switches."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from accounts.audit_actions import AuditAction
from accounts.enums import Document
from accounts.models import AuditEntry, Notice, NoticePreference, User
from accounts.selectors import notices as selectors
from accounts.services import consents, notice_topics, notices
from accounts.services.notice_topics import Topic
from billing.selectors import masthead
from tests.accounts.test_email_templates import CONTEXTS
from tests.factories.accounts import StaffFactory, UserFactory
from tests.factories.signing_in import sign_in

pytestmark = pytest.mark.django_db
CountQueries = Callable[[int], AbstractContextManager[Any]]
LIST, PREFERENCES = "notices:list", "settings:notifications"
DEFAULTS = [f"{topic.value}-in_app" for topic in notice_topics.CHOSEN] + [
    f"{topic.value}-by_email" for topic in notice_topics.CHOSEN if topic != Topic.ORDERS
]


@pytest.fixture
def user() -> User:
    return UserFactory.create()


@pytest.fixture
def signed_in(client: Client, user: User) -> Client:
    sign_in(client, user)
    return client


def told(user: User, count: int = 1, template: str = "wallet_low", **context: str) -> list[Notice]:
    with transaction.atomic():
        for _ in range(count):
            values = {**CONTEXTS[template], **context}
            notices.tell(user_id=user.pk, template=template, context=values, key=uuid.uuid4().hex)
    return list(Notice.objects.filter(user=user).order_by("created_at", "pk"))


def page(client: Client, query: str = "") -> str:
    response = client.get(reverse(LIST) + query)
    assert response.status_code == 200
    return response.content.decode()


def bell(client: Client) -> str:
    """What a screen reader hears of the bell, on another page."""
    html = client.get(reverse(PREFERENCES)).content.decode()
    match = re.search(r'<a class="iconbutton bell".*?</a>', html, re.DOTALL)
    assert match is not None
    return " ".join(re.sub(r"<[^>]+>", " ", match[0]).split())


def sent(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, "on")


def test_list_shows_what_was_told_newest_first_with_its_link(signed_in: Client, user: User) -> None:
    told(user)
    told(user, template="refund_processed")

    html = page(signed_in)

    assert html.index("on its way back to you") < html.index("Your wallet is down to $0.85.")
    assert '<a href="/wallet/top-up/">Your wallet is down to $0.85.</a>' in html
    assert html.count("data-unread") == html.count(">New</strong>") == 2


def test_empty_list_says_so(signed_in: Client) -> None:
    html = page(signed_in)

    assert "Nothing has happened yet" in html
    assert "Mark all as read" not in html


def test_list_shows_nobody_elses_and_nothing_hidden(signed_in: Client, user: User) -> None:
    told(UserFactory.create())
    NoticePreference.objects.create(user=user, topic=Topic.WALLET, in_app=False, by_email=True)
    told(user)

    assert "Nothing has happened yet" in page(signed_in)
    assert bell(signed_in) == "Notifications"


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "//evil.example/", "http://evil.example/", "data:text/html,x"]
)
def test_strange_address_is_no_link(signed_in: Client, user: User, url: str) -> None:
    told(user, url=url)

    html = page(signed_in)

    assert "Your wallet is down to $0.85." in html
    assert url not in html


def test_words_are_escaped(signed_in: Client, user: User) -> None:
    told(user, balance="<script>x</script>")

    assert "<script>x" not in page(signed_in)


def test_pages_follow_each_other(signed_in: Client, user: User) -> None:
    told(user, 30)

    first = signed_in.get(reverse(LIST))
    second = signed_in.get(reverse(LIST) + first.context["older_url"])
    back = signed_in.get(reverse(LIST) + second.context["newer_url"])

    assert (len(first.context["rows"]), len(second.context["rows"])) == (25, 5)
    assert back.context["rows"] == first.context["rows"]
    assert "Mark all as read" in first.content.decode()
    assert "Mark all as read" not in second.content.decode()


@pytest.mark.parametrize(
    "query", ["?older=x", "?newer=1_2", "?older=9e99_00000000-0000-0000-0000-000000000000"]
)
def test_strange_cursor_is_taken_calmly(signed_in: Client, user: User, query: str) -> None:
    told(user)

    assert "Your wallet is down" in page(signed_in, query)


@pytest.mark.parametrize("count", [1, 3])
def test_list_takes_as_many_queries_for_three_as_for_one(
    signed_in: Client, user: User, count: int, django_assert_num_queries: CountQueries
) -> None:
    told(user, count)
    page(signed_in)

    with django_assert_num_queries(3):  # who is asking, the masthead, the notices
        page(signed_in)


@pytest.mark.parametrize(("count", "words"), [(0, ""), (1, ", not read: 1"), (120, ", not read: 99+")])
def test_bell_says_how_many_wait(signed_in: Client, user: User, count: int, words: str) -> None:
    told(user, count)

    assert bell(signed_in) == f"Notifications{words}"


def test_bell_costs_no_query_beside_the_wallet(user: User, django_assert_num_queries: CountQueries) -> None:
    told(user, 3)

    with django_assert_num_queries(1):
        head = masthead(user.pk)

    assert head.unread == 3
    assert head.wallet.available == 0


def test_one_is_marked_read(signed_in: Client, user: User) -> None:
    first, second = told(user, 2)

    answer = signed_in.post(reverse("notices:read", args=[first.pk]))
    again = signed_in.post(reverse("notices:read", args=[first.pk]))

    assert (answer.status_code, answer["Location"]) == (302, reverse(LIST))
    assert again.status_code == 302
    first.refresh_from_db()
    second.refresh_from_db()
    assert first.read_at is not None
    assert second.read_at is None
    assert bell(signed_in) == "Notifications, not read: 1"


def test_somebody_elses_cannot_be_marked_read(signed_in: Client) -> None:
    [notice] = told(UserFactory.create())

    one = signed_in.post(reverse("notices:read", args=[notice.pk]))
    signed_in.post(reverse("notices:read-all"), {"until": str(notice.pk)})

    notice.refresh_from_db()
    assert (one.status_code, notice.read_at) == (404, None)


def test_all_are_marked_read_but_what_came_after_the_page(signed_in: Client, user: User) -> None:
    told(user, 2)
    until = re.search(r'name="until" value="([^"]+)"', page(signed_in))
    assert until is not None
    told(user)

    signed_in.post(reverse("notices:read-all"), {"until": until[1]})

    assert Notice.objects.filter(user=user, read_at=None).count() == 1


@pytest.mark.parametrize("until", ["", "x", "00000000-0000-0000-0000-000000000000"])
def test_marking_all_up_to_nothing_marks_nothing(signed_in: Client, user: User, until: str) -> None:
    told(user)

    assert signed_in.post(reverse("notices:read-all"), {"until": until}).status_code == 302
    assert Notice.objects.get().read_at is None


def test_looking_marks_nothing_as_read(signed_in: Client, user: User) -> None:
    [notice] = told(user)

    page(signed_in)
    assert signed_in.get(reverse("notices:read", args=[notice.pk])).status_code == 405
    assert signed_in.get(reverse("notices:read-all")).status_code == 405

    assert Notice.objects.get().read_at is None


def test_preferences_show_what_holds(signed_in: Client, user: User) -> None:
    NoticePreference.objects.create(user=user, topic=Topic.REFUNDS, in_app=False, by_email=True)

    html = signed_in.get(reverse(PREFERENCES)).content.decode()

    checked = set(re.findall(r'name="([\w-]+)"[^>]*checked', html))
    assert checked == set(DEFAULTS) - {"refunds-in_app"}
    assert "Always, in both places" in html
    assert 'name="security' not in html


def test_preferences_are_kept_only_where_they_differ(signed_in: Client, user: User) -> None:
    names = set(DEFAULTS) - {"wallet-by_email"} | {"orders-by_email"}

    answer = signed_in.post(reverse(PREFERENCES), sent(*names), follow=True)

    assert "Saved." in answer.content.decode()
    kept = NoticePreference.objects.order_by("topic").values_list("topic", "in_app", "by_email")
    assert list(kept) == [("orders", True, True), ("wallet", True, False)]
    signed_in.post(reverse(PREFERENCES), sent(*DEFAULTS))
    assert not NoticePreference.objects.exists()


def test_choosing_is_in_the_trail(signed_in: Client, user: User) -> None:
    signed_in.post(reverse(PREFERENCES), sent(*set(DEFAULTS) - {"wallet-by_email"}))
    signed_in.post(reverse(PREFERENCES), sent(*set(DEFAULTS) - {"wallet-by_email"}))

    entry = AuditEntry.objects.get(action=AuditAction.PREFERENCES_CHANGED)
    assert (entry.before, entry.after) == ({"wallet": "site+email"}, {"wallet": "site"})


def test_everything_but_security_can_be_switched_off(signed_in: Client, user: User) -> None:
    signed_in.post(reverse(PREFERENCES), {"security-in_app": "", "csrf": "x"})

    assert set(selectors.preferences(user.pk).values()) == {(False, False)}
    assert set(NoticePreference.objects.values_list("topic", flat=True)) == set(notice_topics.CHOSEN)


def test_form_that_names_security_changes_nothing_of_it(signed_in: Client, user: User) -> None:
    signed_in.post(reverse(PREFERENCES), sent(*DEFAULTS, "security-in_app", "user", "topic"))

    assert not NoticePreference.objects.exists()


def test_product_news_take_consent_and_are_off_before(signed_in: Client, user: User) -> None:
    assert not consents.has_given(user.pk, Document.MARKETING)

    signed_in.post(reverse(PREFERENCES), sent(*DEFAULTS, "news"))
    assert consents.has_given(user.pk, Document.MARKETING)

    signed_in.post(reverse(PREFERENCES), sent(*DEFAULTS))
    assert not consents.has_given(user.pk, Document.MARKETING)
    assert consents.current(user.pk)[Document.MARKETING].place == "settings"


@pytest.mark.parametrize("name", [LIST, PREFERENCES])
def test_pages_are_for_people_signed_in(client: Client, name: str) -> None:
    assert client.get(reverse(name))["Location"].startswith("/accounts/sign-in/")


def test_forms_take_a_csrf_token(user: User) -> None:
    client = Client(enforce_csrf_checks=True)
    sign_in(client, user)
    [notice] = told(user)

    for name, arguments in [("notices:read", [notice.pk]), ("notices:read-all", []), (PREFERENCES, [])]:
        assert client.post(reverse(name, args=arguments)).status_code == 403

    notice.refresh_from_db()
    assert notice.read_at is None


def test_console_says_that_somebody_was_told_and_not_what(client: Client, user: User) -> None:
    [notice] = told(user, template="new_device")
    sign_in(client, StaffFactory.create())

    listed = client.get(reverse("admin:accounts_notice_changelist"))
    shown = client.get(reverse("admin:accounts_notice_change", args=[notice.pk]))

    for page_ in (listed, shown):
        assert page_.status_code == 200
        assert "new_device" in page_.content.decode()
        assert CONTEXTS["new_device"]["browser"] not in page_.content.decode()
    assert client.get(reverse("admin:accounts_notice_add")).status_code == 403
