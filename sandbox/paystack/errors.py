"""Refusals in Paystack's words."""

from typing import Any

from sandbox.replies import JSON, Reply, to_json
from sandbox.vendor import Refused

VALIDATION = "validation_error"
PROCESSOR = "processor_error"


class ApiError(Refused):
    """A call that Paystack answers with an error; nothing was carried out."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        code: str | None = "invalid_params",
        kind: str = VALIDATION,
        next_step: str = "Ensure that the values you are passing are correct",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.kind = kind
        self.next_step = next_step

    def reply(self) -> Reply:
        """The answer on the wire; old errors carry the message alone."""
        body: dict[str, Any] = {"status": False, "message": self.message}
        if self.code is not None:
            body |= {"meta": {"nextStep": self.next_step}, "type": self.kind, "code": self.code}
        return Reply(to_json(body), self.status, JSON)


def not_found(message: str, code: str = "not_found", *, status: int = 404) -> ApiError:
    """The entity that was asked for does not exist here."""
    return ApiError(message, status=status, code=code, next_step="Ensure that you are passing a valid one")


def missing(name: str) -> ApiError:
    """A required field is absent or empty."""
    sentence = f"{name.replace('_', ' ').capitalize()} is not allowed to be empty"
    return ApiError(sentence, code="missing_params", next_step=f"Provide {name}")
