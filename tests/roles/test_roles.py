"""The table of roles: what it grants, that it is what groups and people see, and that the document says the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.models import AnonymousUser, Group
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts import roles, roles_table
from accounts.enums import Role
from accounts.models import User
from accounts.permissions import may
from tests.factories.accounts import ClerkFactory, StaffFactory, UserFactory
from tests.factories.signing_in import sign_in

ROOT = Path(__file__).resolve().parents[2]


def test_every_permission_granted_is_one_that_a_model_declares() -> None:
    granted = frozenset().union(*(grant.permissions for grant in roles.ROLES.values()))

    assert granted <= roles.every_permission()


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.CUSTOMER])
def test_role_has_what_it_inherits_and_more(role: Role) -> None:
    inherited = roles.ROLES[role].inherits

    assert inherited is not None
    assert roles.permissions_of(inherited) < roles.permissions_of(role)


def test_no_role_grants_twice_what_it_inherits() -> None:
    for grant in roles.ROLES.values():
        if grant.inherits:
            assert not grant.permissions & roles.permissions_of(grant.inherits)


def test_support_moves_no_money_and_names_no_role() -> None:
    """What would make a clerk rich or mighty."""
    mighty = {
        "accounts.assign_role", "accounts.ban_user", "accounts.decide_factorreset", "accounts.erase_user",
        "accounts.read_outgoingemail", "billing.adjust_balance", "billing.decide_approval", "billing.decide_refund",
        "billing.review_deposit", "billing.add_exchangerate", "verifications.change_pricerule",
        "verifications.change_provider", "verifications.switch_provider",
    }  # fmt: skip

    assert not mighty & roles.permissions_of(Role.SUPPORT)
    assert mighty <= roles.permissions_of(Role.ADMINISTRATOR)
    assert not roles.permissions_of(Role.PREMIUM) & roles.SUPPORTING


def test_document_is_the_table() -> None:
    written = (ROOT / "docs" / "roles.md").read_text(encoding="utf-8")

    assert written == roles_table.document(), "Run `manage.py show_roles > docs/roles.md`."


@pytest.mark.django_db
def test_groups_show_the_table() -> None:
    for role in Role:
        shown = Group.objects.get(name=role.value).permissions.values_list(
            "content_type__app_label", "codename"
        )
        assert {f"{app}.{codename}" for app, codename in shown} == roles.permissions_of(role)


@pytest.mark.django_db
def test_asking_takes_no_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    person = User.objects.get(pk=UserFactory.create().pk)

    with django_assert_num_queries(0):
        assert person.has_perm("billing.top_up")
        assert not person.has_perm("billing.decide_refund")


def view(request: HttpRequest) -> HttpResponse:
    return HttpResponse("done")


def asked_by(person: object, path: str = "/some/page/?a=1") -> HttpRequest:
    request = RequestFactory().get(path)
    request.user = person  # type: ignore[assignment]
    return request


def test_view_lets_through_who_may() -> None:
    guarded = may("billing.top_up")(view)

    assert guarded(asked_by(User(role_id=Role.CUSTOMER.value))).status_code == 200


def test_view_refuses_who_may_not() -> None:
    with pytest.raises(PermissionDenied):
        may("billing.decide_refund")(view)(asked_by(User(role_id=Role.CUSTOMER.value)))


def test_view_asks_a_visitor_to_sign_in() -> None:
    response = may("billing.top_up")(view)(asked_by(AnonymousUser()))

    assert (response.status_code, response["Location"]) == (
        302,
        "/accounts/sign-in/?next=/some/page/%3Fa%3D1",
    )


@pytest.mark.django_db
def test_roles_are_read_in_the_console(client: Client) -> None:
    sign_in(client, StaffFactory.create())
    premium = Group.objects.get(name="premium")
    UserFactory.create(role_id="premium")

    listed = client.get(reverse("admin:auth_group_changelist")).content.decode()
    page = client.get(reverse("admin:auth_group_change", args=[premium.pk])).content.decode()
    people = client.get(reverse("admin:accounts_user_changelist"), {"role__name__exact": "premium"})

    assert "Premium customer" in listed
    assert "role__name__exact=premium" in page
    assert "Can hold more open orders than usual" in page
    assert 'name="_save"' not in page
    assert people.context["cl"].result_count == 1


@pytest.mark.django_db
def test_start_page_of_support_shows_no_money_matters(client: Client) -> None:
    sign_in(client, ClerkFactory.create())

    page = client.get("/ops/").content.decode()

    assert "Refunds to decide" in page
    assert "Purchases in doubt" in page
    assert "Disputes to answer" not in page
    assert "Exchange rate" not in page
    assert "Providers" not in page
