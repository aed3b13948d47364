"""Addresses of the wallet."""

from __future__ import annotations

from django.urls import path

from billing.views import wallet

app_name = "billing"
urlpatterns = [
    path("wallet/", wallet.wallet, name="wallet"),
    path("wallet/statement.csv", wallet.statement_csv, name="statement-csv"),
]
