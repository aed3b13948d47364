"""For the whole suite."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.db.backends.postgresql.operations import DatabaseOperations

from accounts import roles
from accounts.enums import Role

pytest_plugins = ["tests.shop", "tests.fake_paystack", "tests.redis_away"]


@pytest.fixture(autouse=True, scope="session")
def _flush_append_only_tables() -> Iterator[None]:
    """Emptying the database between transactional tests must pass the triggers that keep the ledger append-only."""
    original = DatabaseOperations.execute_sql_flush

    def flush(self: DatabaseOperations, sql_list: list[str]) -> None:
        without_triggers = "SET LOCAL session_replication_role = replica"
        original(self, [without_triggers, *sql_list])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "execute_sql_flush", flush)
        yield


@pytest.fixture
def support_may(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let support do these things and nothing else, from now on: `support_may("billing.view_refund")`."""

    def may(*permissions: str) -> None:
        monkeypatch.setitem(roles.ROLES, Role.SUPPORT, roles.Grant(None, frozenset(permissions)))

    may()
    return may
