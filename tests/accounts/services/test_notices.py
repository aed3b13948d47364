"""Telling people: once, where they want to hear it, and security always."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.enums import AccountState
from accounts.models import Notice, NoticePreference, OutgoingEmail, User
from accounts.services import notice_topics, notice_words, notices
from accounts.services.email_templates import EMAILS
from accounts.services.notice_topics import Topic
from accounts.services.notices import News
from tests.accounts.test_email_templates import CONTEXTS
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db
LOW = {"balance": "$0.85", "url": "/wallet/top-up/"}
TOLD_UNDER_THE_BELL = sorted(name for name in EMAILS if notice_words.has_words(name))


@pytest.fixture
def user() -> User:
    return UserFactory.create(email="ann@example.com")


def tell(user: User, template: str = "wallet_low", key: str = "low:1", **more: Any) -> bool:
    with transaction.atomic():
        return notices.tell(user_id=user.pk, template=template, context=CONTEXTS[template], key=key, **more)


def prefer(user: User, topic: Topic, *, in_app: bool, by_email: bool) -> None:
    NoticePreference.objects.create(user=user, topic=topic, in_app=in_app, by_email=by_email)


def shown(user: User) -> list[str]:
    return list(Notice.objects.filter(user=user, is_shown=True).values_list("template", flat=True))


def mailed(user: User) -> list[str]:
    return list(OutgoingEmail.objects.filter(user=user).values_list("template", flat=True))


def test_fact_is_told_in_both_places_by_default(user: User) -> None:
    assert tell(user)

    notice = Notice.objects.get()
    assert (notice.user, notice.template, notice.context, notice.key) == (user, "wallet_low", LOW, "low:1")
    assert (notice.is_shown, notice.read_at) == (True, None)
    assert mailed(user) == ["wallet_low"]


def test_fact_is_told_once(user: User) -> None:
    assert [tell(user), tell(user)] == [True, False]

    assert (Notice.objects.count(), OutgoingEmail.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_telling_takes_a_transaction(user: User) -> None:
    with pytest.raises(transaction.TransactionManagementError):
        notices.tell(user_id=user.pk, template="wallet_low", context=LOW, key="low:1")


def test_what_is_rolled_back_is_not_told(user: User) -> None:
    with transaction.atomic():
        notices.tell(user_id=user.pk, template="wallet_low", context=LOW, key="low:1")
        transaction.set_rollback(True)

    assert (shown(user), mailed(user)) == ([], [])


@pytest.mark.parametrize(("in_app", "by_email"), [(True, True), (True, False), (False, True), (False, False)])
def test_preference_decides_where(user: User, in_app: bool, by_email: bool) -> None:
    prefer(user, Topic.WALLET, in_app=in_app, by_email=by_email)

    assert [tell(user), tell(user)] == [True, False]
    assert (shown(user), mailed(user)) == (["wallet_low"] * in_app, ["wallet_low"] * by_email)


def test_preference_is_of_one_topic_and_one_person(user: User) -> None:
    prefer(user, Topic.REFUNDS, in_app=False, by_email=False)
    prefer(UserFactory.create(), Topic.WALLET, in_app=False, by_email=False)

    tell(user)

    assert (shown(user), mailed(user)) == (["wallet_low"], ["wallet_low"])


def test_orders_are_not_mailed_until_somebody_wants_it(user: User) -> None:
    tell(user, "code_received", "order:1")
    prefer(user, Topic.ORDERS, in_app=False, by_email=True)
    tell(user, "code_received", "order:2")

    assert list(Notice.objects.order_by("key").values_list("is_shown", flat=True)) == [True, False]
    assert list(OutgoingEmail.objects.values_list("key", flat=True)) == ["order:2"]


@pytest.mark.parametrize(
    "template", sorted(name for name in EMAILS if notice_topics.of(name) == Topic.SECURITY)
)
def test_security_cannot_be_switched_off(user: User, template: str) -> None:
    prefer(user, Topic.SECURITY, in_app=False, by_email=False)

    tell(user, template, "safe:1")

    assert shown(user) == [template] * notice_words.has_words(template)
    assert mailed(user) == [template]


def test_secrets_are_for_the_email_alone(user: User) -> None:
    context = dict(LOW)

    with transaction.atomic():
        notices.tell(
            user_id=user.pk,
            template="wallet_low",
            context=context,
            key="low:1",
            secrets={"link": "/hush/a-secret/"},
        )

    assert "a-secret" not in str(Notice.objects.values())
    assert "a-secret" not in str(OutgoingEmail.objects.values())
    assert OutgoingEmail.objects.get().sealed


def test_nobody_is_told_when_nobody_is_there(user: User) -> None:
    User.objects.filter(pk=user.pk).update(state=AccountState.ERASED)

    assert not tell(user)

    assert (Notice.objects.count(), OutgoingEmail.objects.count()) == (0, 0)


@pytest.mark.parametrize(("template", "context"), [("wallet_lower", LOW), ("wallet_low", {"url": "/"})])
def test_what_could_not_be_shown_is_not_told(user: User, template: str, context: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="e-mail"), transaction.atomic():
        notices.tell(user_id=user.pk, template=template, context=context, key="low:1")

    assert not Notice.objects.exists()


@pytest.mark.parametrize("count", [1, 3])
def test_many_facts_cost_one_statement_and_one_for_each_email(user: User, count: int) -> None:
    orders = [News(user.pk, "code_received", CONTEXTS["code_received"], f"o:{n}") for n in range(count)]
    low = [News(UserFactory.create().pk, "wallet_low", LOW, f"low:{n}") for n in range(count)]

    with (
        transaction.atomic(),
        CaptureQueriesContext(
            connection,
        ) as queries,
    ):
        told = notices.tell_all([*orders, *low])

    assert told == 2 * count
    assert len(queries) == 1 + count


def test_same_fact_twice_in_one_go_is_told_once(user: User) -> None:
    news = News(user.pk, "wallet_low", LOW, "low:1")

    with transaction.atomic():
        assert notices.tell_all([news, news]) == 1

    assert mailed(user) == ["wallet_low"]


def test_nothing_to_tell_is_no_error() -> None:
    with transaction.atomic():
        assert notices.tell_all([]) == 0


@pytest.mark.parametrize("template", TOLD_UNDER_THE_BELL)
def test_notice_has_one_short_sentence_without_holes(template: str) -> None:
    ends = ["won", "lost"] if template == "dispute_closed" else [CONTEXTS[template].get("outcome", "")]

    for outcome in ends:
        words = notice_words.words(template, {**CONTEXTS[template], "outcome": outcome})

        assert 10 < len(words) < 120
        assert "–" not in words
        assert "%(" not in words
        assert words.count(". ") <= 1


def test_only_answers_to_a_typed_address_and_bare_secrets_have_no_words() -> None:
    silent = {name for name in EMAILS if not notice_words.has_words(name)}

    assert {name for name in silent if notice_topics.of(name) != Topic.ADDRESS} <= {
        "password_reset",
        "second_factor_code",
    }


def test_every_sentence_belongs_to_an_email() -> None:
    assert {name.partition(".")[0] for name in notice_words.WORDS} <= set(EMAILS)


def test_notice_lacking_something_is_shown_with_a_gap() -> None:
    assert notice_words.words("wallet_low", {}) == "Your wallet is down to –."
    assert notice_words.words("dispute_closed", {"outcome": "odd"}) == ""
