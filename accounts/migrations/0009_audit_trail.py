"""The audit trail and what keeps it from being changed."""

import django.utils.timezone
from django.db import migrations, models

# The sealing job gives an entry its number and seal, once; the removal job, which says so, takes what is sealed and too old.
# The owner of the tables can still switch triggers off: what that does, `manage.py verify_audit` finds.
GUARD = """
CREATE FUNCTION accounts_audit_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('namaskah.audit_removal', true) = 'on' THEN
        IF TG_TABLE_NAME = 'accounts_auditseal' OR to_jsonb(OLD) ->> 'number' IS NOT NULL THEN
            RETURN OLD;
        END IF;
    END IF;
    IF TG_OP = 'UPDATE' AND TG_TABLE_NAME = 'accounts_auditentry' THEN
        IF to_jsonb(OLD) ->> 'number' IS NULL AND to_jsonb(NEW) ->> 'number' IS NOT NULL
            AND to_jsonb(NEW) - 'number' - 'hash' = to_jsonb(OLD) - 'number' - 'hash' THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'the audit trail is append-only' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER accounts_auditentry_append_only BEFORE UPDATE OR DELETE ON accounts_auditentry
    FOR EACH ROW EXECUTE FUNCTION accounts_audit_guard();
CREATE TRIGGER accounts_auditentry_no_truncate BEFORE TRUNCATE ON accounts_auditentry
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_audit_guard();
CREATE TRIGGER accounts_auditseal_append_only BEFORE UPDATE OR DELETE ON accounts_auditseal
    FOR EACH ROW EXECUTE FUNCTION accounts_audit_guard();
CREATE TRIGGER accounts_auditseal_no_truncate BEFORE TRUNCATE ON accounts_auditseal
    FOR EACH STATEMENT EXECUTE FUNCTION accounts_audit_guard();
"""
UNGUARD = """
DROP TRIGGER accounts_auditentry_append_only ON accounts_auditentry;
DROP TRIGGER accounts_auditentry_no_truncate ON accounts_auditentry;
DROP TRIGGER accounts_auditseal_append_only ON accounts_auditseal;
DROP TRIGGER accounts_auditseal_no_truncate ON accounts_auditseal;
DROP FUNCTION accounts_audit_guard();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0008_second_factors"),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditSeal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="time"
                    ),
                ),
                ("first_number", models.BigIntegerField(verbose_name="from")),
                ("last_number", models.BigIntegerField(verbose_name="to")),
                ("hash", models.CharField(max_length=64, verbose_name="seal")),
                ("is_removal", models.BooleanField(default=False, verbose_name="removed as too old")),
                ("mac", models.CharField(max_length=64, verbose_name="proof of the seal")),
            ],
            options={
                "verbose_name": "audit seal",
                "verbose_name_plural": "audit seals",
                "indexes": [models.Index(fields=["-last_number"], name="audit_seal_newest")],
            },
        ),
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(
                        default=django.utils.timezone.now, editable=False, verbose_name="time"
                    ),
                ),
                ("action", models.CharField(max_length=60, verbose_name="action")),
                ("actor_id", models.BigIntegerField(blank=True, null=True, verbose_name="actor")),
                ("actor_role", models.CharField(blank=True, max_length=20, verbose_name="role")),
                ("subject_id", models.BigIntegerField(blank=True, null=True, verbose_name="whose account")),
                ("target", models.CharField(blank=True, max_length=120, verbose_name="about")),
                ("address", models.GenericIPAddressField(blank=True, null=True, verbose_name="address")),
                ("user_agent", models.CharField(blank=True, max_length=300, verbose_name="browser")),
                ("request_id", models.CharField(blank=True, max_length=64, verbose_name="request")),
                ("reason", models.CharField(blank=True, max_length=500, verbose_name="reason")),
                ("before", models.JSONField(blank=True, null=True, verbose_name="before")),
                ("after", models.JSONField(blank=True, null=True, verbose_name="after")),
                ("number", models.BigIntegerField(blank=True, null=True, unique=True, verbose_name="number")),
                ("hash", models.CharField(blank=True, max_length=64, verbose_name="seal")),
            ],
            options={
                "verbose_name": "audit entry",
                "verbose_name_plural": "audit trail",
                "indexes": [
                    models.Index(condition=models.Q(("number", None)), fields=["id"], name="audit_unsealed"),
                    models.Index(fields=["subject_id", "-id"], name="audit_of_subject"),
                    models.Index(fields=["actor_id", "-id"], name="audit_of_actor"),
                    models.Index(fields=["action", "-id"], name="audit_of_action"),
                    models.Index(fields=["target", "-id"], name="audit_of_target"),
                    models.Index(fields=["request_id"], name="audit_of_request"),
                    models.Index(fields=["address", "-id"], name="audit_of_address"),
                    models.Index(fields=["created_at"], name="audit_by_time"),
                ],
            },
        ),
        migrations.RunSQL(GUARD, UNGUARD),
    ]
