"""A door of the tests' own into `sign_in.complete`, behind the product's middleware. `settings.ROOT_URLCONF` names it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path

from accounts import sign_in
from accounts.models import Session, User
from accounts.services import sessions
from accounts.session_user import session_of
from accounts.sessions import digest
from namaskah import urls

WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Mobile/15E148 Safari/604.1"


def enter_view(request: HttpRequest) -> HttpResponse:
    """Everything right was shown."""
    user = User.objects.get(pk=request.GET["user"])
    methods = request.GET.get("methods", "password").split(",")
    sign_in.complete(request, user, methods=methods, remember=request.GET.get("remember") == "1")
    return HttpResponse(str(request.user.pk))


def me(request: HttpRequest) -> HttpResponse:
    """Who is asking, and what their session has shown."""
    session = session_of(request)
    return HttpResponse(f"{request.user.pk}|{session is not None}|{sessions.is_verified(request)}")


def keep(request: HttpRequest) -> HttpResponse:
    """A visitor's choice."""
    request.session["choice"] = request.GET["value"]
    return HttpResponse()


def chosen(request: HttpRequest) -> HttpResponse:
    """What the session remembers of it."""
    return HttpResponse(str(request.session.get("choice", "")))


def step_up(request: HttpRequest) -> HttpResponse:
    """Shown again."""
    if request.GET.get("factor"):
        sessions.mark_verified(request)
    else:
        sessions.mark_stepped_up(request)
    return HttpResponse(str(sessions.stepped_up_at(request)))


def end_others(request: HttpRequest) -> HttpResponse:
    """As after a change of password."""
    assert isinstance(request.user, User)
    count = sessions.end_all(user_id=request.user.pk, actor=request.user, except_request=request)
    return HttpResponse(str(count))


urlpatterns = [
    *urls.urlpatterns,
    path("test/enter", enter_view),
    path("test/me", me),
    path("test/keep", keep),
    path("test/chosen", chosen),
    path("test/step-up", step_up),
    path("test/end-others", end_others),
]
handler400, handler403 = urls.handler400, urls.handler403
handler404, handler500 = urls.handler404, urls.handler500


def enter(
    user: User,
    *,
    client: Client | None = None,
    methods: str = "password",
    remember: bool = False,
    browser: str = WINDOWS,
    address: str = "203.0.113.7",
) -> Client:
    """Sign in as the pages do; the browser that did it."""
    client = client or Client()
    client.get(
        "/test/enter",
        {"user": user.pk, "methods": methods, "remember": "1" if remember else "0"},
        HTTP_USER_AGENT=browser,
        REMOTE_ADDR=address,
    )
    return client


def is_in(client: Client) -> bool:
    """Whether the next request is somebody's."""
    return not client.get("/test/me").content.startswith(b"None|")


def key_of(client: Client) -> str:
    """What the cookie holds."""
    return str(client.cookies["sessionid"].value)


def row_of(client: Client) -> Session:
    """The session's row."""
    return Session.objects.get(pk=digest(key_of(client)))
