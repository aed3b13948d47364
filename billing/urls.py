"""Addresses of the wallet."""

from __future__ import annotations

from django.urls import path

from billing.views import deposits, refunds, wallet

app_name = "billing"
urlpatterns = [
    path("wallet/", wallet.wallet, name="wallet"),
    path("wallet/statement.csv", wallet.statement_csv, name="statement-csv"),
    path("wallet/top-up/", deposits.top_up, name="top-up"),
    path("wallet/top-up/return/", deposits.top_up_return, name="top-up-return"),
    path("wallet/top-up/cancelled/", deposits.top_up_return, name="top-up-cancelled"),
    path("wallet/deposits/", deposits.deposit_list, name="deposit-list"),
    path("wallet/deposits/<uuid:deposit_id>/", deposits.deposit, name="deposit"),
    path("wallet/deposits/<uuid:deposit_id>/retry/", deposits.deposit_retry, name="deposit-retry"),
    path("wallet/refunds/", refunds.refund_list, name="refund-list"),
    path("wallet/refunds/new/", refunds.refund_new, name="refund-new"),
    path("wallet/refunds/<uuid:refund_id>/", refunds.refund, name="refund"),
]
