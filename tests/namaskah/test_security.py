"""Bounds of requests, headers of answers, and who may call from a browser."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from pytest_django import Settings

from namaskah import urls

pytestmark = pytest.mark.django_db


@csrf_exempt
def echo(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"{sorted(request.POST)} {sorted(request.FILES)}")


@pytest.fixture
def echoing(settings: Settings) -> Client:
    pattern = type(
        "Urls", (), {"urlpatterns": [path("api/echo", echo), path("echo", echo), *urls.urlpatterns]}
    )
    settings.ROOT_URLCONF = pattern
    return Client()


def test_body_that_is_announced_too_long_is_refused_unread(echoing: Client, settings: Settings) -> None:
    settings.REQUEST_MAX_BYTES = 100

    answer = echoing.post("/echo", {"a": "x" * 200})

    assert answer.status_code == 413
    assert "at most 100 bytes" in answer.content.decode()
    assert answer["X-Request-ID"] in answer.content.decode()


@pytest.mark.parametrize("length", ["-", "1e9", "1,2"])
def test_nonsense_for_a_length_is_refused(echoing: Client, length: str) -> None:
    answer = echoing.generic("POST", "/echo", b"a=1", CONTENT_LENGTH=length)

    assert answer.status_code in {400, 413}


def test_files_are_neither_read_nor_kept(echoing: Client, tmp_path: Path, settings: Settings) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    bomb = SimpleUploadedFile("bomb.zip", b"x" * 900_000)

    answer = echoing.post("/echo", {"before": "1", "bomb": bomb})

    assert answer.content.decode() == "['before'] []"
    assert list(tmp_path.iterdir()) == []


def test_twin_with_djangos_handlers_takes_the_file(echoing: Client, settings: Settings) -> None:
    settings.FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]

    answer = echoing.post("/echo", {"bomb": BytesIO(b"x" * 900)})

    assert answer.content.decode().endswith("['bomb']")


def test_more_fields_than_any_form_has_are_refused(echoing: Client) -> None:
    answer = echoing.post("/echo", {f"field{number}": "1" for number in range(300)})

    assert answer.status_code == 400


def test_answers_carry_the_headers_that_keep_others_out(client: Client) -> None:
    answer = client.get("/accounts/sign-in/")

    assert {
        name: answer[name]
        for name in (
            "Cross-Origin-Opener-Policy",
            "Cross-Origin-Resource-Policy",
            "Referrer-Policy",
            "X-Content-Type-Options",
            "X-Frame-Options",
        )
    } == {
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "camera=()" in answer["Permissions-Policy"]


def test_no_site_may_call_from_a_browser_unless_it_is_named(echoing: Client) -> None:
    answer = echoing.get("/api/echo", HTTP_ORIGIN="https://else.example")

    assert not answer.has_header("Access-Control-Allow-Origin")


@pytest.mark.parametrize(("address", "is_open"), [("/api/echo", True), ("/echo", False)])
def test_named_site_may_call_the_api_and_nothing_else(
    echoing: Client, settings: Settings, address: str, is_open: bool
) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://shop.example"]

    answer = echoing.get(address, HTTP_ORIGIN="https://shop.example")

    assert (answer.get("Access-Control-Allow-Origin") == "https://shop.example") is is_open
    assert not answer.has_header("Access-Control-Allow-Credentials")


@pytest.mark.parametrize(
    "host", ["evil.example", "testserver.evil.example", "testserver@evil.example", "a b"]
)
def test_foreign_host_is_refused(client: Client, host: str) -> None:
    assert client.get("/", HTTP_HOST=host).status_code == 400


def test_host_that_a_proxy_forwards_is_not_believed(client: Client) -> None:
    answer = client.get("/", HTTP_X_FORWARDED_HOST="evil.example")

    assert answer.status_code == 200
    assert "evil.example" not in answer.content.decode()
