"""Accounts and transfers, with the rules that one row can state."""

from decimal import Decimal

import django.core.validators
import django.db.models.deletion
import django.db.models.expressions
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import namaskah.lib.ids


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Account",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[("customer", "customer"), ("system", "system")],
                        max_length=8,
                        verbose_name="kind",
                    ),
                ),
                (
                    "code",
                    models.CharField(
                        help_text="`wallet`, or the name of a system account.",
                        max_length=40,
                        verbose_name="code",
                    ),
                ),
                (
                    "currency",
                    models.CharField(
                        max_length=3,
                        validators=[django.core.validators.MinLengthValidator(3)],
                        verbose_name="currency",
                    ),
                ),
                (
                    "debits_pending",
                    models.DecimalField(
                        db_default=Decimal(0),
                        decimal_places=4,
                        editable=False,
                        max_digits=19,
                        verbose_name="debits pending",
                    ),
                ),
                (
                    "debits_posted",
                    models.DecimalField(
                        db_default=Decimal(0),
                        decimal_places=4,
                        editable=False,
                        max_digits=19,
                        verbose_name="debits posted",
                    ),
                ),
                (
                    "credits_pending",
                    models.DecimalField(
                        db_default=Decimal(0),
                        decimal_places=4,
                        editable=False,
                        max_digits=19,
                        verbose_name="credits pending",
                    ),
                ),
                (
                    "credits_posted",
                    models.DecimalField(
                        db_default=Decimal(0),
                        decimal_places=4,
                        editable=False,
                        max_digits=19,
                        verbose_name="credits posted",
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        verbose_name="opened",
                    ),
                ),
                (
                    "user",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="wallet",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="customer",
                    ),
                ),
            ],
            options={
                "verbose_name": "account",
                "verbose_name_plural": "accounts",
                "permissions": [("adjust_balance", "Can credit and debit customers")],
            },
        ),
        migrations.CreateModel(
            name="Transfer",
            fields=[
                ("sequence", models.BigAutoField(primary_key=True, serialize=False)),
                ("id", models.UUIDField(default=namaskah.lib.ids.uuid7, editable=False, unique=True)),
                ("amount", models.DecimalField(decimal_places=4, max_digits=19, verbose_name="amount")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("posted", "posted"),
                            ("pending", "hold"),
                            ("post_pending", "capture"),
                            ("void_pending", "release"),
                        ],
                        max_length=12,
                        verbose_name="kind",
                    ),
                ),
                (
                    "code",
                    models.CharField(
                        choices=[
                            ("verification_hold", "Held for a number"),
                            ("verification_capture", "Charged for a code"),
                            ("verification_release", "Returned, no code came"),
                            ("staff_credit", "Credit from support"),
                            ("staff_debit", "Correction by support"),
                            ("provider_cost", "Cost of a number"),
                        ],
                        max_length=40,
                        verbose_name="reason code",
                    ),
                ),
                ("key", models.CharField(max_length=200, verbose_name="idempotency key")),
                (
                    "reference",
                    models.CharField(
                        blank=True,
                        help_text="What it is about, `prefix:id`.",
                        max_length=100,
                        verbose_name="reference",
                    ),
                ),
                (
                    "memo",
                    models.CharField(
                        blank=True, help_text="Shown to the customer.", max_length=200, verbose_name="memo"
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        blank=True, help_text="For staff only.", max_length=500, verbose_name="reason"
                    ),
                ),
                (
                    "expires_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="A hold is released after this.",
                        null=True,
                        verbose_name="expires",
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        editable=False,
                        verbose_name="time",
                    ),
                ),
                (
                    "balance_after",
                    models.DecimalField(decimal_places=4, editable=False, max_digits=19, null=True),
                ),
                (
                    "available_after",
                    models.DecimalField(decimal_places=4, editable=False, max_digits=19, null=True),
                ),
                (
                    "actor",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        help_text="Who did it, when a person did.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "credit_account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="credits",
                        to="billing.account",
                    ),
                ),
                (
                    "debit_account",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="debits",
                        to="billing.account",
                    ),
                ),
                (
                    "pending",
                    models.ForeignKey(
                        blank=True,
                        db_index=False,
                        help_text="The hold that this captures or releases.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="resolutions",
                        to="billing.transfer",
                    ),
                ),
            ],
            options={
                "verbose_name": "transfer",
                "verbose_name_plural": "transfers",
            },
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "system")), fields=("code",), name="account_system_code_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "customer"), ("user__isnull", False)),
                    models.Q(("kind", "system"), ("user__isnull", True)),
                    _connector="OR",
                ),
                name="account_user_iff_customer",
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("credits_pending__gte", 0),
                    ("credits_posted__gte", 0),
                    ("debits_pending__gte", 0),
                    ("debits_posted__gte", 0),
                ),
                name="account_figures_not_negative",
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("kind", "system"),
                    (
                        "credits_posted__gte",
                        django.db.models.expressions.CombinedExpression(
                            models.F("debits_posted"), "+", models.F("debits_pending")
                        ),
                    ),
                    _connector="OR",
                ),
                name="account_customer_not_overdrawn",
            ),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("kind", "customer"),
                    models.Q(
                        ("credits_pending", 0),
                        ("credits_posted", 0),
                        ("debits_pending", 0),
                        ("debits_posted", 0),
                    ),
                    _connector="OR",
                ),
                name="account_system_keeps_no_total",
            ),
        ),
        migrations.AddIndex(
            model_name="transfer",
            index=models.Index(
                models.F("debit_account"),
                models.OrderBy(models.F("sequence"), descending=True),
                name="transfer_debits",
            ),
        ),
        migrations.AddIndex(
            model_name="transfer",
            index=models.Index(
                models.F("credit_account"),
                models.OrderBy(models.F("sequence"), descending=True),
                name="transfer_credits",
            ),
        ),
        migrations.AddIndex(
            model_name="transfer",
            index=models.Index(
                condition=models.Q(("reference", ""), _negated=True),
                fields=["reference"],
                name="transfer_reference",
            ),
        ),
        migrations.AddIndex(
            model_name="transfer",
            index=models.Index(
                condition=models.Q(("kind", "pending")),
                fields=["debit_account", "expires_at"],
                name="transfer_holds_by_expiry",
            ),
        ),
        migrations.AddIndex(
            model_name="transfer",
            index=models.Index(
                condition=models.Q(("actor__isnull", False)), fields=["actor"], name="transfer_by_staff"
            ),
        ),
        migrations.AddConstraint(
            model_name="transfer",
            constraint=models.UniqueConstraint(fields=("key",), name="transfer_key_once"),
        ),
        migrations.AddConstraint(
            model_name="transfer",
            constraint=models.UniqueConstraint(
                condition=models.Q(("pending__isnull", False)),
                fields=("pending",),
                name="transfer_hold_resolved_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="transfer",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount__gt", 0)), name="transfer_amount_positive"
            ),
        ),
        migrations.AddConstraint(
            model_name="transfer",
            constraint=models.CheckConstraint(
                condition=models.Q(("debit_account", models.F("credit_account")), _negated=True),
                name="transfer_between_two_accounts",
            ),
        ),
        migrations.AddConstraint(
            model_name="transfer",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("expires_at__isnull", True), ("kind", "posted"), ("pending__isnull", True)),
                    models.Q(("expires_at__isnull", False), ("kind", "pending"), ("pending__isnull", True)),
                    models.Q(
                        ("expires_at__isnull", True),
                        ("kind__in", ["post_pending", "void_pending"]),
                        ("pending__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="transfer_kind_fits",
            ),
        ),
        migrations.AddConstraint(
            model_name="transfer",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("available_after__isnull", True), ("balance_after__isnull", True)),
                    models.Q(
                        ("available_after__gte", 0), ("balance_after__gte", models.F("available_after"))
                    ),
                    _connector="OR",
                ),
                name="transfer_figures_after",
            ),
        ),
        migrations.AddConstraint(
            model_name="transfer",
            constraint=models.CheckConstraint(
                condition=models.Q(("key", ""), _negated=True), name="transfer_has_key"
            ),
        ),
        migrations.AddConstraint(
            model_name="transfer",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("code__in", ("staff_credit", "staff_debit")), _negated=True),
                    models.Q(("reason", ""), _negated=True),
                    _connector="OR",
                ),
                name="transfer_by_staff_has_reason",
            ),
        ),
    ]
