"""Second factors: which somebody has, adding, showing and removing them. Source: docs/decisions/0005-accounts.md"""

from __future__ import annotations

from accounts.models import Passkey, TotpDevice


def has_second_factor(user_id: int) -> bool:
    """Whether signing in takes more than the password."""
    return (
        TotpDevice.objects.filter(user_id=user_id, confirmed=True).exists()
        or Passkey.objects.filter(user_id=user_id).exists()
    )
