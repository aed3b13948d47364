"""App configuration of the project package."""

from __future__ import annotations

from django.apps import AppConfig


class NamaskahConfig(AppConfig):
    name = "namaskah"

    def ready(self) -> None:
        """Register the configuration checks."""
        from namaskah import checks, checks_payments  # noqa: F401  # importing registers
