"""Users, and the append-only log of what they may be told."""

import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import namaskah.lib.ids

# CACHE must stay 1: a session that kept numbers in reserve would hand them out in another order than it commits.
CREATE_SEQUENCE = "CREATE SEQUENCE accounts_event_sequence AS bigint CACHE 1"
DROP_SEQUENCE = "DROP SEQUENCE IF EXISTS accounts_event_sequence"
OWN_SEQUENCE = "ALTER SEQUENCE accounts_event_sequence OWNED BY accounts_event.sequence"
DISOWN_SEQUENCE = "ALTER SEQUENCE accounts_event_sequence OWNED BY NONE"
# Retention may delete old events; nobody may change what was said.
REFUSE_UPDATES = """
CREATE FUNCTION accounts_event_refuse_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'events are append-only' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER accounts_event_append_only BEFORE UPDATE ON accounts_event
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_event_refuse_update();
"""
ALLOW_UPDATES = """
DROP TRIGGER accounts_event_append_only ON accounts_event;
DROP FUNCTION accounts_event_refuse_update();
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.CreateModel(
            name="User",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("password", models.CharField(max_length=128, verbose_name="password")),
                ("last_login", models.DateTimeField(blank=True, null=True, verbose_name="last login")),
                (
                    "is_superuser",
                    models.BooleanField(
                        default=False,
                        help_text="Designates that this user has all permissions without explicitly assigning them.",
                        verbose_name="superuser status",
                    ),
                ),
                ("email", models.EmailField(max_length=254, verbose_name="e-mail address")),
                (
                    "is_active",
                    models.BooleanField(
                        default=True, help_text="Switch off instead of deleting.", verbose_name="active"
                    ),
                ),
                (
                    "is_staff",
                    models.BooleanField(
                        default=False, help_text="May enter the staff console.", verbose_name="staff"
                    ),
                ),
                (
                    "date_joined",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="joined"
                    ),
                ),
                (
                    "email_verified_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="e-mail verified"),
                ),
                (
                    "groups",
                    models.ManyToManyField(
                        blank=True,
                        help_text="The groups this user belongs to. A user will get all permissions granted to each of their groups.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.group",
                        verbose_name="groups",
                    ),
                ),
                (
                    "user_permissions",
                    models.ManyToManyField(
                        blank=True,
                        help_text="Specific permissions for this user.",
                        related_name="user_set",
                        related_query_name="user",
                        to="auth.permission",
                        verbose_name="user permissions",
                    ),
                ),
            ],
            options={
                "verbose_name": "user",
                "verbose_name_plural": "users",
            },
        ),
        migrations.RunSQL(CREATE_SEQUENCE, DROP_SEQUENCE),
        migrations.CreateModel(
            name="Event",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=namaskah.lib.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "sequence",
                    models.BigIntegerField(
                        db_default=models.Func(models.Value("accounts_event_sequence"), function="nextval"),
                        editable=False,
                    ),
                ),
                (
                    "type",
                    models.CharField(
                        choices=[
                            ("verification.waiting", "Number ready"),
                            ("verification.received", "Code received"),
                            ("verification.completed", "Order completed"),
                            ("verification.cancelled", "Order cancelled"),
                            ("verification.expired", "Order expired"),
                            ("verification.failed", "Order failed"),
                        ],
                        max_length=40,
                    ),
                ),
                (
                    "subject",
                    models.CharField(help_text="What it is about, as `verification:<id>`.", max_length=80),
                ),
                ("data", models.JSONField(default=dict)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="events",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "event",
                "verbose_name_plural": "events",
                "ordering": ("sequence",),
            },
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.UniqueConstraint(
                django.db.models.functions.text.Lower("email"),
                name="user_email_once",
                violation_error_message="This e-mail address already has an account.",
            ),
        ),
        migrations.AddConstraint(
            model_name="event",
            constraint=models.UniqueConstraint(fields=("user", "sequence"), name="event_order_of_user"),
        ),
        migrations.RunSQL(OWN_SEQUENCE, DISOWN_SEQUENCE),
        migrations.RunSQL(REFUSE_UPDATES, ALLOW_UPDATES),
    ]
