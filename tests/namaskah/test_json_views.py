"""JSON in and out of pages' own scripts."""

from __future__ import annotations

import json

import pytest
from django.http import HttpRequest, JsonResponse, UnreadablePostError
from django.test import RequestFactory

from accounts.exceptions import TooManyTries
from namaskah.lib import json_views
from namaskah.lib.json_views import BodyTooLarge, BodyUnreadable


def request_with(body: bytes) -> HttpRequest:
    return RequestFactory().post("/", data=body, content_type="application/json")


def test_object_is_read() -> None:
    assert json_views.read_body(request_with(b'{"a": 1}'), most_bytes=8) == {"a": 1}


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[1]", b"null", b"\xff", b"[" * 100_000],
    ids=["empty", "half", "list", "null", "bytes", "deep"],
)
def test_anything_else_is_unreadable(body: bytes) -> None:
    with pytest.raises(BodyUnreadable):
        json_views.read_body(request_with(body), most_bytes=200_000)


def test_length_is_counted_where_no_header_says_it() -> None:
    request = request_with(b'{"a": "' + b"x" * 100 + b'"}')
    request.META["CONTENT_LENGTH"] = ""

    with pytest.raises(BodyTooLarge):
        json_views.read_body(request, most_bytes=50)


def test_long_body_is_refused_by_its_header_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    request = request_with(b"{}")
    request.META["CONTENT_LENGTH"] = "51"
    monkeypatch.setattr(type(request), "body", property(lambda self: pytest.fail("It was read.")))

    with pytest.raises(BodyTooLarge):
        json_views.read_body(request, most_bytes=50)


def test_body_that_breaks_off_is_unreadable(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_self: HttpRequest) -> bytes:
        raise UnreadablePostError

    request = request_with(b"{}")
    monkeypatch.setattr(type(request), "body", property(broken))

    with pytest.raises(BodyUnreadable):
        json_views.read_body(request, most_bytes=50)


@pytest.mark.parametrize(
    ("value", "expected"), [("name", "name"), ("x" * 11, ""), (7, ""), (None, ""), ([], ""), ("a\x00b", "")]
)
def test_text_is_text_of_a_sane_length(value: object, expected: str) -> None:
    assert json_views.text({"name": value}, "name", longest=10) == expected


@pytest.mark.parametrize(
    "body", [{}, {"a": None}, {"a": []}, {"a": "{}"}], ids=["none", "null", "list", "text"]
)
def test_nested_wants_an_object(body: dict[str, object]) -> None:
    with pytest.raises(BodyUnreadable):
        json_views.nested(body, "a")


def test_refusal_is_its_sentence_with_code_status_and_wait() -> None:
    @json_views.answers_in_json
    def view(_request: HttpRequest) -> JsonResponse:
        raise TooManyTries(30)

    answer = view(request_with(b"{}"))

    assert isinstance(answer, JsonResponse)
    assert answer.status_code == 429
    assert answer["Retry-After"] == "30"
    assert json.loads(answer.content) == {
        "code": "too_many_tries",
        "detail": "Too many tries. Please try again in 30 seconds.",
    }
