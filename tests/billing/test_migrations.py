"""The ledger's migrations can be taken back and made again."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor


def triggers() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'billing\\_%%' AND NOT tgisinternal", []
        )
        return int(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
def test_guards_are_taken_back_and_made_again() -> None:
    before = triggers()
    executor = MigrationExecutor(connection)

    executor.migrate([("billing", "0001_ledger")])
    without = triggers()
    executor.loader.build_graph()
    executor.migrate(executor.loader.graph.leaf_nodes())

    assert (before, without, triggers()) == (5, 0, 5)
