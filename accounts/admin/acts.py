"""Acts on a row's page in the console: buttons for those that are possible, a page with a reason behind each."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse

from accounts import staff_acts
from accounts.staff_acts import Act

if TYPE_CHECKING:
    AnyModelAdmin = admin.ModelAdmin[Any]
else:
    AnyModelAdmin = object


class WithActs(AnyModelAdmin):
    """For a `ModelAdmin` whose `acts` change its rows; its template includes `admin/_acts.html`."""

    acts: ClassVar[tuple[Act, ...]] = ()
    perform: Callable[..., HttpResponse] = staticmethod(staff_acts.perform)

    def get_urls(self) -> list[URLPattern]:
        own = path(
            "<path:object_id>/act/<slug:slug>/",
            self.admin_site.admin_view(self.act_view),
            name=f"{self.opts.app_label}_{self.opts.model_name}_act",
        )
        return [own, *super().get_urls()]

    def act_view(self, request: HttpRequest, object_id: str, slug: str) -> HttpResponse:
        """One act on one row."""
        row = self.get_object(request, object_id)
        act = next((act for act in self.acts if act.slug == slug), None)
        if row is None or act is None:
            raise Http404
        back_url = reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[row.pk])
        return self.perform(request, act, row, site=self.admin_site.each_context(request), back_url=back_url)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **options: Any
    ) -> HttpResponse:
        """The page, with the acts that this person may do to this row now."""
        row = options.get("obj") or context.get("original")
        if row is not None:
            name = f"admin:{self.opts.app_label}_{self.opts.model_name}_act"
            context["acts"] = [
                (act, reverse(name, args=[row.pk, act.slug]))
                for act in self.acts
                if act.is_open_to(request.user, row)
            ]
        return super().render_change_form(request, context, *args, **options)
