"""Consent, exports and erasures."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import namaskah.lib.ids


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0009_audit_trail"),
    ]

    operations = [
        migrations.CreateModel(
            name="Consent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "document",
                    models.CharField(
                        choices=[
                            ("terms", "Terms of service"),
                            ("privacy", "Privacy notice"),
                            ("marketing", "News about the product"),
                        ],
                        max_length=20,
                        verbose_name="document",
                    ),
                ),
                ("version", models.CharField(max_length=20, verbose_name="version")),
                ("is_given", models.BooleanField(verbose_name="given")),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="time"
                    ),
                ),
                ("address", models.GenericIPAddressField(blank=True, null=True, verbose_name="address")),
                ("place", models.CharField(max_length=40, verbose_name="where")),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="consents",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "consent",
                "verbose_name_plural": "consents",
                "indexes": [models.Index(fields=["user", "document", "-created_at"], name="consent_of_user")],
            },
        ),
        migrations.CreateModel(
            name="DataExport",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=namaskah.lib.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="asked"
                    ),
                ),
                (
                    "next_try_at",
                    models.DateTimeField(blank=True, default=django.utils.timezone.now, null=True),
                ),
                ("tries", models.PositiveSmallIntegerField(default=0, verbose_name="tries")),
                ("ready_at", models.DateTimeField(blank=True, null=True, verbose_name="ready")),
                ("failed_at", models.DateTimeField(blank=True, null=True, verbose_name="failed")),
                ("expires_at", models.DateTimeField(blank=True, null=True, verbose_name="kept until")),
                ("downloaded_at", models.DateTimeField(blank=True, null=True, verbose_name="downloaded")),
                ("size", models.PositiveBigIntegerField(default=0, verbose_name="bytes")),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="exports",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "data export",
                "verbose_name_plural": "data exports",
                "indexes": [
                    models.Index(
                        condition=models.Q(("next_try_at__isnull", False)),
                        fields=["next_try_at"],
                        name="export_due",
                    ),
                    models.Index(
                        condition=models.Q(("size", 0), _negated=True),
                        fields=["expires_at"],
                        name="export_expiry",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("failed_at", None), ("ready_at", None)),
                        fields=("user",),
                        name="export_one_at_a_time",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ExportPart",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("sealed", models.BinaryField()),
                (
                    "export",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="parts",
                        to="accounts.dataexport",
                    ),
                ),
            ],
            options={
                "verbose_name": "part of a data export",
                "verbose_name_plural": "parts of data exports",
                "constraints": [
                    models.UniqueConstraint(fields=("export", "number"), name="export_part_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Erasure",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=namaskah.lib.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "asked_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="asked"
                    ),
                ),
                ("due_at", models.DateTimeField(verbose_name="due")),
                ("next_try_at", models.DateTimeField(blank=True, null=True)),
                ("started_at", models.DateTimeField(blank=True, null=True, verbose_name="begun")),
                (
                    "gives_up_balance",
                    models.BooleanField(default=False, verbose_name="gives up what is in the wallet"),
                ),
                ("reason", models.CharField(blank=True, max_length=300, verbose_name="reason")),
                ("asked_by_id", models.BigIntegerField(blank=True, null=True, verbose_name="asked by")),
                ("cancelled_at", models.DateTimeField(blank=True, null=True, verbose_name="taken back")),
                ("done_at", models.DateTimeField(blank=True, null=True, verbose_name="done")),
                ("obstacle", models.CharField(blank=True, max_length=200, verbose_name="waits for")),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="erasures",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "erasure",
                "verbose_name_plural": "erasures",
                "indexes": [
                    models.Index(
                        condition=models.Q(("next_try_at__isnull", False)),
                        fields=["next_try_at"],
                        name="erasure_due",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("cancelled_at", None), ("done_at", None)),
                        fields=("user",),
                        name="erasure_one_open",
                    )
                ],
            },
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(fields=["subject"], name="event_about"),
        ),
        migrations.AddField(
            model_name="user",
            name="leaving_at",
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name="leaves"),
        ),
    ]
