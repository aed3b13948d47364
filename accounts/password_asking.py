"""Asking somebody who is signed in for their password once more: counted and slowed down like at sign-in."""

from __future__ import annotations

from django.db import transaction
from django.http import HttpRequest

from accounts.audit_actions import AuditAction
from accounts.exceptions import SignInLocked, WrongPassword
from accounts.forms.factors import PasswordForm
from accounts.models import User
from accounts.services import audit, sign_in_guard
from namaskah.exceptions import DomainError


def check(request: HttpRequest, user: User, form: PasswordForm) -> DomainError | None:
    """Compare what was typed. What is wrong stands in the form, and is returned for its status."""
    try:
        found = sign_in_guard.check(request, email=user.email, password=form.cleaned_data["password"])
        if found is None or found.pk != user.pk:
            raise WrongPassword
    except (SignInLocked, WrongPassword) as error:
        form.add_error("password", str(error.message))
        with transaction.atomic():
            audit.record(AuditAction.STEP_UP_FAILED, actor=user, subject=user, after={"method": "password"})
        return error
    return None
