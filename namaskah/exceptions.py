"""The root of every error that a customer may be told about."""

from __future__ import annotations

from django.utils.functional import Promise


class DomainError(Exception):
    """A business rule said no.

    Args:
        message: A sentence for the customer, translatable.

    `code` is stable for programs and `status` is the HTTP status the API answers with.
    """

    code = "error"
    status = 400

    def __init__(self, message: str | Promise) -> None:
        super().__init__(message)
        self.message = message
