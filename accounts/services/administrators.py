"""Somebody must stay who may do everything: whoever takes that away from a person asks here first."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q, QuerySet

from accounts.enums import AccountState, Role
from accounts.models import User


@dataclass(frozen=True, slots=True)
class Locked:
    """People as they are now, and until the transaction ends; all administrators are among them."""

    people: dict[int, User]

    def is_last_administrator(self, user_id: int) -> bool:
        """Whether nobody could do everything without this person."""
        left = {person.pk for person in self.people.values() if _is_administrator(person)}
        return left == {user_id}


def lock(*user_ids: int) -> Locked:
    """Lock these people and all administrators, in the order of their numbers, before one of them may be lost.

    Two administrators who demote or suspend each other at the same moment then come one after the other. Locks of other
    people's rows are not to be held before: whoever needs somebody's row as well names them here.
    """
    rows = User.objects.filter(
        Q(pk__in=user_ids) | Q(role=Role.ADMINISTRATOR.value, state=AccountState.ACTIVE)
    )
    return Locked({person.pk: person for person in _for_update(rows.order_by("pk"))})


def _for_update(rows: QuerySet[User]) -> QuerySet[User]:
    return rows.select_for_update(no_key=True)


def _is_administrator(person: User) -> bool:
    return person.is_active and person.role_id == Role.ADMINISTRATOR.value
