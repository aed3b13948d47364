"""Give everybody the role and the state that their old flags meant, and back."""

from django.db import migrations

ROLES = ("customer", "premium", "support", "finance", "administrator")


def fill(apps, schema_editor):
    """Who could do everything is administrator, other staff is support, who was switched off is suspended."""
    group, user = apps.get_model("auth", "Group"), apps.get_model("accounts", "User")
    for role in ROLES:
        group.objects.get_or_create(name=role)
    user.objects.filter(is_superuser=True).update(role="administrator", is_staff=True)
    user.objects.filter(is_superuser=False, is_staff=True).update(role="support")
    user.objects.filter(role=None).update(role="customer")
    user.objects.filter(is_active=False).update(state="suspended")


def empty(apps, schema_editor):
    """The flags of before, as far as they said the same."""
    user = apps.get_model("accounts", "User")
    user.objects.filter(role="administrator").update(is_superuser=True)
    user.objects.exclude(state="active").update(is_active=False)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_roles_and_states"), ("auth", "0012_alter_user_first_name_max_length")]

    operations = [migrations.RunPython(fill, empty)]
