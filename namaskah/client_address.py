"""Who is asking, behind proxies: a header counts as far as a proxy of ours vouches for it.

Every proxy adds to `X-Forwarded-For` who called it. What the client itself wrote stands on the left and is worth nothing;
what our proxies wrote stands on the right. So the list is read from the right, over the addresses in TRUSTED_PROXIES, to the
first that is not one of them. Whoever connects without being a trusted proxy loses all such headers, so that nothing behind
this middleware can believe them.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from namaskah.lib import request_facts
from namaskah.middleware import BothWaysMiddleware

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PORT = re.compile(r"(?:\[(?P<six>[^\]]*)\]|(?P<four>[^:]*))(?::\d{1,5})?\Z")
HOPS = 20  # more is nobody's proxies
# What tells of the client's address and of the address it asked for. Read here or nowhere.
FORWARDED_FOR = "HTTP_X_FORWARDED_FOR"
ALWAYS_DROPPED = ("HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PORT", "HTTP_TRUE_CLIENT_IP",
    "HTTP_CF_CONNECTING_IP", "HTTP_X_CLIENT_IP", "HTTP_X_CLUSTER_CLIENT_IP")  # fmt: skip
FORWARDED_PROTO = "HTTP_X_FORWARDED_PROTO"


class ClientAddressMiddleware(BothWaysMiddleware):
    """Sets `REMOTE_ADDR` to the client's address and notes it for services. Comes first."""

    def before(self, request: HttpRequest) -> None:
        settle(request.META)
        request_facts.note(request.META["REMOTE_ADDR"] or None, request.META.get("HTTP_USER_AGENT", ""))

    def after(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        request_facts.forget()
        return response


def settle(meta: dict[str, Any]) -> None:
    """Replace what the headers claim by what is so."""
    peer = parse(str(meta.get("REMOTE_ADDR") or ""))
    chain = str(meta.pop(FORWARDED_FOR, ""))
    for name in ALWAYS_DROPPED:
        meta.pop(name, None)
    if peer is None or not is_trusted(peer):
        meta.pop(FORWARDED_PROTO, None)
    else:
        peer = behind(peer, chain)
    meta["REMOTE_ADDR"] = str(peer) if peer is not None else ""


def behind(proxy: Address, chain: str) -> Address:
    """The client that a trusted proxy tells of; the last hop we are sure of when the list is broken off or garbage."""
    sure = proxy
    for hop in reversed(chain.split(",")[-HOPS:]):
        address = parse(hop.strip())
        if address is None:
            return sure
        sure = address
        if not is_trusted(address):
            return sure
    return sure


def parse(text: str) -> Address | None:
    """An address as proxies write it: with or without a port, IPv6 with or without brackets, never with a zone."""
    text = text.strip().strip('"')
    if "%" in text or len(text) > 60:
        return None
    for candidate in (text, _without_port(text)):
        try:
            address = ipaddress.ip_address(candidate)
        except ValueError:
            continue
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        return mapped or address
    return None


def is_trusted(address: Address) -> bool:
    """Whether it is a proxy of ours."""
    return any(address.version == network.version and address in network for network in _networks())


def _without_port(text: str) -> str:
    found = PORT.match(text)
    return (found["six"] or found["four"] or "") if found else ""


def _networks() -> tuple[Network, ...]:
    return networks(tuple(settings.TRUSTED_PROXIES))


@lru_cache(maxsize=8)
def networks(written: tuple[str, ...]) -> tuple[Network, ...]:
    """TRUSTED_PROXIES, read.

    Raises:
        ValueError: One of them is no address and no network; `checks.py` says so before a server starts.
    """
    return tuple(ipaddress.ip_network(each.strip(), strict=False) for each in written)
