"""Sending one SMS through a gateway of the operator's choice: JSON over HTTPS with a bearer key.

What the gateway must speak is in docs/providers/sms-gateway.md; the sandbox speaks it.
"""

from __future__ import annotations

from django.conf import settings

from namaskah.lib import http

CONNECT_TIMEOUT_S = 3.0
READ_TIMEOUT_S = 10.0
MAX_BYTES = 64 * 1024
LATER = (429, 503)  # said before anything was sent


class NotSent(Exception):
    """The gateway certainly sent nothing.

    Attributes:
        may_help: Whether trying again can.
    """

    def __init__(self, text: str, *, may_help: bool) -> None:
        super().__init__(text)
        self.may_help = may_help


class MaybeSent(Exception):
    """No usable answer: the SMS may be on its way, so nobody sends it again."""


def is_set_up() -> bool:
    """Whether there is a gateway at all; without one SMS is offered nowhere."""
    return bool(settings.SMS_GATEWAY_URL)


def send(*, to: str, text: str, secrets: tuple[str, ...] = ()) -> None:
    """Send one SMS, once.

    Args:
        to: E.164.
        secrets: What of the text no log may show.

    Raises:
        NotSent: It was refused, or never asked.
        MaybeSent: It may have been sent.
    """
    try:
        reply = http.send(
            "POST",
            settings.SMS_GATEWAY_URL,
            json={"to": to, "from": settings.SMS_SENDER, "text": text},
            headers={"Authorization": f"Bearer {settings.SMS_GATEWAY_KEY}"},
            connect_timeout_s=CONNECT_TIMEOUT_S,
            read_timeout_s=READ_TIMEOUT_S,
            max_bytes=MAX_BYTES,
            secrets=[secret for secret in (settings.SMS_GATEWAY_KEY, to, *secrets) if secret],
        )
    except http.ConnectionNotMade:
        raise NotSent("no connection", may_help=True) from None
    except http.NoAnswer:
        raise MaybeSent("no answer") from None
    if reply.status in LATER or 300 <= reply.status < 500:
        raise NotSent(f"status {reply.status}", may_help=reply.status in LATER)
    if reply.status >= 500 or not _is_receipt(reply):
        raise MaybeSent(f"status {reply.status}")


def _is_receipt(reply: http.Reply) -> bool:
    """Whether the gateway says under which id it took the message; a page of a firewall does not."""
    try:
        answer = reply.json()
    except ValueError:
        return False
    return isinstance(answer, dict) and bool(answer.get("id"))
