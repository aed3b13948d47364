"""Addresses of the wallet."""

from __future__ import annotations

from django.urls import path

from billing.views import deposits, instruments, paystack_webhook, receipts, refunds, statements, wallet

app_name = "billing"
urlpatterns = [
    path("wallet/", wallet.wallet, name="wallet"),
    path("wallet/statement.csv", wallet.statement_csv, name="statement-csv"),
    path("wallet/top-up/", deposits.top_up, name="top-up"),
    path("wallet/top-up/return/", deposits.top_up_return, name="top-up-return"),
    path("wallet/top-up/cancelled/", deposits.top_up_cancelled, name="top-up-cancelled"),
    path("wallet/deposits/", deposits.deposit_list, name="deposit-list"),
    path("wallet/deposits/<uuid:deposit_id>/", deposits.deposit, name="deposit"),
    path("wallet/deposits/<uuid:deposit_id>/retry/", deposits.deposit_retry, name="deposit-retry"),
    path("wallet/refunds/", refunds.refund_list, name="refund-list"),
    path("wallet/refunds/new/", refunds.refund_new, name="refund-new"),
    path("wallet/refunds/<uuid:refund_id>/", refunds.refund, name="refund"),
    path("wallet/cards/", instruments.cards, name="cards"),
    path("wallet/cards/<int:card_id>/remove/", instruments.card_remove, name="card-remove"),
    path("wallet/auto-top-up/", instruments.auto_top_up, name="auto-top-up"),
    path("wallet/bank-account/", instruments.bank_account, name="bank-account"),
    path("wallet/receipts/", receipts.receipt_list, name="receipt-list"),
    path("wallet/receipts/<str:number>/", receipts.receipt, name="receipt"),
    path("wallet/receipts/<str:number>.pdf", receipts.receipt_pdf_file, name="receipt-pdf"),
    path("wallet/statements/", statements.statements, name="statements"),
    path("wallet/statements/<str:month>.pdf", statements.month_pdf, name="statement-month-pdf"),
    path("wallet/statements/<str:month>.csv", statements.month_csv, name="statement-month-csv"),
    path("webhooks/paystack", paystack_webhook.receive, name="paystack-webhook"),
]
