"""Forms of the order and history pages."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _

from namaskah.lib import rows
from verifications.enums import Status
from verifications.models import Country, Service
from verifications.selectors.verifications import HistoryFilters

if TYPE_CHECKING:
    AnyModelChoiceField = forms.ModelChoiceField[Any]
else:
    AnyModelChoiceField = forms.ModelChoiceField


class CatalogueField(AnyModelChoiceField):
    """A choice of an active service or country, looked up by fixed SQL: it runs with every order."""

    def to_python(self, value: Any) -> Any:
        """The row chosen, None for nothing.

        Raises:
            ValidationError: There is no such choice.
        """
        if value in self.empty_values:
            return None
        assert self.queryset is not None
        model, text = self.queryset.model, str(value)
        found = (
            None if "\x00" in text else rows.get(model, f"{self.to_field_name} = %s AND is_active", [text])
        )
        if found is None:
            raise forms.ValidationError(self.error_messages["invalid_choice"], code="invalid_choice")
        return found


class OrderForm(forms.Form):
    """One order. `form_key` makes pressing the button twice one order; `quote` carries the price that was shown."""

    service = CatalogueField(
        Service.objects.filter(is_active=True),
        to_field_name="slug",
        label=_("Service"),
        empty_label=_("Choose a service"),
        error_messages={
            "invalid_choice": _("We do not know this service."),
            "required": _("Choose a service."),
        },
    )
    country = CatalogueField(
        Country.objects.filter(is_active=True),
        to_field_name="iso2",
        label=_("Country"),
        empty_label=_("Choose a country"),
        error_messages={
            "invalid_choice": _("We do not know this country."),
            "required": _("Choose a country."),
        },
    )
    operator = forms.CharField(required=False, max_length=60, label=_("Operator"))
    form_key = forms.UUIDField(required=False, widget=forms.HiddenInput)
    quote = forms.CharField(required=False, max_length=500, widget=forms.HiddenInput)

    def clean_operator(self) -> str:
        """`any` and nothing mean the same."""
        operator = str(self.cleaned_data["operator"]).strip()
        return "" if operator.lower() == "any" else operator

    def clean_form_key(self) -> uuid.UUID | None:
        key: uuid.UUID | None = self.cleaned_data["form_key"]
        return key


class HistoryForm(forms.Form):
    """Filters of the history page; everything optional."""

    q = forms.CharField(required=False, max_length=60, label=_("Search"))
    status = forms.ChoiceField(
        required=False, choices=[("", _("Any state")), *Status.choices], label=_("State")
    )
    service = forms.ModelChoiceField(
        Service.objects.all(),
        required=False,
        to_field_name="slug",
        label=_("Service"),
        empty_label=_("Any service"),
    )
    country = forms.ModelChoiceField(
        Country.objects.all(),
        required=False,
        to_field_name="iso2",
        label=_("Country"),
        empty_label=_("Any country"),
    )
    created_after = forms.DateField(
        required=False, label=_("From"), widget=forms.DateInput(attrs={"type": "date"})
    )
    created_before = forms.DateField(
        required=False, label=_("To"), widget=forms.DateInput(attrs={"type": "date"})
    )

    def filters(self) -> HistoryFilters:
        """What was asked for validly; an invalid field narrows nothing and its error stands beside it."""
        data: dict[str, Any] = self.cleaned_data
        country = data.get("country")
        return HistoryFilters(
            q=(data.get("q") or "").strip(),
            status=data.get("status") or "",
            service=data.get("service"),
            country_id=country.pk if country else None,
            created_after=data.get("created_after"),
            created_before=data.get("created_before"),
        )
