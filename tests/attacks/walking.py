"""Going to every address of the site, each time from where one began."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.test import Client

from tests.roles.addresses import Address, all_addresses
from tests.roles.scene import Scene

STREAM = "events-stream"  # answers of its own, in threads that see no test's rows: tests/accounts/views/test_stream.py


def walk(
    client: Client, scene: Scene, method: str = "GET", *, is_undone: bool = True, **request: Any
) -> Iterator[tuple[Address, HttpResponse]]:
    """Ask each address, undo what it did (unless it is to stay), and keep the cookies as they were."""
    cookies = {name: morsel.value for name, morsel in client.cookies.items()}
    for address in all_addresses(scene.args, scene.rows):
        if address.key == STREAM:
            continue
        client.cookies.clear()
        client.cookies.load(cookies)
        path = f"{address.path}?{_query(address, scene)}"
        with transaction.atomic():
            response: Any = client.generic(method, path, **request)
            transaction.set_rollback(is_undone)
        yield address, response


def _query(address: Address, scene: Scene) -> str:
    """What a few pages cannot do without."""
    queries = {
        "settings:export-download": f"token={scene.args['export_token']}",
        "billing:refund-new": f"deposit={scene.args['paid_id']}",
        "admin:autocomplete": "app_label=verifications&model_name=pricerule&field_name=service",
    }
    return queries.get(address.key, "")
