"""Links and codes sent to people, the counting of wrong sign-ins, and what an e-mail says in secret."""

import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import namaskah.lib.ids


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_sessions"),
    ]

    operations = [
        migrations.CreateModel(
            name="SignInGuard",
            fields=[
                ("key", models.CharField(editable=False, max_length=64, primary_key=True, serialize=False)),
                ("failures", models.PositiveIntegerField(default=0, verbose_name="wrong tries")),
                ("since", models.DateTimeField(default=django.utils.timezone.now, verbose_name="since")),
                ("locked_until", models.DateTimeField(blank=True, null=True, verbose_name="locked until")),
                ("locks", models.PositiveSmallIntegerField(default=0, verbose_name="times locked")),
                ("sealed", models.TextField(blank=True, editable=False)),
                ("due_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "verbose_name": "sign-in guard",
                "verbose_name_plural": "sign-in guards",
                "indexes": [
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)),
                        fields=["due_at"],
                        name="sign_in_guard_due",
                    )
                ],
            },
        ),
        migrations.AddField(
            model_name="outgoingemail",
            name="sealed",
            field=models.TextField(blank=True, editable=False),
        ),
        migrations.CreateModel(
            name="Proof",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=namaskah.lib.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "purpose",
                    models.CharField(
                        choices=[
                            ("sign_up", "Sign-up"),
                            ("verify_email", "E-mail address"),
                            ("reset_password", "Password reset"),
                            ("change_email_old", "Change of address, the old one"),
                            ("change_email_new", "Change of address, the new one"),
                            ("second_factor", "Second factor"),
                            ("confirm_phone", "Telephone number"),
                            ("passkey", "Passkey"),
                        ],
                        max_length=20,
                        verbose_name="purpose",
                    ),
                ),
                ("email", models.EmailField(blank=True, max_length=254, verbose_name="e-mail")),
                ("token_hash", models.CharField(editable=False, max_length=64, null=True, unique=True)),
                ("code_hash", models.CharField(blank=True, editable=False, max_length=64)),
                ("tries_left", models.PositiveSmallIntegerField(default=5, verbose_name="tries left")),
                ("sends", models.PositiveSmallIntegerField(default=0, verbose_name="times sent")),
                ("sealed", models.TextField(blank=True, editable=False)),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="asked"
                    ),
                ),
                ("expires_at", models.DateTimeField(verbose_name="valid until")),
                ("sent_at", models.DateTimeField(blank=True, null=True, verbose_name="last sent")),
                ("used_at", models.DateTimeField(blank=True, null=True, verbose_name="used")),
                ("due_at", models.DateTimeField(blank=True, null=True)),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="proofs",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "proof",
                "verbose_name_plural": "proofs",
                "indexes": [
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="proof_due"
                    ),
                    models.Index(fields=["purpose", "email", "-created_at"], name="proof_by_email"),
                    models.Index(fields=["expires_at"], name="proof_expiry"),
                    models.Index(
                        django.db.models.functions.text.Upper("email"),
                        condition=models.Q(("user", None)),
                        name="proof_of_nobody",
                    ),
                ],
            },
        ),
        migrations.AddIndex(
            model_name="outgoingemail",
            index=models.Index(
                django.db.models.functions.text.Upper("to"),
                condition=models.Q(("user", None)),
                name="email_of_nobody",
            ),
        ),
    ]
