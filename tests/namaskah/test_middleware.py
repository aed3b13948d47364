"""Request ids, the request's line in the log, and error pages."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator

import pytest
import structlog
from django.conf import settings as project_settings
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import AsyncClient, Client
from django.urls import path
from pytest_django import Settings

from namaskah import urls
from tests.accounts.viewers import Viewer, cookie_of
from tests.factories.accounts import PASSWORD, UserFactory
from tests.namaskah.log_lines import Lines, log_lines

log = structlog.get_logger(__name__)


def fine(request: HttpRequest) -> HttpResponse:
    log.info("In the view")
    return HttpResponse("fine")


def rows(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(iter([b"a", b"b"]))


def bad(request: HttpRequest) -> HttpResponse:
    raise SuspiciousOperation


def forbidden(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied


def broken(request: HttpRequest) -> HttpResponse:
    raise OperationalError("the database is away")


urlpatterns = [
    *urls.urlpatterns,
    path("fine", fine),
    path("rows", rows),
    path("bad", bad),
    path("forbidden", forbidden),
    path("broken", broken),
]
handler400, handler403 = urls.handler400, urls.handler403
handler404, handler500 = urls.handler404, urls.handler500


@pytest.fixture(autouse=True)
def _these_addresses(settings: Settings) -> None:
    settings.ROOT_URLCONF = __name__


@pytest.fixture
def lines() -> Iterator[Lines]:
    with log_lines() as caught:
        yield caught


@pytest.fixture
def visitor() -> Client:
    return Client(raise_request_exception=False)


ANSWERS = [
    ("/fine", 200),
    ("/rows", 200),
    ("/bad", 400),
    ("/forbidden", 403),
    ("/nothing-here", 404),
    ("/broken", 500),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("address", "status"), ANSWERS)
def test_every_answer_carries_its_request_id(visitor: Client, address: str, status: int) -> None:
    answer = visitor.get(address)

    assert answer.status_code == status
    assert uuid.UUID(answer["X-Request-ID"]).version == 4


@pytest.mark.django_db
@pytest.mark.django_db
def test_refused_request_is_a_warning_without_a_traceback(visitor: Client) -> None:
    with log_lines() as lines:
        visitor.get("/", HTTP_HOST="evil.example")
        visitor.post("/accounts/sign-in/", {f"field{number}": "1" for number in range(300)})

    refused = [line for line in lines.all if str(line["logger"]).startswith("django.security")]
    assert [line["level"] for line in refused] == ["warning", "warning"]
    assert [line for line in lines.all if "exception" in line or line["level"] == "error"] == []


def test_refused_host_carries_a_request_id(visitor: Client) -> None:
    answer = visitor.get("/fine", HTTP_HOST="evil.example")

    assert (answer.status_code, len(answer["X-Request-ID"])) == (400, 36)


@pytest.mark.parametrize("address", ["/fine", "/rows"])
def test_async_handler_carries_it_too(address: str) -> None:
    answer = asyncio.run(AsyncClient().get(address, headers={"X-Request-ID": "support-4711"}))

    assert (answer.status_code, answer["X-Request-ID"]) == (200, "support-4711")


@pytest.mark.parametrize("given", ["support-4711", str(uuid.UUID(int=7)), "A" * 64, "a.b_c-d.1"])
def test_well_formed_id_is_kept(client: Client, given: str) -> None:
    assert client.get("/fine", headers={"X-Request-ID": given})["X-Request-ID"] == given


@pytest.mark.parametrize(
    "given", ["", "short", "A" * 65, "with space", "a\nbcdefgh", "<script>alert", "abcdefgh\n"]
)
def test_other_ids_are_replaced(client: Client, given: str) -> None:
    answer = client.get("/fine", headers={"X-Request-ID": given})

    assert uuid.UUID(answer["X-Request-ID"]).version == 4


@pytest.mark.django_db
@pytest.mark.parametrize(("address", "status"), [each for each in ANSWERS if each[1] >= 400])
def test_error_page_shows_the_id_and_no_detail(visitor: Client, address: str, status: int) -> None:
    answer = visitor.get(address, headers={"X-Request-ID": "support-4711"})

    page = answer.content.decode()
    assert answer.status_code == status
    assert "support-4711" in page
    assert "Traceback" not in page
    assert "the database is away" not in page


def test_server_error_page_needs_no_database(visitor: Client) -> None:
    visitor.cookies[project_settings.SESSION_COOKIE_NAME] = "any"  # pytest-django refuses the database here

    answer = visitor.get("/broken")

    assert answer.status_code == 500
    assert answer["X-Request-ID"] in answer.content.decode()


@pytest.mark.django_db
def test_lines_of_a_request_carry_its_id_and_user(client: Client, lines: Lines) -> None:
    user = UserFactory.create()
    client.force_login(user)

    client.get("/fine?secret=1", headers={"X-Request-ID": "support-4711"})

    inside, request = lines.named("In the view")[0], lines.named("Request")[0]
    for line in (inside, request):
        assert (line["request_id"], line["user_id"]) == ("support-4711", user.pk)
    assert (request["method"], request["path"], request["status"]) == ("GET", "/fine", 200)
    assert request["ms"] >= 0
    assert "secret" not in lines.raw


@pytest.mark.django_db
def test_line_of_a_failure_carries_them_too(visitor: Client, lines: Lines) -> None:
    user = UserFactory.create()
    visitor.force_login(user)

    visitor.get("/broken", headers={"X-Request-ID": "support-4711"})

    failures = [line for line in lines.all if "the database is away" in line.get("exception", "")]
    assert [(line["request_id"], line["user_id"]) for line in failures] == [("support-4711", user.pk)]


def test_visitor_without_session_is_nobody(client: Client, lines: Lines) -> None:
    client.get("/fine")  # and costs no query: pytest-django refuses the database here

    assert lines.named("In the view")[0]["user_id"] is None


@pytest.mark.django_db
def test_signing_in_is_logged_as_the_one_who_did(client: Client, lines: Lines) -> None:
    user = UserFactory.create(email="ann@example.com")

    client.post("/accounts/sign-in/", {"email": "ann@example.com", "password": PASSWORD})

    assert [line["user_id"] for line in lines.named("Signed in") + lines.named("Request")] == [user.pk] * 2
    assert "ann@example.com" not in lines.raw
    assert PASSWORD not in lines.raw


@pytest.mark.django_db
def test_reading_the_session_for_the_log_does_not_make_a_page_vary(client: Client) -> None:
    client.force_login(UserFactory.create())

    assert "Cookie" not in client.get("/fine").get("Vary", "")


@pytest.mark.django_db
def test_one_request_leaves_nothing_in_the_next(client: Client, lines: Lines) -> None:
    client.force_login(UserFactory.create())
    client.get("/fine", headers={"X-Request-ID": "first-request"})
    Client().get("/fine", headers={"X-Request-ID": "second-request"})

    first, second = lines.named("In the view")
    assert first["user_id"] is not None
    assert (second["request_id"], second["user_id"]) == ("second-request", None)


@pytest.mark.django_db(transaction=True)
def test_stream_is_logged_like_a_page(lines: Lines) -> None:
    user = UserFactory.create()
    cookie = cookie_of(user)

    async def scene() -> None:
        async with Viewer(cookie, x_request_id="support-4711") as viewer:
            assert viewer.headers["x-request-id"] == "support-4711"

    asyncio.run(scene())

    (line,) = lines.named("Request")
    assert (line["path"], line["status"], line["request_id"], line["user_id"]) == (
        "/events/stream",
        200,
        "support-4711",
        user.pk,
    )
