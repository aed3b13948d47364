"""Each documented refusal becomes the error its handling needs."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from billing.paystack import errors
from billing.paystack.error_mapping import BY_CODE, BY_MESSAGE, error_of
from billing.paystack.errors import (
    AlreadyRefunded,
    AmountRefused,
    BadKey,
    BadRequest,
    CardUnusable,
    ChargeTooSoon,
    CurrencyNotSupported,
    Declined,
    DuplicateReference,
    EmailRefused,
    NotFound,
    OutcomeUnknown,
    PaystackError,
    RefundNotCovered,
    Refused,
    SessionExpired,
    SuspectedFraud,
    Throttled,
)
from tests.billing.paystack.far_side import payload

# Paystack's own words, whole, as documented; our table knows only how they begin.
DOCUMENTED = [
    ("Duplicate Transaction Reference", DuplicateReference),
    ("Duplicate charge request for reference", DuplicateReference),
    ("Transaction reference not found", NotFound),
    ("Transaction not found", NotFound),
    ("Transaction ID or reference is invalid", NotFound),
    ("Transaction reference is invalid", NotFound),
    ("Customer not found", NotFound),
    ("A customer with the specified email or code was not found", NotFound),
    ("Dispute not found", NotFound),
    ("Invalid character in transaction reference", BadRequest),
    ("You must specify a valid amount", BadRequest),
    ("Amount must be an integer", BadRequest),
    ("Invalid Amount Sent", BadRequest),
    ("Invalid amount passed.", BadRequest),
    ("Evidence is required", BadRequest),
    ("Invalid key", BadKey),
    ("No Authorization Header was found", BadKey),
    ("Format is Authorization Bearer [secret key]", BadKey),
    ("Authentication token expired", BadKey),
    ("Integration has been deactivated", BadKey),
    ("Invalid Merchant Selected", BadKey),
    ("Currency not supported by merchant", CurrencyNotSupported),
    ("Transaction amount limit exceeded", AmountRefused),
    ("Watch your spending. Amount cannot be processed online... (What did you expect?).", AmountRefused),
    ("Pay with transfer is not currently supported for transactions less than NGN 100.00", AmountRefused),
    ("Cannot refund less than USD 1", AmountRefused),
    ("Refund amount cannot be greater than initial amount", AmountRefused),
    ("Invalid Email Address Passed", EmailRefused),
    ("Email is not allowed to be empty", EmailRefused),
    ("Email address is required to create charge", EmailRefused),
    ("Email Address is required", EmailRefused),
    ("Authorization code is invalid", CardUnusable),
    ("Authorization code not found.", CardUnusable),
    ("Invalid Authorization Code", CardUnusable),
    (
        "Email does not match Authorization code. Authorization may be inactive or belong to a different email. Please confirm.",
        CardUnusable,
    ),
    ("Email address does not match authorization code", CardUnusable),
    ("Expired Card", CardUnusable),
    ("Pickup card (lost card)", CardUnusable),
    ("Pickup card (stolen card)", CardUnusable),
    ("Insufficient Funds", Declined),
    ("Declined", Declined),
    ("Refer to card issuer", Declined),
    ("Denied by fraud system", SuspectedFraud),
    ("Unable to process transaction", SuspectedFraud),
    ("Charge attempt cannot be fulfilled until 90 minutes", ChargeTooSoon),
    ("Too many attempts. You have to wait for 15 minutes to try again", ChargeTooSoon),
    ("Oooops, your payment has exceeded the time to pay.", SessionExpired),
    ("Transaction cannot be completed. Session timeout exceeded.", SessionExpired),
    ("Please wait a few minutes and try again.", Throttled),
    ("Transaction has been fully reversed", AlreadyRefunded),
    ("Insufficient balance to fulfill this refund. Please top up.", RefundNotCovered),
]


def refusal(message: str, **more: Any) -> dict[str, Any]:
    return {"status": False, "message": message, **more}


@pytest.mark.parametrize(("message", "kind"), DOCUMENTED)
def test_a_documented_message_becomes_its_error(message: str, kind: type[PaystackError]) -> None:
    error = error_of(400, refusal(message))

    assert type(error) is kind
    assert (error.message, error.status, error.is_unknown) == (message, 400, False)


@pytest.mark.parametrize(("message", "kind"), DOCUMENTED)
def test_case_and_blanks_of_a_message_do_not_matter(message: str, kind: type[PaystackError]) -> None:
    assert type(error_of(400, refusal(f"  {message.upper()} "))) is kind


def test_every_line_of_the_table_and_every_error_class_is_documented() -> None:
    begun = [start for start, _ in BY_MESSAGE if any(m.casefold().startswith(start) for m, _ in DOCUMENTED)]
    classes = {kind for _, kind in inspect.getmembers(errors, inspect.isclass)}
    of_the_transport = {errors.PaystackError, OutcomeUnknown, errors.NotReached, errors.Paused, Refused}
    of_one_call = {errors.RefundNotWaiting}  # by its status, in the client

    assert begun == [start for start, _ in BY_MESSAGE]
    assert classes - of_the_transport - of_one_call == {kind for _, kind in DOCUMENTED}


@pytest.mark.parametrize(("code", "kind"), BY_CODE.items())
def test_a_code_counts_more_than_the_message(code: str, kind: type[PaystackError]) -> None:
    error = error_of(400, refusal("Invalid key", code=code))

    assert type(error) is kind
    assert error.code == code


@pytest.mark.parametrize("code", ["invalid_params", "missing_params", "unknown", "", None, 7, ["x"]])
def test_a_code_that_says_nothing_leaves_it_to_the_message(code: Any) -> None:
    assert type(error_of(400, refusal("Invalid Email Address Passed", code=code))) is EmailRefused


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, Refused), (401, BadKey), (403, Refused), (404, NotFound), (422, Refused), (429, Throttled)],
)
def test_an_unknown_message_falls_to_the_status(status: int, kind: type[PaystackError]) -> None:
    error = error_of(status, refusal("Something new"))

    assert type(error) is kind
    assert (error.message, error.is_unknown) == ("Something new", False)


@pytest.mark.parametrize("status", [301, 302, 307, 408, 500, 502, 503, 504])
@pytest.mark.parametrize("document", [None, refusal("Invalid key"), refusal("x", code="duplicate_reference")])
def test_what_says_nothing_about_the_effect_is_unknown_whatever_the_body(status: int, document: Any) -> None:
    error = error_of(status, document)

    assert type(error) is OutcomeUnknown
    assert error.is_unknown


@pytest.mark.parametrize("status", [200, 201, 400, 403, 404, 422])
@pytest.mark.parametrize(
    "document", [None, [], "no", {}, {"status": True}, {"status": "success"}, {"status": 1}, {"message": "x"}]
)
def test_a_body_that_is_no_answer_of_paystacks_is_unknown(status: int, document: Any) -> None:
    assert type(error_of(status, document)) is OutcomeUnknown


@pytest.mark.parametrize("no", [False, "false", "False "])
def test_a_refusal_with_success_as_its_http_status_is_a_refusal(no: Any) -> None:
    assert type(error_of(200, {"status": no, "message": "Something new"})) is Refused
    assert type(error_of(200, {"status": no, "message": "Expired card"})) is CardUnusable


@pytest.mark.parametrize(("status", "kind"), [(401, BadKey), (429, Throttled)])
def test_a_refusal_of_every_call_needs_no_body(status: int, kind: type[PaystackError]) -> None:
    assert type(error_of(status, None)) is kind


def test_waiting_times_come_from_the_message_or_the_header() -> None:
    resting = error_of(400, refusal("Charge attempt cannot be fulfilled until 90 minutes"), retry_after_s=5)
    throttled = error_of(429, refusal("Please wait a few minutes and try again."), retry_after_s=30.0)
    unnamed = error_of(429, None)

    assert isinstance(resting, Throttled)
    assert isinstance(throttled, Throttled)
    assert isinstance(unnamed, Throttled)
    assert (resting.retry_after_s, throttled.retry_after_s, unnamed.retry_after_s) == (5400, 30, None)


def test_recorded_refusals() -> None:
    assert type(error_of(400, payload("error_duplicate_reference"))) is DuplicateReference
    assert type(error_of(401, payload("error_invalid_key"))) is BadKey
    assert type(error_of(400, payload("error_not_found"))) is NotFound


def test_secrets_and_long_stories_do_not_get_into_an_error() -> None:
    said = refusal("Bad sk_live_0a1b2c for AUTH_9xy of ada@example.com\n" + "x" * 5000)

    error = error_of(400, said, secrets=("ada@example.com",))

    assert len(error.message) <= 200
    assert "\n" not in error.message
    for text in (str(error), repr(error)):
        assert "0a1b2c" not in text
        assert "AUTH_9xy" not in text
        assert "ada@" not in text
