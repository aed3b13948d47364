"""A provider row becomes an adapter. The key comes from the environment at that moment and is stored nowhere."""

from __future__ import annotations

import os
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from verifications.models import Provider
from verifications.providers import PROVIDERS
from verifications.providers.base import ProviderAccount, SmsProvider
from verifications.providers.errors import AuthFailed, BadRequest

OWN_CODES = (
    "own_codes"  # a flag of the row that is about our mapping tables; the protocol knows nothing of it
)
_adapters: dict[int, tuple[str, SmsProvider | None]] = {}


def adapter_for(provider: Provider) -> SmsProvider:
    """Return the adapter for a provider row, the same one until the row or its key changes.

    Raises:
        AuthFailed: The environment holds no key under the name the row gives.
        BadRequest: The row has a dialect flag that its protocol does not know.
    """
    key = credential(provider)
    if not key:
        raise AuthFailed(f"{provider.credential_variable} is not set")
    account = account_of(provider, key)
    kind, adapter = _adapters.get(provider.pk, ("", None))
    if adapter is None or kind != provider.adapter or adapter.account != account:
        adapter = _build(provider.adapter, account)
        _adapters[provider.pk] = (provider.adapter, adapter)
    return adapter


def dialect_problem(provider: Provider) -> str:
    """Why the row's dialect flags do not fit its protocol, in words for staff; empty when they do."""
    try:
        _build(provider.adapter, account_of(provider, "none"))
    except BadRequest as error:
        return str(error)
    return ""


def _build(kind: str, account: ProviderAccount) -> SmsProvider:
    try:
        return PROVIDERS[kind](account)
    except ValueError as error:
        raise BadRequest(f"Dialect flags: {error}") from error


def account_of(provider: Provider, key: str) -> ProviderAccount:
    """The plain values an adapter works with."""
    return ProviderAccount(
        slug=provider.slug,
        base_url=provider.base_url.rstrip("/"),
        credential=key,
        currency=provider.currency,
        dialect={flag: value for flag, value in provider.dialect.items() if flag != OWN_CODES},
        connect_timeout_s=settings.PROVIDER_CONNECT_TIMEOUT_S,
        read_timeout_s=settings.PROVIDER_READ_TIMEOUT_S,
        lifetime_s=provider.lifetime_s,
        cancel_lock_s=provider.cancel_lock_s,
    )


def credential(provider: Provider) -> str:
    """The provider's key from the environment, or from the file that `NAME_FILE` names; empty when there is none."""
    name = provider.credential_variable
    if key := os.environ.get(name, "").strip():
        return key
    path = os.environ.get(f"{name}_FILE", "")
    if not path:
        return ""
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def credential_problem(provider: Provider) -> str:
    """Why this provider cannot be called for want of a key, in words for staff; empty when it can."""
    if credential(provider):
        return ""
    return _(
        "No key: set %(name)s, or %(name)s_FILE with the path of a file that holds it, and restart the processes."
    ) % {"name": provider.credential_variable}
