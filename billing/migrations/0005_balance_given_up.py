"""Money that a customer gives up with the account has a reason code of its own."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0004_permissions"),
    ]

    operations = [
        migrations.AlterField(
            model_name="transfer",
            name="code",
            field=models.CharField(
                choices=[
                    ("verification_hold", "Held for a number"),
                    ("verification_capture", "Charged for a code"),
                    ("verification_release", "Returned, no code came"),
                    ("staff_credit", "Credit from support"),
                    ("staff_debit", "Correction by support"),
                    ("provider_cost", "Cost of a number"),
                    ("deposit", "Top-up"),
                    ("deposit_received", "Payment received"),
                    ("deposit_fee", "Fee of a payment"),
                    ("deposit_fee_recovered", "Fee paid by the customer"),
                    ("suspense_in", "Payment under review"),
                    ("suspense_out", "Review decided"),
                    ("refund_hold", "Held for a refund"),
                    ("refund_capture", "Refunded"),
                    ("refund_release", "Refund not made, returned"),
                    ("refund_paid", "Refund paid by Paystack"),
                    ("dispute_hold", "Held for a disputed payment"),
                    ("dispute_capture", "Disputed payment, taken back by your bank"),
                    ("dispute_release", "Dispute closed, returned"),
                    ("dispute_paid", "Dispute paid to the bank"),
                    ("receivable", "Owed after a dispute"),
                    ("receivable_repaid", "Repaid after a disputed payment"),
                    ("settlement", "Paid out to our bank"),
                    ("clearing_correction", "Correction of the clearing account"),
                    ("balance_given_up", "Given up with the account"),
                ],
                max_length=40,
                verbose_name="reason code",
            ),
        ),
    ]
