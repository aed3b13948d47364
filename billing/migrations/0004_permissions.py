"""Names what may be done about money."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0003_paystack"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="autotopup",
            options={
                "permissions": [("set_autotopup", "Can switch the own automatic top-up")],
                "verbose_name": "automatic top-up",
                "verbose_name_plural": "automatic top-ups",
            },
        ),
        migrations.AlterModelOptions(
            name="dedicatedaccount",
            options={
                "permissions": [("open_dedicatedaccount", "Can ask for an own bank account number")],
                "verbose_name": "bank account number",
                "verbose_name_plural": "bank account numbers",
            },
        ),
        migrations.AlterModelOptions(
            name="deposit",
            options={
                "permissions": [
                    ("top_up", "Can top up the own wallet"),
                    ("check_deposit", "Can ask Paystack about a deposit"),
                    ("review_deposit", "Can decide about money under review"),
                ],
                "verbose_name": "deposit",
                "verbose_name_plural": "deposits",
            },
        ),
        migrations.AlterModelOptions(
            name="receipt",
            options={
                "permissions": [("download_receipt", "Can download own receipts")],
                "verbose_name": "receipt",
                "verbose_name_plural": "receipts",
            },
        ),
        migrations.AlterModelOptions(
            name="reconciledday",
            options={
                "permissions": [
                    ("run_reconciledday", "Can compare a day again"),
                    ("close_reconciledday", "Can close a day"),
                ],
                "verbose_name": "reconciled day",
                "verbose_name_plural": "reconciliation",
            },
        ),
        migrations.AlterModelOptions(
            name="refund",
            options={
                "permissions": [
                    ("request_refund", "Can ask for an own deposit back"),
                    ("decide_refund", "Can approve and refuse refunds"),
                ],
                "verbose_name": "refund",
                "verbose_name_plural": "refunds",
            },
        ),
        migrations.AlterModelOptions(
            name="savedcard",
            options={
                "permissions": [
                    ("save_card", "Can keep an own card"),
                    ("forget_card", "Can have an own card forgotten"),
                    ("remove_savedcard", "Can remove a customer's card"),
                ],
                "verbose_name": "saved card",
                "verbose_name_plural": "saved cards",
            },
        ),
        migrations.AlterModelOptions(
            name="transfer",
            options={
                "permissions": [("download_statement", "Can download the own statement")],
                "verbose_name": "transfer",
                "verbose_name_plural": "transfers",
            },
        ),
    ]
