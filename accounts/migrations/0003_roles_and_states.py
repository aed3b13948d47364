"""One role for each person, and a state that says why an account cannot be used. Filled by the next migration."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_event_types_and_outbox")]

    operations = [
        migrations.AddField(
            model_name="user",
            name="message_days",
            field=models.PositiveSmallIntegerField(
                default=30,
                help_text="Counted from the end of the order.",
                verbose_name="days messages are kept",
            ),
        ),
        migrations.AddField(
            model_name="user",
            name="password_changed_at",
            field=models.DateTimeField(
                blank=True, editable=False, null=True, verbose_name="password changed"
            ),
        ),
        migrations.AddField(
            model_name="user",
            name="role",
            field=models.ForeignKey(
                db_column="role",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="people",
                to="auth.group",
                to_field="name",
                verbose_name="role",
            ),
        ),
        migrations.AddField(
            model_name="user",
            name="session_epoch",
            field=models.PositiveIntegerField(default=0, editable=False),
        ),
        migrations.AddField(
            model_name="user",
            name="state",
            field=models.CharField(
                choices=[
                    ("active", "Active"),
                    ("suspended", "Suspended"),
                    ("banned", "Banned"),
                    ("erased", "Erased"),
                ],
                default="active",
                max_length=12,
                verbose_name="state",
            ),
        ),
    ]
