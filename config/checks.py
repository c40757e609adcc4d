"""System checks: what is wrong in the settings, each with an id and a sentence that says what to write where.

All of them run with `manage.py check` and before every command that asks for checks. One rule is softer there than for
the bot's process: without BOT_TOKEN the web side and the sandbox still work, so its absence is a warning
(sekretar.W001) to the framework and an error (sekretar.E001) in ``bot_problems``, which `runbot` asks.

Errors: E001 no token, E002 token's form, E003 a value that cannot be read, E004 no SECRET_KEY, E005 short SECRET_KEY,
E006 address of the webhook, E007 its secret, E008 DEFAULT_MODEL, E009 encryption keys, E010 DEBUG in public,
E011 FILES_DIR, E012 SENTRY_DSN, E014 SUMMARY_MODEL, E020 FALLBACK_MODELS, E021 ASSISTANT_TOOLS, E022 DIALOG_TOOLS,
E023 pauses of the workers, E024 EMAIL_FROM.
Warnings: W001 no token, W002 no admins' chat, W003 admins' chat is a person, W004 no provider, W005 DEFAULT_MODEL
without key, W006 the warning about a long dialog never comes, W010 no admin password, W011 a password that looks like a
command, W012 no encryption key.
"""

import base64
import binascii
import os
import re
from collections.abc import Iterator, Sequence
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import validate_email

from config.env import PROBLEMS
from llm import toolbox
from llm.providers import configured

PUBLIC_SERVER = "https://api.telegram.org"
# What @BotFather gives: the bot's number and 35 characters. Other servers, such as the sandbox, are not so strict.
PUBLIC_TOKEN = re.compile(r"[0-9]{3,16}:[A-Za-z0-9_-]{35}")
ANY_TOKEN = re.compile(r"[0-9]{1,16}:[A-Za-z0-9_-]+")
# https://core.telegram.org/bots/api#setwebhook
WEBHOOK_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
SHORTEST_SECRET_KEY = 32
MAKE_KEY = 'python -c "import secrets; print(secrets.token_urlsafe(50))"'
MAKE_FIELD_KEY = 'python -c "import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())"'
HERE = {"localhost", "127.0.0.1", "::1", "[::1]"}


@checks.register("sekretar")
def settings_problems(app_configs: Sequence[Any] | None = None, **_kwargs: Any) -> list[CheckMessage]:
    """What is wrong in the settings, for every command."""
    return [problem for check in CHECKS for problem in check()]


def bot_problems() -> list[CheckMessage]:
    """What is wrong in the settings for the bot's process: the same, and without a token it cannot start."""
    missing = Error("BOT_TOKEN is missing. Put into .env the token that @BotFather gave you.", id="sekretar.E001")
    return [missing if problem.id == "sekretar.W001" else problem for problem in settings_problems()]


def unreadable() -> Iterator[CheckMessage]:
    for _name, sentence in PROBLEMS:
        yield Error(sentence, id="sekretar.E003")


def secret_key() -> Iterator[CheckMessage]:
    write = f"Put into .env a line SECRET_KEY= with what this prints: {MAKE_KEY}"
    try:
        key = settings.SECRET_KEY
    except ImproperlyConfigured:  # how Django says that it is empty
        yield Error(f"SECRET_KEY is missing. {write}", id="sekretar.E004")
        return
    if len(key) < SHORTEST_SECRET_KEY:
        sentence = f"SECRET_KEY has only {len(key)} characters; {SHORTEST_SECRET_KEY} are the least. {write}"
        yield Error(sentence, id="sekretar.E005")


def bot_token() -> Iterator[CheckMessage]:
    if not settings.BOT_TOKEN:
        sentence = "BOT_TOKEN is missing: the bot cannot start, only the web side and the sandbox can."
        yield checks.Warning(f"{sentence} Put into .env the token that @BotFather gave you.", id="sekretar.W001")
        return
    form = PUBLIC_TOKEN if settings.TELEGRAM_API_URL == PUBLIC_SERVER else ANY_TOKEN
    if not form.fullmatch(settings.BOT_TOKEN):
        sentence = "BOT_TOKEN is no token: it must be a number, a colon and 35 letters, digits, _ or -."
        yield Error(f"{sentence} Copy it once more from @BotFather.", id="sekretar.E002")


def admin_chat() -> Iterator[CheckMessage]:
    group = "Make a group of the admins, add the bot and put the id that the admin site shows under Chats into .env."
    if not settings.ADMIN_CHAT_ID:
        sentence = "ADMIN_CHAT_ID is missing: nobody is told who asks for access and what fails."
        yield checks.Warning(f"{sentence} {group}", id="sekretar.W002")
    elif settings.ADMIN_CHAT_ID > 0:
        sentence = "ADMIN_CHAT_ID is the id of a person: only they are told what happens."
        yield checks.Warning(f"{sentence} {group} A group's id is below zero.", id="sekretar.W003")


def admin_password() -> Iterator[CheckMessage]:
    if not settings.ADMIN_PASSWORD:
        if not PUBLIC_TOKEN.fullmatch(settings.BOT_TOKEN):
            return  # the sandbox: nobody to protect it from
        sentence = "ADMIN_PASSWORD is missing: in the chat /admin does what is sensitive without asking for it."
        yield checks.Warning(f"{sentence} Put one into .env.", id="sekretar.W010")
    elif settings.ADMIN_PASSWORD.startswith("/"):
        sentence = "ADMIN_PASSWORD begins with /, so in the chat it is taken for a command."
        yield checks.Warning(f"{sentence} Choose another one.", id="sekretar.W011")


def webhook() -> Iterator[CheckMessage]:
    if not settings.WEBHOOK_URL:
        return
    if not _reachable_by_telegram(settings.WEBHOOK_URL):
        sentence = f"WEBHOOK_URL is {settings.WEBHOOK_URL!r}, but Telegram calls only https addresses."
        yield Error(f"{sentence} Write one, or nothing to poll instead.", id="sekretar.E006")
    if not WEBHOOK_SECRET.fullmatch(settings.WEBHOOK_SECRET):
        sentence = "WEBHOOK_URL needs a WEBHOOK_SECRET of 1-256 characters A-Z a-z 0-9 _ -."
        yield Error(f"{sentence} Without it anybody could send updates.", id="sekretar.E007")


def _reachable_by_telegram(address: str) -> bool:
    """An https address; http only on this machine, where a server of one's own may call it."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    host = parts.hostname or ""
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and _is_here(host)))


def _is_here(host: str) -> bool:
    return host in HERE or host.endswith(".localhost")


def providers() -> Iterator[CheckMessage]:
    if not configured():
        keys = ", ".join(f"{name.upper()}_API_KEY" for name in settings.LLM_PROVIDERS)
        sentence = "No provider of models is configured: the bot cannot answer."
        yield checks.Warning(f"{sentence} Put a key into .env: {keys}.", id="sekretar.W004")


def default_model() -> Iterator[CheckMessage]:
    provider, colon, name = settings.DEFAULT_MODEL.partition(":")
    if not settings.DEFAULT_MODEL:
        return
    if not colon or not name.strip() or provider not in settings.LLM_PROVIDERS:
        known = ", ".join(settings.LLM_PROVIDERS)
        sentence = f"DEFAULT_MODEL is {settings.DEFAULT_MODEL!r}, but must be provider:name."
        yield Error(f"{sentence} The providers are {known}.", id="sekretar.E008")
    elif provider not in configured():
        sentence = f"DEFAULT_MODEL names {provider}, which has no key."
        yield checks.Warning(f"{sentence} Put {provider.upper()}_API_KEY into .env.", id="sekretar.W005")


def summary_model() -> Iterator[CheckMessage]:
    provider, _colon, name = settings.SUMMARY_MODEL.partition(":")
    if settings.SUMMARY_MODEL and (not name.strip() or provider not in settings.LLM_PROVIDERS):
        known = ", ".join(settings.LLM_PROVIDERS)
        sentence = f"SUMMARY_MODEL is {settings.SUMMARY_MODEL!r}, but must be provider:name, or empty."
        yield Error(f"{sentence} The providers are {known}.", id="sekretar.E014")


def fallback_models() -> Iterator[CheckMessage]:
    for ref in settings.FALLBACK_MODELS:
        provider, _colon, name = ref.partition(":")
        if not name.strip() or provider not in settings.LLM_PROVIDERS:
            sentence = f"FALLBACK_MODELS holds {ref!r}, but must be provider:name, separated by commas."
            yield Error(f"{sentence} The providers are {', '.join(settings.LLM_PROVIDERS)}.", id="sekretar.E020")


def assistant_tools() -> Iterator[CheckMessage]:
    if problems := [problem for name in settings.ASSISTANT_TOOLS if (problem := _problem_of_tool(name))]:
        yield from problems
        return
    unknown = sorted({*settings.DIALOG_TOOLS, *settings.TASK_TOOLS} - {*settings.ASSISTANT_TOOLS, "none"})
    if unknown:
        sentence = f"DIALOG_TOOLS or TASK_TOOLS names what is no tool: {', '.join(unknown)}."
        known = ", ".join(settings.ASSISTANT_TOOLS)
        yield Error(f"{sentence} The tools are {known}; to have none, write: none.", id="sekretar.E022")


def _problem_of_tool(name: str) -> Error | None:
    try:
        toolbox.find(name)
    except (ImportError, AttributeError, ValueError) as error:
        sentence = f"ASSISTANT_TOOLS names a tool {name!r} that cannot be used: {error}"
        return Error(f"{sentence} Name the path of its llm.toolbox.Tool.", id="sekretar.E021")
    return None


def encryption_keys() -> Iterator[CheckMessage]:
    if not settings.FIELD_ENCRYPTION_KEYS and PUBLIC_TOKEN.fullmatch(settings.BOT_TOKEN):
        sentence = "FIELD_ENCRYPTION_KEYS is empty: what is kept encrypted cannot be read with another SECRET_KEY."
        yield checks.Warning(f"{sentence} Put a key into .env. This prints one: {MAKE_FIELD_KEY}", id="sekretar.W012")
    for number, key in enumerate(settings.FIELD_ENCRYPTION_KEYS, start=1):
        if not _is_field_key(key.strip()):
            sentence = f"Key {number} in FIELD_ENCRYPTION_KEYS is no key: it must be 32 bytes in URL-safe base64."
            yield Error(f"{sentence} This prints one: {MAKE_FIELD_KEY}", id="sekretar.E009")


def _is_field_key(key: str) -> bool:
    try:
        return len(base64.b64decode(key.encode("ascii"), altchars=b"-_", validate=True)) == 32
    except (binascii.Error, UnicodeEncodeError):
        return False


def debug_in_public() -> Iterator[CheckMessage]:
    public = [host for host in settings.ALLOWED_HOSTS if not _is_here(host)]
    if settings.DEBUG and public:
        sentence = f"DEBUG is on while ALLOWED_HOSTS lets in {', '.join(public)}: errors would show secrets."
        yield Error(f"{sentence} Write DEBUG=0 into .env.", id="sekretar.E010")


def files_folder() -> Iterator[CheckMessage]:
    folder = Path(settings.FILES_DIR).absolute()
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        sentence = f"FILES_DIR is {str(folder)!r}, but nothing can be written to {str(there)!r}."
        yield Error(f"{sentence} Name a folder that the bot's user owns.", id="sekretar.E011")


def mail_sender() -> Iterator[CheckMessage]:
    if not settings.EMAIL_HOST:
        return
    try:
        validate_email(parseaddr(settings.EMAIL_FROM)[1])
    except ValidationError:
        sentence = "EMAIL_URL is set, so EMAIL_FROM must say from whom: Sekretar <reports@example.org>, for example."
        yield Error(sentence, id="sekretar.E024")


def error_reports() -> Iterator[CheckMessage]:
    if not settings.SENTRY_DSN:
        return
    from sentry_sdk.utils import BadDsn, Dsn

    try:
        Dsn(settings.SENTRY_DSN)
    except BadDsn:
        sentence = "SENTRY_DSN is no DSN. Copy it from the project's settings in Sentry, or leave it empty."
        yield Error(sentence, id="sekretar.E012")


def long_dialogs() -> Iterator[CheckMessage]:
    if settings.CONTEXT_WARN_TOKENS > settings.MAX_CONTEXT_TOKENS:
        sentence = "CONTEXT_WARN_TOKENS is above MAX_CONTEXT_TOKENS, so nobody will be warned of a long dialog."
        yield checks.Warning(f"{sentence} Make it smaller.", id="sekretar.W006")


def pauses_of_workers() -> Iterator[CheckMessage]:
    if settings.WORKER_RETRY_BACKOFF_BASE_SEC > settings.WORKER_RETRY_BACKOFF_MAX_SEC:
        sentence = "WORKER_RETRY_BACKOFF_BASE_SEC is above WORKER_RETRY_BACKOFF_MAX_SEC, but pauses only grow."
        yield Error(f"{sentence} Make it smaller, or the other one larger.", id="sekretar.E023")


CHECKS = (
    unreadable,
    secret_key,
    bot_token,
    admin_chat,
    admin_password,
    webhook,
    providers,
    default_model,
    summary_model,
    fallback_models,
    assistant_tools,
    encryption_keys,
    debug_in_public,
    files_folder,
    error_reports,
    mail_sender,
    long_dialogs,
    pauses_of_workers,
)
