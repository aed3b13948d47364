"""Proving an address: by the code of the e-mail in this browser, or by its link in any. A GET never uses anything up."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import destinations, mailbox, pending_sign_up, sign_in
from accounts.enums import ProofPurpose
from accounts.exceptions import EmailTaken, WrongPassword
from accounts.forms.entry import ChosenPasswordForm, CodeForm
from accounts.forms.fields import EntryForm
from accounts.http import user_of
from accounts.models import Proof
from accounts.services import email_verification, proof_sending, proofs, registration
from accounts.views import entry

PAGE, LINK_PAGE, OVER_PAGE = (
    "accounts/verify_email.html",
    "accounts/verify_email_link.html",
    "accounts/link_over.html",
)
HERE = "accounts:verify-email"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def verify_email(request: HttpRequest) -> HttpResponse:
    """Ask for the six digits that were sent."""
    if request.user.is_authenticated and user_of(request).is_verified_customer:
        return redirect(destinations.of(request))
    proof = _proof(request)
    if proof is None and not request.user.is_authenticated:
        messages.info(request, _("Sign up first; then we send you a code."))
        return redirect("accounts:sign-up")
    form = CodeForm(entry.data(request))
    if request.method == "POST":
        return _try_code(request, form, proof)
    return _page(request, form, proof)


@never_cache
@require_POST
def resend(request: HttpRequest) -> HttpResponse:
    """Send another message, if it is time for one. Says the same whoever has the address."""
    proof = _proof(request)
    error = entry.too_many(
        request, group="resend", rate=settings.CODE_RATE, account=str(proof.pk) if proof is not None else ""
    )
    if error is not None:
        messages.error(request, str(error.message))
    elif request.user.is_authenticated:
        _say(request, email_verification.ask(user_of(request)), proof)
    elif proof is not None:
        _say(request, proof_sending.send_again(proof.pk), proof)
    return redirect(_with_next(request, HERE))


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def link(request: HttpRequest, token: str) -> HttpResponse:
    """What the link of an e-mail opens: says whose address it is, and waits for a press."""
    proof = proofs.find_token(ProofPurpose.SIGN_UP, token)
    if proof is not None:
        return _sign_up_link(request, token, proof)
    proof = proofs.find_token(ProofPurpose.VERIFY_EMAIL, token)
    if proof is None:
        return render(request, OVER_PAGE, {"again": reverse("accounts:sign-up")})
    if request.method != "POST":
        return entry.page(request, LINK_PAGE, EntryForm(), email=proof.email)
    try:
        email_verification.confirm_by_link(token)
    except proofs.ProofOver:
        return render(request, OVER_PAGE, {"again": reverse("accounts:sign-up")})
    messages.success(request, _("Your e-mail address is confirmed."))
    return redirect(destinations.of(request))


def _try_code(request: HttpRequest, form: CodeForm, proof: Proof | None) -> HttpResponse:
    account = str(proof.pk) if proof is not None else ""
    error = entry.too_many(request, group="verify-email", rate=settings.CODE_RATE, account=account)
    if error is not None:
        return entry.refused(request, PAGE, form, error, **_facts(request, proof))
    if not form.is_valid():
        return _page(request, form, proof)
    code = form.cleaned_data["code"]
    try:
        if request.user.is_authenticated:
            email_verification.confirm_by_code(user=user_of(request), code=code)
            messages.success(request, _("Your e-mail address is confirmed."))
            return redirect(destinations.of(request))
        if proof is None:
            raise proofs.ProofOver
        return _begin(request, registration.open_by_code(proof_id=proof.pk, code=code))
    except EmailTaken:
        return _taken(request)
    except (proofs.WrongCode, proofs.ProofOver) as refusal:
        form.add_error("code", str(refusal.message))
        return _page(request, form, _proof(request))


def _sign_up_link(request: HttpRequest, token: str, proof: Proof) -> HttpResponse:
    """In the browser that signed up a press is enough; elsewhere the password says that one's reader signed up, too."""
    known = pending_sign_up.of(request)
    is_here = known is not None and known.pk == proof.pk
    form: EntryForm = EntryForm(entry.data(request)) if is_here else ChosenPasswordForm(entry.data(request))
    if request.method != "POST":
        return entry.page(request, LINK_PAGE, form, email=proof.email)
    error = entry.too_many(request, group="sign-up-link", rate=settings.CODE_RATE, account=str(proof.pk))
    if error is not None:
        return entry.refused(request, LINK_PAGE, form, error, email=proof.email)
    if not form.is_valid():
        return entry.page(request, LINK_PAGE, form, email=proof.email)
    try:
        made = registration.open_by_link(token=token, password=form.cleaned_data.get("password"))
    except WrongPassword:
        form.add_error("password", _("This is not the password chosen at sign-up."))
        return entry.page(request, LINK_PAGE, form, email=proof.email)
    except proofs.ProofOver:
        return render(request, OVER_PAGE, {"again": reverse("accounts:sign-up")})
    except EmailTaken:
        return _taken(request)
    return _begin(request, made)


def _begin(request: HttpRequest, made: registration.NewAccount) -> HttpResponse:
    pending_sign_up.forget(request)
    sign_in.complete(request, made.user, methods=("sign_up",))
    messages.success(request, _("Your e-mail address is confirmed, and your account is open."))
    return redirect(destinations.of(request, made.next_url))


def _taken(request: HttpRequest) -> HttpResponse:
    """Only who holds the right code or link gets here, so it tells nobody else anything."""
    pending_sign_up.forget(request)
    messages.info(request, _("This address has its account by now. Sign in, or ask for a new password."))
    return redirect("accounts:sign-in")


def _proof(request: HttpRequest) -> Proof | None:
    if request.user.is_authenticated:
        return email_verification.open_proof(user_of(request))
    return pending_sign_up.of(request)


def _page(request: HttpRequest, form: CodeForm, proof: Proof | None) -> HttpResponse:
    return entry.page(request, PAGE, form, **_facts(request, proof))


def _facts(request: HttpRequest, proof: Proof | None) -> dict[str, Any]:
    return {
        "email": proof.email if proof is not None else user_of(request).email,
        "proof": proof,
        "is_spent": proof is not None and _is_spent(proof),
        "wait_s": proof_sending.seconds_until_again(proof) if proof is not None else 0,
        "sends_left": proof_sending.sends_left(proof) if proof is not None else proof_sending.MOST_SENDS,
        "is_mailbox": mailbox.is_open(),
    }


def _is_spent(proof: Proof) -> bool:
    """Whether no code can be right any more; while another message is on its way, its code will be."""
    return proof.due_at is None and (proof.tries_left == 0 or proof.expires_at <= timezone.now())


def _say(request: HttpRequest, is_sent: bool, proof: Proof | None) -> None:
    if is_sent:
        messages.success(request, _("Another message is on its way. Only its code and link work now."))
        return
    wait_s = proof_sending.seconds_until_again(proof) if proof is not None else 0
    if wait_s and proof is not None and proof_sending.sends_left(proof):
        words = ngettext(
            "Another message can be sent in %(count)d second.",
            "Another message can be sent in %(count)d seconds.",
            wait_s,
        )
        messages.info(request, words % {"count": wait_s})
    else:
        messages.error(request, _("No further message can be sent. Please begin anew in a day."))


def _with_next(request: HttpRequest, name: str) -> str:
    wanted = destinations.wanted(request)
    return reverse(name) + (f"?{urlencode({'next': wanted})}" if wanted else "")
