"""Django's checks as for a machine in the world: `check --deploy` and `makemigrations --check`, one process.

Any message that is not in ``NOT_OURS`` fails the run, warnings included.
"""

import os
import sys
import tempfile

# Identifier -> why it does not apply.
NOT_OURS = {
    "security.W004": "HSTS is the affair of the proxy that holds the certificate",
    "security.W008": "so is the redirect to HTTPS",
}
# What a machine in the world would have; nothing is read from .env and nothing is connected to.
ENVIRONMENT = {
    "SEKRETAR_IGNORE_DOTENV": "1",
    "SECRET_KEY": "only-for-the-checks-0123456789-abcdefghijklmnopqrstuvwxyz",
    "FIELD_ENCRYPTION_KEYS": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    "BOT_TOKEN": "100000:" + "only-for-the-checks" + "0123456789abcdef",
    "ADMIN_CHAT_ID": "-1001000000001",
    "ADMIN_PASSWORD": "only-for-the-checks",
    "OPENAI_API_KEY": "only-for-the-checks",
    "ALLOWED_HOSTS": "sekretar.example",
    "BEHIND_HTTPS_PROXY": "1",
}


def problems() -> list[str]:
    from django.core import checks

    found = checks.run_checks(include_deployment_checks=True)
    return [str(message) for message in found if not message.is_silenced() and message.id not in NOT_OURS]


def main() -> int:
    os.environ.update(ENVIRONMENT)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DATABASE_URL"] = f"sqlite:///{folder}/empty.sqlite3"
        return check()


def check() -> int:
    import django
    from django.core.management import call_command

    django.setup()
    if found := problems():
        print("\n".join(found), file=sys.stderr)
        return 1
    # Exits with 1 when the models say more than the migrations.
    call_command("makemigrations", check=True, dry_run=True, verbosity=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
