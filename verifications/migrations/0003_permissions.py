"""Names what may be done about orders and providers."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("verifications", "0002_offer_storage"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="attempt",
            options={"permissions": [("settle_attempt", "Can decide about purchases in doubt")]},
        ),
        migrations.AlterModelOptions(
            name="provider",
            options={
                "ordering": ("priority", "slug"),
                "permissions": [
                    ("switch_provider", "Can switch a provider on or off"),
                    ("refresh_provider", "Can read a provider's prices and balance again"),
                ],
            },
        ),
        migrations.AlterModelOptions(
            name="verification",
            options={
                "permissions": [
                    ("order_number", "Can order a number"),
                    ("cancel_order", "Can cancel an own order"),
                    ("finish_order", "Can finish an own order"),
                    ("request_another_sms", "Can ask for another SMS to an own number"),
                    ("download_orders", "Can download own orders"),
                    ("hold_many_orders", "Can hold more open orders than usual"),
                    ("cancel_any_order", "Can cancel a customer's order"),
                ]
            },
        ),
    ]
