"""What staff reads beside a statement."""

from __future__ import annotations

from dataclasses import dataclass

from billing.models import Transfer
from billing.selectors.rows import StatementRow


@dataclass(frozen=True, slots=True)
class StaffNote:
    """What a customer does not read of a transfer."""

    reason: str
    actor: str
    key: str


def staff_notes(rows: list[StatementRow]) -> dict[int, StaffNote]:
    """By sequence, what staff reads beside these rows. One query."""
    transfers = Transfer.objects.filter(sequence__in=[row.sequence for row in rows]).select_related("actor")
    return {
        transfer.sequence: StaffNote(transfer.reason, str(transfer.actor or ""), transfer.key)
        for transfer in transfers
    }
