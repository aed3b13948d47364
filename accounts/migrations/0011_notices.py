"""Notices under the bell and what people want to hear."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import namaskah.lib.ids


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0010_privacy"),
    ]

    operations = [
        migrations.CreateModel(
            name="Notice",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=namaskah.lib.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("template", models.CharField(max_length=60, verbose_name="what")),
                ("context", models.JSONField(default=dict, editable=False)),
                ("key", models.CharField(editable=False, max_length=200, unique=True)),
                ("is_shown", models.BooleanField(default=True, editable=False, verbose_name="on the site")),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="time"
                    ),
                ),
                ("read_at", models.DateTimeField(blank=True, null=True, verbose_name="read")),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notices",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "notice",
                "verbose_name_plural": "notices",
                "indexes": [
                    models.Index(
                        condition=models.Q(("is_shown", True)),
                        fields=["user", "-created_at", "-id"],
                        name="notice_of_user",
                    ),
                    models.Index(
                        condition=models.Q(("is_shown", True), ("read_at", None)),
                        fields=["user"],
                        name="notice_unread",
                    ),
                    models.Index(fields=["created_at"], name="notice_by_time"),
                ],
            },
        ),
        migrations.CreateModel(
            name="NoticePreference",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("topic", models.CharField(max_length=40, verbose_name="topic")),
                ("in_app", models.BooleanField(verbose_name="on the site")),
                ("by_email", models.BooleanField(verbose_name="by e-mail")),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="notice_preferences",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "notice preference",
                "verbose_name_plural": "notice preferences",
                "constraints": [
                    models.UniqueConstraint(fields=("user", "topic"), name="notice_preference_once")
                ],
            },
        ),
    ]
