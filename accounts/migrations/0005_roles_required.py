"""Everybody has a role; what it replaces goes. The database keeps `is_staff` and the role in step."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

STAFF = ["support", "finance", "administrator"]


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_fill_roles_and_states")]

    operations = [
        migrations.AlterField(
            model_name="user",
            name="role",
            field=models.ForeignKey(
                db_column="role",
                default="customer",
                on_delete=django.db.models.deletion.PROTECT,
                related_name="people",
                to="auth.group",
                to_field="name",
                verbose_name="role",
            ),
        ),
        migrations.AlterField(
            model_name="user",
            name="is_staff",
            field=models.BooleanField(default=False, editable=False, verbose_name="staff"),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=Q(
                    Q(("is_staff", True), ("role__in", STAFF)),
                    Q(("is_staff", False), Q(("role__in", STAFF), _negated=True)),
                    _connector="OR",
                ),
                name="user_staff_by_role",
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=Q(("message_days__gte", 1), ("message_days__lte", 30)), name="user_message_days"
            ),
        ),
        migrations.RemoveField(model_name="user", name="groups"),
        migrations.RemoveField(model_name="user", name="is_active"),
        migrations.RemoveField(model_name="user", name="is_superuser"),
        migrations.RemoveField(model_name="user", name="user_permissions"),
        migrations.AlterModelOptions(
            name="user",
            options={
                "permissions": [
                    ("change_own_email", "Can change the own e-mail address"),
                    ("change_own_password", "Can change the own password"),
                    ("manage_own_factors", "Can add and remove own second factors"),
                    ("end_own_sessions", "Can end own sessions and forget own devices"),
                    ("choose_own_notices", "Can choose what to be told of"),
                    ("choose_own_privacy", "Can choose what is kept and agreed to"),
                    ("export_own_data", "Can take a copy of the own data"),
                    ("erase_own_account", "Can have the own account erased"),
                    ("end_sessions", "Can end somebody's sessions"),
                    ("suspend_user", "Can suspend an account"),
                    ("restore_user", "Can restore an account"),
                    ("ban_user", "Can ban an account"),
                    ("erase_user", "Can have somebody's account erased"),
                    ("assign_role", "Can change somebody's role"),
                ],
                "verbose_name": "user",
                "verbose_name_plural": "users",
            },
        ),
        migrations.AlterModelOptions(
            name="outgoingemail",
            options={
                "permissions": [
                    ("resend_outgoingemail", "Can send again an e-mail that was given up"),
                    (
                        "read_outgoingemail",
                        "Can read e-mails that are written to files instead of being sent",
                    ),
                ],
                "verbose_name": "e-mail",
                "verbose_name_plural": "e-mails",
            },
        ),
    ]
