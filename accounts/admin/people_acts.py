"""What staff does to an account from its page: each act with its permission and a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.enums import AccountState, Role
from accounts.models import User
from accounts.services import erasure, role_changes, sessions, standing
from accounts.staff_acts import Act, ActRefused, Given, ReasonForm

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

TOLD = gettext_lazy(
    "One or two sentences. The person reads them in the e-mail, and they are kept in the audit trail."
)
KEPT = gettext_lazy("Kept in the audit trail; the person does not read it.")


class ToldReasonForm(ReasonForm):
    """A reason that the person is told."""

    reason = forms.CharField(
        max_length=standing.TOLD_REASON,
        label=gettext_lazy("Reason"),
        help_text=TOLD,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
    )


class KeptReasonForm(ReasonForm):
    """A reason for the trail alone."""

    reason = forms.CharField(
        max_length=300,
        label=gettext_lazy("Reason"),
        help_text=KEPT,
        widget=forms.Textarea(attrs={"rows": 3, "cols": 60}),
    )


class RoleForm(KeptReasonForm):
    """Which role, and why."""

    role = forms.ChoiceField(choices=Role.choices, label=gettext_lazy("Role"))
    field_order = ("role", "reason")


def _suspend(person: User, actor: User, given: Given) -> StrOrPromise:
    return _done(
        standing.suspend(user_id=person.pk, reason=given["reason"], actor=actor),
        gettext_lazy("Suspended. Every session of theirs has ended."),
    )


def _ban(person: User, actor: User, given: Given) -> StrOrPromise:
    return _done(
        standing.ban(user_id=person.pk, reason=given["reason"], actor=actor),
        gettext_lazy("Banned. Every session of theirs has ended."),
    )


def _restore(person: User, actor: User, given: Given) -> StrOrPromise:
    return _done(
        standing.restore(user_id=person.pk, reason=given["reason"], actor=actor),
        gettext_lazy("The account is open again."),
    )


def _end_sessions(person: User, actor: User, given: Given) -> StrOrPromise:
    if not standing.may_close(person, actor):
        raise PermissionDenied
    count = sessions.end_all(user_id=person.pk, actor=actor, reason=given["reason"])
    return ngettext("%(count)d session has ended.", "%(count)d sessions have ended.", count) % {
        "count": count
    }


def _change_role(person: User, actor: User, given: Given) -> StrOrPromise:
    role_changes.assign(user_id=person.pk, role=Role(given["role"]), actor=actor, reason=given["reason"])
    return _("Role: %(role)s. Every session of theirs has ended.") % {"role": Role(given["role"]).label}


def _erase(person: User, actor: User, given: Given) -> StrOrPromise:
    planned = erasure.plan(user=person, gives_up_balance=False, actor=actor, reason=given["reason"])
    return _("Erasure is planned for %(day)s. The person has been told and can take it back until then.") % {
        "day": planned.due_at.date().isoformat()
    }


def _done(happened: bool, words: StrOrPromise) -> StrOrPromise:
    if not happened:
        raise ActRefused(_("Nothing was done: the account's state had changed meanwhile."))
    return words


def _may_close(person: User, actor: User) -> bool:
    """As `standing.may_close`; that an account is erased is its state, and nothing to refuse anybody for."""
    return person.state == AccountState.ERASED or standing.may_close(person, actor)


ACTS = (
    Act(
        slug="end-sessions",
        title=gettext_lazy("End all sessions"),
        explanation=gettext_lazy("They are signed out everywhere and sign in anew. Nothing else changes."),
        permission="accounts.end_sessions",
        carry_out=_end_sessions,
        is_allowed=_may_close,
        is_possible=lambda person, actor: person.state != AccountState.ERASED,
        form=KeptReasonForm,
    ),
    Act(
        slug="role",
        title=gettext_lazy("Change the role"),
        explanation=gettext_lazy("What the person may do changes at once; all their sessions end."),
        permission=role_changes.ASSIGN,
        carry_out=_change_role,
        is_allowed=lambda person, actor: person.pk != actor.pk,
        is_possible=lambda person, actor: person.state != AccountState.ERASED,
        form=RoleForm,
        needs_step_up=True,
    ),
    Act(
        slug="restore",
        title=gettext_lazy("Restore"),
        explanation=gettext_lazy("The person can sign in again, and is told."),
        permission="accounts.restore_user",
        carry_out=_restore,
        is_allowed=_may_close,
        is_possible=lambda person, actor: person.state in (AccountState.SUSPENDED, AccountState.BANNED),
        form=KeptReasonForm,
    ),
    Act(
        slug="suspend",
        title=gettext_lazy("Suspend"),
        explanation=gettext_lazy(
            "Nobody can sign in until the account is restored. Orders already made go on; nothing is charged by itself."
        ),
        permission="accounts.suspend_user",
        carry_out=_suspend,
        is_allowed=_may_close,
        is_possible=lambda person, actor: person.state == AccountState.ACTIVE,
        form=ToldReasonForm,
        is_grave=True,
    ),
    Act(
        slug="ban",
        title=gettext_lazy("Ban"),
        explanation=gettext_lazy("The account is closed for good. Money in the wallet stays the person's."),
        permission="accounts.ban_user",
        carry_out=_ban,
        is_allowed=_may_close,
        is_possible=lambda person, actor: person.state in (AccountState.ACTIVE, AccountState.SUSPENDED),
        form=ToldReasonForm,
        is_grave=True,
        needs_step_up=True,
    ),
    Act(
        slug="erase",
        title=gettext_lazy("Erase"),
        explanation=gettext_lazy(
            "After the days of grace personal data goes for good; the books stay under a number. The person is told, and can "
            "take it back until then."
        ),
        permission="accounts.erase_user",
        carry_out=_erase,
        is_allowed=lambda person, actor: not person.is_staff,
        is_possible=lambda person, actor: person.state != AccountState.ERASED and person.leaving_at is None,
        form=KeptReasonForm,
        is_grave=True,
        needs_step_up=True,
    ),
)
