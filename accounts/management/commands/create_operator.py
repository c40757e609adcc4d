"""`manage.py create_operator`: the account `admin` of the web side, made once."""

import secrets
from typing import Any

from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone, translation

from accounts.models import User
from accounts.services import OPERATOR, ensure_operator


class Command(BaseCommand):
    help = "Creates the operator's account unless it is there. The password is ADMIN_PASSWORD or made up."

    def handle(self, **_options: Any) -> None:
        given = settings.ADMIN_PASSWORD
        if given:
            _check(given)
        password = given or secrets.token_urlsafe(12)
        if not ensure_operator(password, timezone.now()):
            self.stdout.write(f"The account {OPERATOR} is there already; its password was not touched.")
        elif given:
            self.stdout.write(f"Created the account {OPERATOR} with the password from ADMIN_PASSWORD.")
        else:
            self.stdout.write(f"Created the account {OPERATOR}. Its password, shown only now: {password}")


def _check(password: str) -> None:
    try:
        with translation.override("en"):  # as the rest of the sentence
            validate_password(password, User(username=OPERATOR))
    except ValidationError as error:
        raise CommandError(f"ADMIN_PASSWORD will not do: {' '.join(error.messages)}") from error
