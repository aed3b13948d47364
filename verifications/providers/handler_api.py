"""The SMS-Activate handler dialect (`stubs/handler_api.php`), spoken by dozens of sellers; flags say how each differs.

Documentation of the main successor: https://hero-sms.com/docs/v1/openapi.json (read 2026-11). The flags are explained in
docs/providers/handler.md.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import replace

import structlog

from verifications.providers import handler_catalog, handler_parsing, wire
from verifications.providers.base import (
    Balance,
    Bought,
    BuyRequest,
    Candidate,
    Capabilities,
    Closed,
    OfferRow,
    OrderRef,
    ProviderAccount,
    ProviderCode,
    ReceivedMessage,
    SmsProvider,
    Snapshot,
    UpstreamState,
)
from verifications.providers.errors import (
    BadRequest,
    Conflict,
    NotSupported,
    OrderNotFound,
    ProviderError,
    TooLate,
)
from verifications.providers.handler_client import HandlerClient
from verifications.providers.handler_reply import Answer, unexpected

log = structlog.get_logger(__name__)

_ASK_ANOTHER = 3
_WAITING = {"STATUS_WAIT_CODE", "STATUS_WAIT_RESEND"}


class HandlerApi(SmsProvider):
    """One account at one seller of the dialect."""

    def __init__(self, account: ProviderAccount) -> None:
        super().__init__(account)
        self._client = HandlerClient(account)
        self._dialect = self._client.dialect

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            list_open=self._dialect.list_open,
            operator=True,
            max_price=True,
            another_sms=self._dialect.another_sms,
            cancel=True,
            finish=True,
            report_bad=True,
            history=self._dialect.has_history,
        )

    # Catalogue and account

    def balance(self) -> Balance:
        answer = self._client.call("getBalance")
        head, _, rest = answer.text.partition(":")
        amount = wire.decimal(rest) if head == "ACCESS_BALANCE" else None
        if amount is None:
            raise unexpected(answer, self.account, "a balance")
        return Balance(amount, self.account.currency)

    def services(self) -> list[ProviderCode]:
        return handler_catalog.services(self._client.document("getServicesList"))

    def countries(self) -> list[ProviderCode]:
        return handler_catalog.countries(self._client.document("getCountries"))

    def offers(self, country_code: str) -> Iterable[OfferRow]:
        document = self._client.document(self._dialect.prices, {"country": country_code})
        by_service = self._dialect.prices == "getPricesVerification"
        return handler_catalog.offers(document, country_code, by_service=by_service)

    # Buying

    def buy(self, request: BuyRequest) -> Bought:
        """Buy one number, in exactly one call.

        Raises:
            Ambiguous: Time-out, server fault, or a reply without a readable number: it may have been bought.
        """
        params = {
            **self._dialect.buy_params,
            "service": request.service_code,
            "country": request.country_code,
            self._dialect.max_price: wire.plain(request.max_cost),
        }
        if request.operator:
            params["operator"] = request.operator
        action = "getNumberV2" if self._dialect.has_v2 else "getNumber"
        answer = self._client.call(action, params, spends=True)
        return self._bought(answer)

    def _bought(self, answer: Answer) -> Bought:
        fields = wire.mapping(answer.document)
        line = handler_parsing.number_line(answer.text) if answer.text else None
        if line is not None:
            order_id, phone = line
        else:
            order_id, phone = wire.text_of(fields.get("activationId")), wire.e164(fields.get("phoneNumber"))
        if not order_id or not phone:
            raise unexpected(answer, self.account, "a number")
        now = wire.now()
        # Never from `activationTime`: the classic dialect writes it without a zone.
        ends_at = wire.moment(fields.get("activationEndTime"))
        if ends_at is None or ends_at <= now:
            ends_at = now + dt.timedelta(seconds=self.account.lifetime_s)
        cost = wire.decimal(fields.get("activationCost"))
        return Bought(
            provider_order_id=order_id,
            phone_number=phone,
            cost=cost if cost is not None else wire.decimal(answer.headers.get("x-price", "")),  # DaisySMS
            expires_at=ends_at,
            cancel_not_before=now + dt.timedelta(seconds=self.account.cancel_lock_s),
            can_resend=self._dialect.another_sms
            and fields.get("canGetAnotherSms") not in ("0", 0, False, "false"),
            operator=wire.text_of(fields.get("activationOperator")),
        )

    # Reading

    def fetch(self, order: OrderRef) -> Snapshot:
        """The state of one order.

        `getStatusV2` shows the latest SMS without saying whether it came before or after another one was asked for, so from
        the second round on `getStatus` is asked first.
        """
        taken_at = wire.now()
        if self._dialect.has_v2 and order.sms_round == 0:
            snapshot = self._fetch_v2(order, taken_at)
            if snapshot is not None:
                return snapshot
        wish = {"text": "1"} if self._dialect.full_text == "header" else {}  # DaisySMS answers in a header
        answer = self._client.call("getStatus", {"id": order.provider_order_id, **wish})
        full_text = answer.headers.get("x-text", "")
        snapshot = handler_parsing.status_line(answer.text, order, taken_at, full_text=full_text)
        if snapshot is None:
            raise unexpected(answer, self.account, "a status")
        if snapshot.state == UpstreamState.WAITING and _head(answer) not in _WAITING:
            log.warning(
                "Unknown status reads as waiting", provider=self.account.slug, literal=answer.text[:40]
            )
        if snapshot.messages and not full_text:
            return replace(snapshot, messages=(self._with_full_text(snapshot.messages[0], order),))
        if snapshot.state.is_terminal and self._dialect.full_text == "call":
            # `STATUS_CANCEL` also stands for an order that ended with an SMS, perhaps one nobody has read yet.
            return replace(snapshot, messages=self._last_sms(order))
        return snapshot

    def _last_sms(self, order: OrderRef) -> tuple[ReceivedMessage, ...]:
        """What `getFullSms` still knows of an ended order; nothing where it has none."""
        try:
            answer = self._client.call("getFullSms", {"id": order.provider_order_id})
        except (OrderNotFound, BadRequest, Conflict):
            return ()
        head, _, text = answer.text.partition(":")
        if head != "FULL_SMS" or not text.strip():
            return ()
        return (handler_parsing.message("", text.strip(), order.sms_round),)

    def _fetch_v2(self, order: OrderRef, taken_at: dt.datetime) -> Snapshot | None:
        """The answer of `getStatusV2`; None where the seller does not have it after all."""
        try:
            answer = self._client.call("getStatusV2", {"id": order.provider_order_id})
        except BadRequest as error:
            if error.literal != "BAD_ACTION":
                raise
            return None
        if not answer.is_json:
            snapshot = handler_parsing.status_line(answer.text, order, taken_at)
            if snapshot is None:
                raise unexpected(answer, self.account, "a status")
            return snapshot
        messages = self._sms_of(answer, order)
        # Nobody documents how it says "waiting": everything without an SMS is.
        return Snapshot(UpstreamState.RECEIVED if messages else UpstreamState.WAITING, taken_at, messages)

    def _sms_of(self, answer: Answer, order: OrderRef) -> tuple[ReceivedMessage, ...]:
        return handler_parsing.sms_objects(answer.document, order, utc_offset_h=self._dialect.utc_offset_h)

    def _with_full_text(self, message: ReceivedMessage, order: OrderRef) -> ReceivedMessage:
        """Add the whole text where the seller has a call for it. What we have is worth more than the text: no error."""
        try:
            if self._dialect.has_v2:
                answer = self._client.call("getStatusV2", {"id": order.provider_order_id})
                same = [sms for sms in self._sms_of(answer, order) if sms.dedupe_key == message.dedupe_key]
                return same[0] if same else message
            if self._dialect.full_text == "call":
                answer = self._client.call("getFullSms", {"id": order.provider_order_id})
                head, _, text = answer.text.partition(":")
                if head == "FULL_SMS" and text.strip():
                    return replace(message, text=text.strip())
        except ProviderError as error:
            log.info("Full text not available", provider=self.account.slug, reason=error.code)
        return message

    def fetch_open(self, rounds: Mapping[str, int]) -> dict[str, Snapshot]:
        """Every open order of the account. An error is never an empty list."""
        if not self._dialect.list_open:
            raise NotSupported("getActiveActivations")
        taken_at = wire.now()
        return {
            order_id: handler_parsing.row_snapshot(row, rounds.get(order_id, 0), taken_at)
            for row in self._client.open_rows()
            if (order_id := handler_parsing.row_id(row))
        }

    def find_lost(self, since: dt.datetime) -> list[Candidate]:
        """Open orders and, where the seller keeps one, the history since then. History rows name no service or country."""
        if not self._dialect.list_open and not self._dialect.has_history:
            raise NotSupported("getActiveActivations")
        taken_at, offset_h = wire.now(), self._dialect.utc_offset_h
        rows = list(self._client.open_rows()) if self._dialect.list_open else []
        if self._dialect.has_history:
            rows += self._client.history_rows(since, taken_at)
        found: dict[str, Candidate] = {}
        for row in rows:
            lost = handler_parsing.candidate(row, taken_at, utc_offset_h=offset_h)
            if lost is not None and (lost.created_at is None or lost.created_at >= since):
                found.setdefault(lost.provider_order_id, lost)
        return list(found.values())

    # Closing

    def request_another(self, order: OrderRef) -> None:
        if not self._dialect.another_sms:
            raise NotSupported("another SMS")
        answer = self._client.set_status(order.provider_order_id, _ASK_ANOTHER)
        match _head(answer):
            case "ACCESS_RETRY_GET" | "ACCESS_READY" | "SUCCESS":
                return
            case "ACCESS_CANCEL" | "STATUS_CANCEL" | "ACCESS_ACTIVATION":
                raise Conflict(literal=_head(answer))
        raise unexpected(answer, self.account, "an answer to `another SMS`")

    def finish(self, order: OrderRef) -> Closed:
        if self._dialect.close_actions:
            answer = self._client.call("finishActivation", {"id": order.provider_order_id})
        else:
            answer = self._client.set_status(order.provider_order_id, self._dialect.finish_code)
        match _head(answer):
            case "ACCESS_ACTIVATION" | "SUCCESS":
                return Closed(UpstreamState.FINISHED, refunded=False)
            case "ACCESS_CANCEL":
                # Old clones delete an order without a code when they are told to finish it.
                return Closed(UpstreamState.CANCELLED, refunded=True)
        raise unexpected(answer, self.account, "an answer to `finish`")

    def cancel(self, order: OrderRef) -> Closed:
        """Cancel for a refund.

        Raises:
            TooEarly: The number is too young.
            TooLate: A code is there, or the order has ended another way.
        """
        try:
            if self._dialect.close_actions:
                answer = self._client.call("cancelActivation", {"id": order.provider_order_id})
            else:
                answer = self._client.set_status(order.provider_order_id, self._dialect.cancel_code)
        except Conflict as error:
            raise TooLate(str(error), literal=error.literal) from error
        match _head(answer):
            case "ACCESS_CANCEL" | "STATUS_CANCEL" | "SUCCESS":
                return Closed(UpstreamState.CANCELLED, refunded=True)
            case "ACCESS_READY" | "ACCESS_ACTIVATION":
                # DaisySMS says ACCESS_READY when the code is already there: nothing was cancelled.
                raise TooLate(literal=_head(answer))
        raise unexpected(answer, self.account, "an answer to `cancel`")

    def report_bad(self, order: OrderRef) -> Closed:
        """The dialect has one word for both: the number is unsuitable."""
        return self.cancel(order)


def _head(answer: Answer) -> str:
    """The literal of an answer; "SUCCESS" for HeroSMS's empty 204 and for a JSON success."""
    if answer.text:
        return answer.text.partition(":")[0].strip().upper()
    if answer.document is None:
        return "SUCCESS"
    status = wire.text_of(wire.mapping(answer.document).get("status")).lower()
    return "SUCCESS" if status in {"success", "ok", "1", "true"} else ""
