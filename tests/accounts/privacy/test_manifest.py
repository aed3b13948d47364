"""Every column has an answer, every answer a column, and what the answers promise is true."""

from __future__ import annotations

from collections import Counter

import pytest
from django.apps import apps
from django.db.models import Model

from accounts.privacy import page, registry
from accounts.privacy.vocabulary import Column, Erase, Keep, Kind, Table, period_of
from tests.factories.accounts import UserFactory

APPS = ("accounts", "billing", "verifications", "admin")
MODELS = [model for label in APPS for model in apps.get_app_config(label).get_models()]
TABLES = {table.model: table for table in registry.tables()}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_every_column_has_an_answer_and_every_answer_a_column(model: type[Model]) -> None:
    table = TABLES[model._meta.label]

    assert set(table.columns) == {field.name for field in model._meta.concrete_fields}


def test_every_table_is_a_model_and_stands_once() -> None:
    labels = Counter(table.model for table in registry.tables())

    assert set(labels) == {model._meta.label for model in MODELS}
    assert labels.most_common(1)[0][1] == 1


def test_every_table_with_a_link_to_a_customer_says_whose_it_is_or_that_it_is_of_staff() -> None:
    of_staff = {
        "billing.Approval": {"asked_by", "decided_by"},
        "billing.Difference": {"explained_by"},
        "billing.ExchangeRate": {"created_by"},
        "billing.ReconciledDay": {"closed_by"},
        "verifications.HistoricalProvider": {"history_user"},
        "verifications.HistoricalPriceRule": {"history_user"},
        "admin.LogEntry": {"user"},
    }
    user = apps.get_model("accounts.User")
    links = {
        model._meta.label: {
            field.name for field in model._meta.concrete_fields if field.related_model is user
        }
        for model in MODELS
    }

    unowned = {label: names for label, names in links.items() if names and not TABLES[label].owners}

    assert unowned == of_staff


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_answers_fit_each_other(table: Table) -> None:
    exported = [column.export for column in table.columns.values() if column.export]

    assert len(exported) == len(set(exported))
    assert bool(exported) == bool(table.export) or table.goes
    assert not table.export or table.owners
    if table.keep == Keep.OURS:
        assert not exported
        assert not table.owners


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_contacts_and_secrets_do_not_survive_an_erasure(table: Table) -> None:
    if not table.owners or table.goes:
        return
    kept = {
        name
        for name, column in table.columns.items()
        if column.kind in {Kind.CONTACT, Kind.CONTENT} and column.erase == Erase.KEEP
    }
    words = {
        "accounts.Consent",
        "accounts.Erasure",
        "verifications.Verification",
    }  # facts and dates, no free text

    assert not kept or table.model in words


def test_no_secret_is_in_a_copy() -> None:
    secret = (
        "password",
        "token_hash",
        "code_hash",
        "session_key",
        "session_data",
        "sealed_key",
        "sealed_code",
    )
    columns: list[tuple[str, Column]] = [
        (name, column) for table in TABLES.values() for name, column in table.columns.items()
    ]

    exported = {name for name, column in columns if column.export}

    assert exported.isdisjoint(secret)


def test_files_of_a_copy_have_names_of_their_own() -> None:
    names = [table.export for table in TABLES.values() if table.export]

    assert len(names) == len(set(names))


@pytest.mark.parametrize("keep", Keep)
def test_every_period_has_words(keep: Keep) -> None:
    assert period_of(keep)


@pytest.mark.django_db
def test_page_tells_every_table_that_knows_customers() -> None:
    user = UserFactory.create(message_days=7)

    groups = page.kept(message_days=user.message_days)

    told = {title for group in groups for title in group.titles}
    assert {str(table.title) for table in TABLES.values() if table.owners} <= told
    assert "7 days after the order ends" in {group.period for group in groups}
