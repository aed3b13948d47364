"""Says of an order that its texts are gone, and finds those whose texts are to go."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [
        ("verifications", "0003_permissions"),
    ]

    operations = [
        migrations.AddField(
            model_name="verification",
            name="messages_removed_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="Texts, codes and most of the number are gone.",
                null=True,
            ),
        ),
        migrations.AddIndex(
            model_name="verification",
            index=models.Index(
                condition=Q(("closed_at__isnull", False), ("messages_removed_at__isnull", True)),
                fields=["closed_at"],
                name="verification_to_redact",
            ),
        ),
    ]
