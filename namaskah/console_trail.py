"""What the staff console leaves in the audit trail: each page with customers' data that was shown, each search, each change.

`namaskah.admin_site` puts every page and every `ModelAdmin` through here, so that none has to think of it. The entry of a page
is written before the page goes out: no view without its trace. What services do on staff's behalf, they write themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

from django.apps import apps
from django.contrib.admin.utils import unquote
from django.core.exceptions import FieldDoesNotExist, PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import ResolverMatch

from accounts.audit_actions import AuditAction
from accounts.models import AuditEntry, User
from accounts.services import audit
from billing.selectors.customers import customer_of
from namaskah.lib import sealing

View = Callable[..., HttpResponseBase]

APPS = ("accounts", "billing", "verifications")
# Models whose pages say nothing about a customer. A model that is not named here is taken to.
NOT_PERSONAL = frozenset({
    "accounts.auditseal", "billing.difference", "billing.exchangerate", "billing.reconciledday", "billing.settlement",
    "verifications.country", "verifications.offer", "verifications.pricerule", "verifications.provider",
    "verifications.providercountrycode", "verifications.providerservicecode", "verifications.service",
    "verifications.strayorder",
})  # fmt: skip
# What a list's address carries besides a search: page, order, the way back.
NO_SEARCH = frozenset({
    "p", "o", "e", "all", "_popup", "_to_field", "_changelist_filters", "app_label", "model_name", "field_name", "page",
})  # fmt: skip
FINGERPRINT_LENGTH = 16


def trailed(view: View) -> View:
    """The view, leaving its entry when it shows customers' data to somebody."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(request, *args, **kwargs)
        if response.status_code == 200 and isinstance(request.user, User):
            _note_page(request, request.user, response)
        return response

    return wrapped


def for_staff(page: View) -> View:
    """The page, refused to whoever is signed in and no member of staff: to send them elsewhere would leave no trace."""

    @wraps(page)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if isinstance(request.user, User) and not request.user.is_staff:
            raise PermissionDenied
        return page(request, *args, **kwargs)

    return wrapped


def is_personal(model: type[Model]) -> bool:
    """Whether the pages of a model show customers' data."""
    return model._meta.app_label in APPS and model._meta.label_lower not in NOT_PERSONAL


def subject_of(row: Model) -> int | None:
    """The customer that a row is about."""
    if isinstance(row, User):
        return row.pk
    if isinstance(row, AuditEntry):
        return row.subject_id
    if row._meta.app_label == "billing":
        return customer_of(row)
    order = getattr(row, "verification", None)
    user_id: int | None = getattr(order or row, "user_id", None)
    return user_id


def target_of(row: Model) -> str:
    """How the trail names a row."""
    return f"{row._meta.label_lower}:{row.pk}"


def _note_page(request: HttpRequest, actor: User, response: HttpResponseBase) -> None:
    match = request.resolver_match
    model = _model_of(request, match) if match else None
    if match is None or model is None or not is_personal(model):
        return
    key = _key(match.kwargs)
    if key is not None:
        _note_row(actor, model, key, response)
    elif match.url_name and match.url_name.endswith(("_changelist", "autocomplete")):
        _note_list(request, actor, model, response)


def _note_row(actor: User, model: type[Model], key: str, response: HttpResponseBase) -> None:
    try:
        row = model._base_manager.filter(pk=key).first()
    except (ValueError, ValidationError):  # a key of another kind, as a page about a part of the row may have
        row = None
    with transaction.atomic():
        audit.record(
            AuditAction.EXPORTED if _is_file(response) else AuditAction.VIEWED,
            actor=actor,
            subject=subject_of(row) if row is not None else None,
            target=f"{model._meta.label_lower}:{key}",
        )


def _note_list(request: HttpRequest, actor: User, model: type[Model], response: HttpResponseBase) -> None:
    """Of a search the names of its fields, and a digest of each term, by which the same term is found again."""
    terms = {
        name: sealing.fingerprint(value.strip().lower())[:FINGERPRINT_LENGTH]
        for name, value in request.GET.dict().items()
        if name not in NO_SEARCH and value.strip()
    }
    action = AuditAction.SEARCHED if terms else AuditAction.VIEWED
    with transaction.atomic():
        audit.record(
            AuditAction.EXPORTED if _is_file(response) else action,
            actor=actor,
            target=model._meta.label_lower,
            after={"terms": terms} if terms else None,
        )


def _model_of(request: HttpRequest, match: ResolverMatch) -> type[Model] | None:
    """The console names its pages `<app>_<model>_<page>`."""
    app, model, *_page = [*(match.url_name or "").split("_", 2), "", ""]
    if match.url_name == "autocomplete":
        return _foreign_model(request)
    try:
        return apps.get_model(app, model)
    except (LookupError, ValueError):
        return None


def _foreign_model(request: HttpRequest) -> type[Model] | None:
    """What a field of a form looks for as somebody types."""
    names = [request.GET.get(name, "") for name in ("app_label", "model_name", "field_name")]
    try:
        field = apps.get_model(names[0], names[1])._meta.get_field(names[2])
    except (LookupError, ValueError, FieldDoesNotExist):
        return None
    return field.related_model if isinstance(field.related_model, type) else None


def _key(kwargs: dict[str, Any]) -> str | None:
    """The row's key as the address has it: the only argument, or the one called an id."""
    for name, value in kwargs.items():
        if name in {"id", "pk"} or name.endswith("_id"):
            return unquote(str(value))
    return None


def _is_file(response: HttpResponseBase) -> bool:
    return response.headers.get("Content-Disposition", "").startswith("attachment")


# --- Changes ----------------------------------------------------------------------------------------------------------


def note_change(
    action: AuditAction, actor: User, row: Model, *, before: Any = None, after: Any = None, reason: str = ""
) -> None:
    """Write down what a form of the console did to a row."""
    with transaction.atomic():
        audit.record(
            action,
            actor=actor,
            subject=subject_of(row) if is_personal(type(row)) else None,
            target=target_of(row),
            before=before,
            after=after,
            reason=reason,
        )


def values(model: type[Model], names: Iterable[str], source: dict[str, Any]) -> dict[str, Any]:
    """The values of fields as the trail may keep them: a person's data only by its name."""
    fields = {field.name: field for field in model._meta.get_fields()}
    return {name: _value(model, fields.get(name), source.get(name)) for name in names}


def _value(model: type[Model], field: Any, value: Any) -> Any:
    value = value.pk if isinstance(value, Model) else value
    if value is None or isinstance(value, bool | int):
        return value
    is_open = field is not None and (not is_personal(model) or bool(getattr(field, "choices", None)))
    return str(value)[:200] if is_open else "…"
