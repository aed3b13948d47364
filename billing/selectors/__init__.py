"""What pages and the API read of money. No figure comes from anywhere else."""

from billing.selectors.figures import Masthead, WalletFigures, masthead, system_balance, wallet
from billing.selectors.rows import StatementPage, StatementRow, place, statement, whole_statement
from billing.selectors.staff import StaffNote, staff_notes

__all__ = [
    "Masthead",
    "StaffNote",
    "StatementPage",
    "StatementRow",
    "WalletFigures",
    "masthead",
    "place",
    "staff_notes",
    "statement",
    "system_balance",
    "wallet",
    "whole_statement",
]
