"""The hosted checkout: what a customer does with a payment, and the way back to the shop."""

from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from sandbox.params import MAX_BODY
from sandbox.paystack import disputes, pages, payments
from sandbox.paystack.cards import CARDS, DEFAULT_CARD
from sandbox.paystack.integration import Integration
from sandbox.paystack.records import PAID, Payment

MAX_UPLOAD = 10 * 1024 * 1024
STATIC = Path(__file__).parent / "static"
TYPES = {".css": "text/css", ".js": "text/javascript"}
SECURITY = {
    # No frame-ancestors: the inline checkout is a frame in the shop's page. No form-action: browsers
    # hold the redirect after the form against it, and that leads back to the shop.
    "content-security-policy": "default-src 'none'; style-src 'self'; script-src 'self'; base-uri 'none'",
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
}
CANCELLED = frozenset({"leave", "late-transfer"})


class Checkout:
    """`/paystack/checkout/<access code>` and what belongs to it."""

    def __init__(self, integration: Integration) -> None:
        self._integration = integration

    def routes(self) -> list[Route]:
        """The routes that browsers use."""
        return [
            Route("/paystack/checkout/{code}", self.show, methods=["GET"]),
            Route("/paystack/checkout/{code}", self.act, methods=["POST"]),
            Route("/paystack/inline.js", self.inline, methods=["GET"]),
            Route("/paystack/static/{name}", self.static, methods=["GET"]),
            Route("/paystack/uploads/{dispute}/{name}", self.upload, methods=["PUT"]),
        ]

    async def show(self, request: Request) -> Response:
        """The page; looking at it changes nothing."""
        payment, refusal = self._open(request)
        if payment is None or refusal is not None:
            return refusal or _unknown()
        return _html(pages.checkout(payment, inline=request.query_params.get("inline") == "1"))

    async def act(self, request: Request) -> Response:
        """One of the buttons was pressed."""
        payment, refusal = self._open(request)
        if payment is None or refusal is not None:
            return refusal or _unknown()
        body = (await request.body())[:MAX_BODY]
        form = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        action, card = form.get("action", ""), form.get("card", DEFAULT_CARD)
        if card not in CARDS or not self._carry_out(payment, action, card):
            return _html(pages.message("Nothing happened", "The checkout does not know this button."), 400)
        if form.get("inline") != "1":
            return _back(payment, action)
        if action == "decline":
            notice = "Your card was declined. Try another way to pay."
            return _html(pages.checkout(payment, inline=True, notice=notice))
        return _html(pages.finished(payment, outcome="cancel" if action in CANCELLED else "success"))

    def _open(self, request: Request) -> tuple[Payment | None, Response | None]:
        """The payment of an access code, and a page to show instead of it when it cannot be paid."""
        integration = self._integration
        now = integration.catch_up()
        payment = integration.books.by_access_code.get(request.path_params["code"])
        if payment is None:
            return None, None
        link = _address(payment.callback_url, payment) if payment.callback_url else ""
        if payment.status in PAID:
            return payment, _html(pages.message("Already paid", "This payment was made.", link=link))
        timeout = integration.books.session_timeout_s
        if timeout and now > payment.created_at + timeout:
            sentence = "Oooops, your payment has exceeded the time to pay."
            return payment, _html(pages.message("Too late", sentence, link=link), 410)
        return payment, None

    def _carry_out(self, payment: Payment, action: str, card: str) -> bool:
        integration = self._integration
        now, config = integration.clock.now(), integration.config
        match action:
            case "pay-card" | "pay-card-unsaved":
                made = payments.card_authorization(integration, payment, card, reusable=action == "pay-card")
                payments.succeed(integration, payment, now, authorization=made)
            case "decline":
                payments.fail(payment)
            case "bank-transfer":
                payments.await_bank(payment)
                self._transfer_arrives(payment, now + config.bank_transfer_s)
            case "late-transfer":
                payments.abandon(payment)
                self._transfer_arrives(payment, now + config.late_transfer_s)
            case "leave":
                payments.abandon(payment)
            case _:
                return False
        integration.on_change()
        return True

    def _transfer_arrives(self, payment: Payment, due: float) -> None:
        integration = self._integration

        def arrive(at: float) -> None:
            payment.channel = "bank_transfer"
            made = payments.transfer_authorization(integration, payment)
            payments.succeed(integration, payment, at, authorization=made)

        integration.plan(due, arrive)

    async def inline(self, request: Request) -> Response:
        """The script that a shop puts on its page."""
        return _file("inline.js")

    async def static(self, request: Request) -> Response:
        """Style and script of the checkout itself."""
        return _file(request.path_params["name"])

    async def upload(self, request: Request) -> Response:
        """Where evidence is put, as at a store with signed addresses."""
        content = await request.body()
        if not content or len(content) > MAX_UPLOAD:
            return Response(status_code=400)
        name, expires = request.path_params["name"], request.query_params.get("expires", "")
        return Response(status_code=disputes.keep_upload(self._integration, name, expires, content))


def _back(payment: Payment, action: str) -> Response:
    cancel = payment.metadata.get("cancel_action") if isinstance(payment.metadata, dict) else None
    if action == "leave" and isinstance(cancel, str) and cancel:
        return RedirectResponse(cancel, 303, headers=SECURITY)
    if payment.callback_url:
        return RedirectResponse(_address(payment.callback_url, payment), 303, headers=SECURITY)
    return _html(pages.message("Done", "The shop gave no address to go back to."))


def _address(callback_url: str, payment: Payment) -> str:
    parts = urlsplit(callback_url)
    added = urlencode({"trxref": payment.reference, "reference": payment.reference})
    return urlunsplit(parts._replace(query=f"{parts.query}&{added}" if parts.query else added))


def _unknown() -> Response:
    return _html(pages.message("Unknown payment", "There is no payment at this address."), 404)


def _html(body: bytes, status: int = 200) -> Response:
    return Response(body, status, SECURITY, "text/html; charset=utf-8")


def _file(name: str) -> Response:
    path = STATIC / name
    # A name with a way out of the folder does not come through the route, which stops at the first slash.
    if path.suffix not in TYPES or not path.is_file():
        return Response(status_code=404)
    headers = {"cross-origin-resource-policy": "cross-origin", "cache-control": "no-cache"}
    return Response(path.read_bytes(), headers=headers, media_type=f"{TYPES[path.suffix]}; charset=utf-8")
