"""Paystack's own OpenAPI file as a judge of both sides: what our client sends and what our stand-in answers.

The file is Paystack's and not part of this project; where it is absent the tests that need it are not collected. `GAPS`
is the list of what it is known to get wrong, each with the reason: nothing else is let through. A gap that the file no
longer has stops the tests, so the list cannot outlive its reasons.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import yaml
from openapi_core import Config, OpenAPI
from openapi_core.testing import MockRequest, MockResponse

ROOT = Path(__file__).parents[1]
HOST = "https://api.paystack.co"

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Gap:
    """One known fault of the file: what to put right in memory, and why it is the file that is wrong."""

    reason: str
    amend: Callable[[Document], None]


def spec_path() -> Path | None:
    """Where the file is: named by `PAYSTACK_OPENAPI`, or in a `protocols` folder beside this project."""
    if named := os.environ.get("PAYSTACK_OPENAPI"):
        return Path(named)
    return next(ROOT.parent.glob("*/protocols/paystack-openapi.yaml"), None)


@cache
def spec() -> OpenAPI | None:
    """The file with the known gaps closed, or None where there is none."""
    path = spec_path()
    if path is None:
        return None
    # The C reader takes a quarter of a second for half a megabyte, the other one six.
    document: Document = yaml.load(path.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    for gap in GAPS:
        gap.amend(document)
    # The file was checked when it was chosen; checking it again would take longer than all the tests.
    return OpenAPI.from_dict(document, config=Config(spec_validator_cls=None))


def check_request(method: str, url: str, body: Mapping[str, Any] | None = None) -> None:
    """Judge a request of ours.

    Args:
        url: Address or path with its query; a base URL that ends in `/paystack` is taken off.
        body: What is sent as JSON.

    Raises:
        AssertionError: It is not what the file describes, or names a parameter or field that it does not know.
    """
    judge = _judge()
    request = _request(method, url, body)
    _raise(f"{method} {url} {body or ''}", judge.iter_request_errors(request))
    operation = _operation(judge, method, request.path)
    known = {parameter["name"] for parameter in operation["parameters"] if parameter["in"] == "query"}
    unknown = set(request.args or {}) - known
    unknown |= set(body or {}) - operation["fields"]
    assert not unknown, f"{method} {url}: unknown to Paystack: {', '.join(sorted(unknown))}"


def check_response(method: str, url: str, status: int, body: Any) -> None:
    """Judge an answer.

    Args:
        url: Address or path that was asked; a base URL that ends in `/paystack` is taken off.
        body: The answer, parsed.

    Raises:
        AssertionError: It is not what the file describes.
    """
    request = _request(method, url, None)
    response = MockResponse(json.dumps(body).encode(), status_code=status)
    _raise(
        f"{status} of {method} {url}: {json.dumps(body)[:2000]}",
        _judge().iter_response_errors(request, response),
    )


def _judge() -> OpenAPI:
    judge = spec()
    assert judge is not None, (
        "Paystack's OpenAPI file is not here; these tests should not have been collected"
    )
    return judge


def _request(method: str, url: str, body: Mapping[str, Any] | None) -> MockRequest:
    parts = urlsplit(url)
    path = parts.path.removeprefix("/paystack")
    data = None if body is None else json.dumps(body).encode()
    return MockRequest(
        HOST,
        method,
        path,
        args=dict(parse_qsl(parts.query, keep_blank_values=True)),
        headers={"Authorization": "Bearer sk_test_x"},
        data=data,
    )


def _raise(subject: str, errors: Iterator[Exception]) -> None:
    said = [text for error in errors for text in _explain(error)]
    assert not said, "\n".join([subject, *said])


def _explain(error: BaseException) -> Iterator[str]:
    cause = error.__cause__
    details = getattr(error, "schema_errors", None) or getattr(cause, "schema_errors", None)
    if details is None:
        yield f"{type(error).__name__}: {error}" + (f" ({cause})" if cause else "")
        return
    for detail in details:
        yield f"  {'.'.join(map(str, detail.absolute_path))}: {detail.message[:300]}"


def _operation(judge: OpenAPI, method: str, path: str) -> Document:
    """Query parameters and names of the body's fields of the operation that a path belongs to."""
    document: Document = judge.spec.read_value()
    template = next(
        template for template in sorted(document["paths"], key=_variables) if _matches(template, path)
    )
    item = document["paths"][template]
    found = item[method.lower()]
    content = _resolve(document, found.get("requestBody", {})).get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    return {
        "parameters": [*item.get("parameters", []), *found.get("parameters", [])],
        "fields": set(_properties(document, schema)),
    }


def _variables(template: str) -> tuple[int, str]:
    return template.count("{"), template


def _matches(template: str, path: str) -> bool:
    ours, theirs = path.strip("/").split("/"), template.strip("/").split("/")
    return len(ours) == len(theirs) and all(
        t.startswith("{") or t == o for o, t in zip(ours, theirs, strict=True)
    )


# Closing gaps -----------------------------------------------------------------------------------------------------


def _resolve(document: Document, node: Document) -> Document:
    while "$ref" in node:
        found: Any = document
        for step in node["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        node = found
    return node


def _properties(document: Document, schema: Document) -> Document:
    schema = _resolve(document, schema)
    found: Document = {}
    for part in schema.get("allOf", []):
        found |= _properties(document, part)
    found |= schema.get("properties", {})
    return found


def _schema(document: Document, where: str) -> Document:
    """`GET /settlement 200: data.items` → that schema; `items` goes into a list, other names into properties."""
    place, _, inside = where.partition(": ")
    method, path, what = place.split(" ")
    operation = document["paths"][path][method.lower()]
    holder = operation["requestBody"] if what == "body" else operation["responses"][what]
    node = _resolve(document, _resolve(document, holder)["content"]["application/json"]["schema"])
    for step in inside.split(".") if inside else []:
        inner = node["items"] if step == "items" else _properties(document, node)[step]
        node = _resolve(document, inner)
    return node


def _anything(*places: str) -> Callable[[Document], None]:
    """The value may be of any type."""

    def amend(document: Document) -> None:
        for place in places:
            schema = _schema(document, place)
            assert schema.keys() - {"description", "example", "nullable"}, f"{place} already takes anything"
            schema.clear()

    return amend


def _nullable(*places: str) -> Callable[[Document], None]:
    """The value may be null."""

    def amend(document: Document) -> None:
        for place in places:
            schema = _schema(document, place)
            assert not schema.get("nullable"), f"{place} may already be null"
            schema["nullable"] = True
            for part in schema.get("allOf", []):
                _resolve(document, part)["nullable"] = True

    return amend


def _optional(place: str, *names: str) -> Callable[[Document], None]:
    """The fields may be absent."""

    def amend(document: Document) -> None:
        schema = _schema(document, place)
        for name in names:
            schema["required"].remove(name)

    return amend


def _nothing_required(place: str) -> Callable[[Document], None]:
    """Every field may be absent."""

    def amend(document: Document) -> None:
        del _schema(document, place)["required"]

    return amend


def _any_word(*places: str) -> Callable[[Document], None]:
    """The word need not be one of the listed ones."""

    def amend(document: Document) -> None:
        for place in places:
            del _schema(document, place)["enum"]

    return amend


def _more_query(path: str, *names: str) -> Callable[[Document], None]:
    """The operation takes these query parameters, too."""

    def amend(document: Document) -> None:
        operation = document["paths"][path]["get"]
        known = {parameter["name"] for parameter in operation.setdefault("parameters", [])}
        assert known.isdisjoint(names), f"GET {path} already knows {known & set(names)}"
        operation["parameters"] += [
            {"in": "query", "name": name, "schema": {"type": "string"}} for name in names
        ]

    return amend


def _cursor_meta(document: Document) -> None:
    schema = _schema(document, "GET /transaction 200: meta")
    offset = dict(schema)
    cursor = {
        "type": "object",
        "properties": {
            "next": {"type": "string", "nullable": True},
            "previous": {"type": "string", "nullable": True},
            "perPage": {"type": "integer"},
        },
        "required": ["next", "previous", "perPage"],
        "additionalProperties": False,
    }
    schema.clear()
    schema["anyOf"] = [offset, cursor]


def _paused_charge(document: Document) -> None:
    schema = _schema(document, "POST /transaction/charge_authorization 200: data")
    attempted = dict(schema)
    paused = {
        "type": "object",
        "properties": {
            "authorization_url": {"type": "string"},
            "access_code": {"type": "string"},
            "reference": {"type": "string"},
            "paused": {"type": "boolean"},
        },
        "required": ["authorization_url", "access_code", "reference", "paused"],
    }
    schema.clear()
    schema["anyOf"] = [attempted, paused]


def _errors_everywhere(document: Document) -> None:
    error = {
        "description": "Refused",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
    }
    for item in document["paths"].values():
        for method, operation in item.items():
            if method == "parameters":
                continue
            for status in ("400", "404", "422", "429"):
                operation["responses"].setdefault(status, error)


def _error_words(document: Document) -> None:
    properties = _resolve(document, document["components"]["schemas"]["Error"])["properties"]
    assert "enum" in properties["code"]
    del properties["code"]["enum"]


def _requery_date(document: Document) -> None:
    for parameter in document["paths"]["/dedicated_account/requery"]["parameters"]:
        if parameter["name"] == "date":
            assert parameter["schema"].pop("format") == "date-time"
        parameter["required"] = True


def _path_parameters(document: Document) -> None:
    # openapi-core merges the two lists of a path only when both are there.
    for item in document["paths"].values():
        shared = item.get("parameters", [])
        for method, operation in item.items():
            if method != "parameters":
                own = operation.setdefault("parameters", [])
                own += [entry for entry in shared if entry not in own]


_VERIFY = "GET /transaction/verify/{reference} 200: data"
_FETCH = "GET /transaction/{id} 200: data"
_LIST = "GET /transaction 200: data.items"
_DISPUTES = (
    "GET /dispute 200: data.items",
    "GET /dispute/{id} 200: data",
    "GET /dispute/transaction/{id} 200: data",
)
_PEOPLE = (
    f"{_FETCH}.customer",
    "GET /refund/{id} 200: data.customer",
    "GET /refund 200: data.items.customer",
    f"{_DISPUTES[0]}.customer",
    f"{_DISPUTES[1]}.customer",
    "GET /customer/{code} 200: data",
)
_WITH_PHONE = (_PEOPLE[0], _PEOPLE[1], _PEOPLE[4], _PEOPLE[5])

GAPS: tuple[Gap, ...] = (
    Gap(
        "parameters of a path belong to each of its operations; only how openapi-core reads it",
        _path_parameters,
    ),
    Gap(
        "XOF, EGP and RWF are supported or priced by Paystack and missing from the enum",
        _any_word(
            "POST /transaction/initialize body: currency",  # one schema for charge_authorization, too
            "POST /refund body: currency",
        ),
    ),
    Gap(
        "apple_pay, capitec_pay and payattitude are documented and missing from the enum",
        _any_word("POST /transaction/initialize body: channels.items"),
    ),
    Gap("samples send the transaction of a refund as a number", _anything("POST /refund body: transaction")),
    Gap(
        "the page size is perPage in the documentation, per_page here", _more_query("/transaction", "perPage")
    ),
    Gap("the documentation lists a period for settlements", _more_query("/settlement", "from", "to")),
    Gap(
        "samples name the file for which they want an address",
        _more_query("/dispute/{id}/upload_url", "upload_filename"),
    ),
    Gap(
        "the documentation lists paging for settled transactions",
        _more_query("/settlement/{id}/transactions", "perPage", "page"),
    ),
    Gap("all three parameters of a requery are required, and the date is a day", _requery_date),
    Gap(
        "refusals come with 400 also where only 401 and 404 are listed; 422 and 429 exist", _errors_everywhere
    ),
    Gap("the words of `code` and `type` are mixed up", _error_words),
    Gap("lists by cursor have a meta of their own", _cursor_meta),
    Gap("a bank that wants the customer answers a charge with an address", _paused_charge),
    Gap(
        "settlements, their transactions and the banks for accounts are lists; one schema serves them all",
        _anything("GET /settlement 200: data"),
    ),
    Gap(
        "metadata comes back as whatever was sent, or as an empty text, null, 0 or a text of JSON",
        _anything(
            f"{_VERIFY}.metadata",
            f"{_FETCH}.metadata",
            f"{_LIST}.metadata",
            *(f"{dispute}.transaction.metadata" for dispute in _DISPUTES),
        ),
    ),
    Gap(
        "a plan is null, 0, an empty text, an empty object, a code or an object",
        _anything(f"{_VERIFY}.plan", f"{_FETCH}.plan", f"{_LIST}.plan"),
    ),
    Gap(
        "requested_amount is null on older records",
        _nullable(*(f"{place}.requested_amount" for place in (_VERIFY, _FETCH, _LIST))),
    ),
    *(
        Gap("requested_amount is absent on older records", _optional(place, "requested_amount"))
        for place in (_VERIFY, _FETCH, _LIST)
    ),
    Gap("the channel may be null", _nullable(*(f"{place}.channel" for place in (_VERIFY, _FETCH, _LIST)))),
    Gap(
        "one paid transaction was the sample; others have no time of payment and no fees",
        _nullable(f"{_FETCH}.paid_at", f"{_FETCH}.paidAt", f"{_FETCH}.fees", f"{_LIST}.paidAt"),
    ),
    Gap("nobody has paid, so there is no instrument", _nothing_required(f"{_FETCH}.authorization")),
    Gap("nobody has paid, so there is no instrument", _nothing_required(f"{_LIST}.authorization")),
    Gap(
        "the sample's customer had names and a phone; most have none, and verify says null is right",
        _nullable(
            *(f"{person}.{name}" for person in _PEOPLE for name in ("first_name", "last_name")),
            *(f"{person}.phone" for person in _WITH_PHONE),
        ),
    ),
    Gap(
        "the same for the phone number in international form",
        _nullable(*(f"{person}.international_format_phone" for person in _PEOPLE[:-1])),
    ),
)
