"""Rules that hold for every template, and the error pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.http import HttpRequest
from django.template.loader import get_template
from django.test import RequestFactory

from namaskah import views

TEMPLATES = Path(settings.BASE_DIR) / "templates"
NAMES = sorted(str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.html"))
# E-mails are read where our policy does not reach and our style sheets cannot be had.
PAGES = [name for name in NAMES if not name.startswith("emails/")]
STYLES = sorted((Path(settings.BASE_DIR) / "static" / "css").rglob("*.css"))
# What the content security policy would refuse.
INLINE = re.compile(r"""<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)|javascript:|hx-on|hx-vals='js:""")


@pytest.fixture
def request_with_id(rf: RequestFactory) -> HttpRequest:
    request = rf.get("/nowhere/")
    request.request_id = "req-12345678"  # type: ignore[attr-defined]
    return request


@pytest.mark.parametrize("name", NAMES)
def test_template_compiles(name: str) -> None:
    get_template(name)


@pytest.mark.parametrize("name", PAGES)
def test_template_holds_nothing_inline(name: str) -> None:
    assert INLINE.findall((TEMPLATES / name).read_text()) == []


@pytest.mark.parametrize(
    "path", [path for path in STYLES if path.name != "tokens.css"], ids=lambda path: path.name
)
def test_colours_come_from_the_tokens(path: Path) -> None:
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b(?!\s*[,{>:.])", path.read_text()) == []


@pytest.mark.parametrize(
    ("view", "status"),
    [(views.bad_request, 400), (views.permission_denied, 403), (views.not_found, 404)],
)
def test_error_page_names_the_request(
    view: views.ErrorView, status: int, request_with_id: HttpRequest
) -> None:
    response = view(request_with_id, Exception())

    assert response.status_code == status
    assert b"req-12345678" in response.content


def test_refused_form_names_the_request(request_with_id: HttpRequest) -> None:
    response = views.csrf_failure(request_with_id, reason="No cookie")

    assert response.status_code == 403
    assert b"req-12345678" in response.content


def test_server_error_needs_nothing_but_its_template(request_with_id: HttpRequest) -> None:
    response = views.server_error(request_with_id)

    assert response.status_code == 500
    assert b"req-12345678" in response.content
    assert b"Your money is safe" in response.content


def test_server_error_is_answered_even_when_its_template_fails(
    request_with_id: HttpRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(name: str) -> None:
        raise OSError(name)

    monkeypatch.setattr(views, "get_template", fail)

    response = views.server_error(request_with_id)

    assert response.status_code == 500
    assert b"req-12345678" in response.content
