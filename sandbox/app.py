"""The ASGI application: the sellers, Paystack, exchange rates and the control API."""

import os
from collections import Counter

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from sandbox.control import Control
from sandbox.fivesim import FiveSimApi
from sandbox.gatekeepers import Gatekeepers
from sandbox.guard import Guard
from sandbox.handler import HandlerApi
from sandbox.hero import HeroApi
from sandbox.paystack.api import PaystackApi
from sandbox.paystack.checkout import Checkout
from sandbox.paystack.control import PaystackControl
from sandbox.paystack.courier import Carrier, Courier
from sandbox.rates import RatesApi
from sandbox.serving import Stopping
from sandbox.sms_gateway import GatewayApi, GatewayControl
from sandbox.world import World

FRONT = """Namaskah sandbox: stands for the sellers of phone numbers and for Paystack. No real SMS, no real money.

/stubs/handler_api.php       handler dialect (vendor "handler")
/hero/stubs/handler_api.php  handler dialect as HeroSMS speaks it (vendor "hero")
/v1/...                      5SIM (vendor "fivesim")
/paystack/...                Paystack: API, hosted checkout, inline.js (vendor "paystack")
/rates/latest/USD            exchange rates (vendor "rates")
/sms-gateway/messages        SMS to customers (vendor "sms"); GET /_sandbox/sms reads them
/breached/range/ABCDE        list of stolen passwords
/bot-check/...               check that a person is at work
/_sandbox/...                control API

docs/sandbox.md tells the rest.
"""


def create_app(
    world: World | None = None, *, stopping: Stopping | None = None, carrier: Carrier | None = None
) -> Starlette:
    """Put the application together.

    Args:
        world: State to serve; a fresh one when absent.
        stopping: Set by the server when it goes down.
        carrier: Takes webhooks to the merchant; over HTTP when absent.
    """
    world = world or World()
    stopping = stopping or Stopping()
    vendors = world.vendors
    keys = frozenset(key for key in os.environ.get("SANDBOX_KEYS", "").split(",") if key)
    guard = Guard(os.environ.get("SANDBOX_SECRET", ""))
    courier = Courier(world.paystack, carrier)
    classic = HandlerApi(vendors["handler"], keys=keys, stopping=stopping)
    hero = HeroApi(vendors["hero"], keys=keys, stopping=stopping)
    fivesim = FiveSimApi(vendors["fivesim"], keys=keys, stopping=stopping)
    paystack = PaystackApi(world.paystack, keys=keys, stopping=stopping)
    source = RatesApi(world.rates, keys=keys, stopping=stopping)
    sms_gateway = GatewayApi(world.sms, keys=keys, stopping=stopping)
    strayed: Counter[str] = Counter()

    async def front(request: Request) -> Response:
        return PlainTextResponse(FRONT)

    async def elsewhere(request: Request) -> Response:
        # Where the fault `redirect` points to: a client that comes here followed it, with its key.
        strayed["followed"] += 1
        return PlainTextResponse(f"you followed a redirect, {strayed['followed']} so far")

    return Starlette(
        routes=[
            Route("/", front),
            Route("/stubs/handler_api.php", classic, methods=["GET", "POST"]),
            Route("/v1/{rest:path}", fivesim, methods=["GET"]),
            Route("/hero/stubs/handler_api.php", hero, methods=["GET", "POST"]),
            *Control(world, guard).routes(),
            *PaystackControl(world.paystack, courier, guard).routes(),
            *Checkout(world.paystack).routes(),
            Route("/paystack/{rest:path}", paystack, methods=["GET", "POST", "PUT", "DELETE"]),
            Route("/rates/latest/{base}", source, methods=["GET"]),
            Route("/sms-gateway/messages", sms_gateway, methods=["POST"]),
            *GatewayControl(world.sms, guard).routes(),
            *Gatekeepers(world.rng).routes(),
            Route("/elsewhere", elsewhere),
        ]
    )
