"""`manage.py create_staff`: the first member of staff, or another one."""

from __future__ import annotations

import json
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email

from accounts.exceptions import EmailTaken
from accounts.models import User
from accounts.services import staff
from accounts.services.passwords import random_password


class Command(BaseCommand):
    help = "Create a member of staff and print e-mail and password as one JSON object; the password is not kept in clear."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", required=True)
        parser.add_argument("--password", help="Made up if not given.")

    def handle(self, *args: Any, **options: Any) -> None:
        email, password = options["email"], options["password"] or random_password()
        try:
            validate_email(email)
        except ValidationError as error:
            raise CommandError(f"{email!r} is not an e-mail address.") from error
        try:
            validate_password(password, User(email=email))
            user = staff.appoint(email=email, password=password)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        except EmailTaken as error:
            raise CommandError(
                f"A user with the e-mail address {email} already exists; nothing was changed."
            ) from error
        self.stdout.write(json.dumps({"email": user.email, "password": password}))
