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
    ]
