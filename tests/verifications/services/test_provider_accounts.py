"""A provider row becomes an adapter."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.factories.catalog import ProviderFactory
from verifications.models import Provider
from verifications.providers.errors import AuthFailed, BadRequest
from verifications.services import provider_accounts

pytestmark = pytest.mark.django_db


@pytest.fixture
def provider() -> Provider:
    return ProviderFactory.create(
        credential_variable="ACCOUNTS_TEST_KEY", dialect={"own_codes": True, "has_v2": True}, lifetime_s=900
    )


def test_row_becomes_plain_values(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCOUNTS_TEST_KEY", " secret-key\n")

    account = provider_accounts.adapter_for(provider).account

    assert (account.slug, account.credential, account.lifetime_s) == (provider.slug, "secret-key", 900)
    assert account.dialect == {"has_v2": True}
    assert "secret-key" not in repr(account)


def test_key_may_come_from_a_file(
    provider: Provider, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text("from-file\n")
    monkeypatch.setenv("ACCOUNTS_TEST_KEY_FILE", str(tmp_path / "key"))

    assert provider_accounts.adapter_for(provider).account.credential == "from-file"
    assert provider_accounts.credential_problem(provider) == ""


@pytest.mark.parametrize("path", ["", "/nowhere/at/all"])
def test_missing_key_is_an_error_that_names_the_variable(
    provider: Provider, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setenv("ACCOUNTS_TEST_KEY_FILE", path)

    with pytest.raises(AuthFailed, match="ACCOUNTS_TEST_KEY is not set"):
        provider_accounts.adapter_for(provider)
    assert "ACCOUNTS_TEST_KEY" in provider_accounts.credential_problem(provider)


def test_adapter_is_kept_until_row_or_key_change(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCOUNTS_TEST_KEY", "one")
    first = provider_accounts.adapter_for(provider)
    assert provider_accounts.adapter_for(Provider.objects.get(pk=provider.pk)) is first

    Provider.objects.update(base_url="http://127.0.0.1:10/other")
    moved = provider_accounts.adapter_for(Provider.objects.get(pk=provider.pk))
    assert moved.account.base_url == "http://127.0.0.1:10/other"

    monkeypatch.setenv("ACCOUNTS_TEST_KEY", "two")
    assert provider_accounts.adapter_for(Provider.objects.get(pk=provider.pk)).account.credential == "two"


def test_protocol_of_a_row_may_change(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCOUNTS_TEST_KEY", "one")
    first = provider_accounts.adapter_for(provider)
    Provider.objects.update(adapter="fivesim", dialect={})

    assert type(provider_accounts.adapter_for(Provider.objects.get(pk=provider.pk))) is not type(first)


def test_flag_the_protocol_does_not_know_is_named(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACCOUNTS_TEST_KEY", "one")
    assert provider_accounts.dialect_problem(provider) == ""
    provider.dialect = {"has_v3": True}

    assert "has_v3" in provider_accounts.dialect_problem(provider)
    with pytest.raises(BadRequest):
        provider_accounts.adapter_for(provider)
