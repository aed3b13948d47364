"""SMS providers: one adapter per wire protocol, by the name a provider row gives in `adapter`."""

from __future__ import annotations

from verifications.providers.base import SmsProvider
from verifications.providers.fivesim import FiveSim
from verifications.providers.handler_api import HandlerApi

PROVIDERS: dict[str, type[SmsProvider]] = {
    "handler": HandlerApi,
    "fivesim": FiveSim,
}
