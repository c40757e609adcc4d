"""Settings: every one comes from the environment or `.env` (documented in `.env.example`)."""

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.utils.translation import gettext_lazy as _

from config.env import Env
from config.logging import logging_config
from config.unfold import UNFOLD as UNFOLD

# python-telegram-bot gives retry_after as a timedelta, as its next major version does without being asked.
os.environ.setdefault("PTB_TIMEDELTA", "1")

BASE_DIR = Path(__file__).resolve().parent.parent
env = Env(BASE_DIR / ".env")

DEBUG = env.flag("DEBUG", False)
SECRET_KEY = env.secret("SECRET_KEY")
FIELD_ENCRYPTION_KEYS = [key for key in env.secret("FIELD_ENCRYPTION_KEYS").split(",") if key.strip()]
ALLOWED_HOSTS = env.many("ALLOWED_HOSTS", ["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.many("CSRF_TRUSTED_ORIGINS", [])

# Telegram
BOT_TOKEN = env.secret("BOT_TOKEN")
ADMIN_CHAT_ID = env.integer("ADMIN_CHAT_ID", 0)
ADMIN_PASSWORD = env.secret("ADMIN_PASSWORD")
ADMIN_SESSION_MINUTES = env.integer("ADMIN_SESSION_MINUTES", 30, low=1)
TELEGRAM_API_URL = env.url("TELEGRAM_API_URL", "https://api.telegram.org")
WEBHOOK_URL = env.text("WEBHOOK_URL")
WEBHOOK_SECRET = env.secret("WEBHOOK_SECRET")
STREAM_MODE = env.choice("STREAM_MODE", "edit", ("edit", "draft", "off"))
TELEGRAM_RATE_BOT = env.number("TELEGRAM_RATE_BOT", 25)
TELEGRAM_RATE_CHAT = env.number("TELEGRAM_RATE_CHAT", 1)
TELEGRAM_RATE_GROUP = env.number("TELEGRAM_RATE_GROUP", 20)
NOTICE_SECONDS = env.integer("NOTICE_SECONDS", 60, low=0, high=24 * 3600)
EPHEMERAL_NOTICES = env.flag("EPHEMERAL_NOTICES", False)
POLL_TIMEOUT_SEC = 50

# Providers: one without a key (for OpenAI: without key and address) is simply absent.
GEMINI_API_KEY = env.secret("GEMINI_API_KEY")
GEMINI_BASE_URL = env.url("GEMINI_BASE_URL", "https://generativelanguage.googleapis.com")
MISTRAL_API_KEY = env.secret("MISTRAL_API_KEY")
MISTRAL_BASE_URL = env.url("MISTRAL_BASE_URL", "https://api.mistral.ai")
DEEPSEEK_API_KEY = env.secret("DEEPSEEK_API_KEY")
DEEPSEEK_BASE_URL = env.url("DEEPSEEK_BASE_URL", "https://api.deepseek.com")
OPENAI_API_KEY = env.secret("OPENAI_API_KEY")
OPENAI_BASE_URL = env.url("OPENAI_BASE_URL", "https://api.openai.com/v1")
DEFAULT_MODEL = env.text("DEFAULT_MODEL")
FALLBACK_MODELS = env.many("FALLBACK_MODELS", [])
LLM_CONNECT_TIMEOUT_SEC = env.number("LLM_CONNECT_TIMEOUT_SEC", 10, low=0.1)
LLM_READ_TIMEOUT_SEC = env.number("LLM_READ_TIMEOUT_SEC", 120, low=0.1)
LLM_FIRST_TOKEN_TIMEOUT_SEC = env.number("LLM_FIRST_TOKEN_TIMEOUT_SEC", 180, low=0.1)
LLM_TURN_TIMEOUT_SEC = env.number("LLM_TURN_TIMEOUT_SEC", 900, low=0.1)

# Dialogs
_reminding = [f"{verb}_reminder" for verb in ("create", "pause", "resume", "cancel", "complete")]
_avito = ["list_avito_profiles", "avito_figures", "avito_days"]
DIALOG_TOOLS = env.many("DIALOG_TOOLS", ["current_time", "list_reminders", *_reminding, *_avito])
MAX_TOOL_STEPS = env.integer("MAX_TOOL_STEPS", 8, low=1)
MAX_CONTEXT_MESSAGES = env.integer("MAX_CONTEXT_MESSAGES", 20, low=1)
MAX_CONTEXT_TOKENS = env.integer("MAX_CONTEXT_TOKENS", 32_000, low=100)
CONTEXT_WARN_TOKENS = env.integer("CONTEXT_WARN_TOKENS", 16_000, low=1)
REQUESTS_PER_MINUTE = env.integer("REQUESTS_PER_MINUTE", 0, low=0)
BUDGET_UNPRICED_MODELS = env.flag("BUDGET_UNPRICED_MODELS", True)
SUMMARISE_AT = env.number("SUMMARISE_AT", 0.8, low=0, high=1)
SUMMARY_MODEL = env.text("SUMMARY_MODEL")

# Reminders; 0: no limit
REMINDERS_PER_PERSON = env.integer("REMINDERS_PER_PERSON", 1000, low=0)
REMINDERS_PER_KEY = env.integer("REMINDERS_PER_KEY", 20_000, low=0)
REMINDERS_PER_ASSISTANT = env.integer("REMINDERS_PER_ASSISTANT", 200, low=0)
REMINDER_TASK_MINUTES = env.integer("REMINDER_TASK_MINUTES", 5, low=1)

# Posts; 0: no limit, and never held
POST_EXPIRE_HOURS = env.integer("POST_EXPIRE_HOURS", 24, low=1)
POST_HOLD_LATE_MINUTES = env.integer("POST_HOLD_LATE_MINUTES", 0, low=0)
POST_CHECK_MINUTES = env.integer("POST_CHECK_MINUTES", 10, low=0)
POSTS_PER_AUTHOR = env.integer("POSTS_PER_AUTHOR", 500, low=0)
TARGETS_PER_POST = env.integer("TARGETS_PER_POST", 50, low=0)
POSTS_SENDING_AT_ONCE = env.integer("POSTS_SENDING_AT_ONCE", 30, low=1)

# Reports; 0: no limit
AVITO_BASE_URL = env.url("AVITO_BASE_URL", "https://api.avito.ru")
AVITO_PROFILES_PER_PERSON = env.integer("AVITO_PROFILES_PER_PERSON", 50, low=0)

# E-mail, which reports may go by; without EMAIL_URL there is none
_mail = env.mail("EMAIL_URL")
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
EMAIL_HOST = str(_mail.get("EMAIL_HOST", ""))
EMAIL_PORT = int(_mail.get("EMAIL_PORT", 25))
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = (str(_mail.get(f"EMAIL_HOST_{of}") or "") for of in ("USER", "PASSWORD"))
EMAIL_USE_TLS, EMAIL_USE_SSL = (bool(_mail.get(f"EMAIL_USE_{how}")) for how in ("TLS", "SSL"))
EMAIL_TIMEOUT = 30
EMAIL_FROM = env.text("EMAIL_FROM")

# Jobs, work, files
REFRESH_CRON = env.cron("REFRESH_CRON", "0 0 * * *")
ENABLE_SCHEDULER = env.flag("ENABLE_SCHEDULER", True)
ENGINE = env.choice("ENGINE", "local", ("local",))
WORKER_STARTUP_TIMEOUT_SEC = env.number("WORKER_STARTUP_TIMEOUT_SEC", 0)
WORKER_STARTUP_RETRIES = env.integer("WORKER_STARTUP_RETRIES", 0, low=0)
WORKER_POLLING_RETRIES = env.integer("WORKER_POLLING_RETRIES", 0, low=0)
WORKER_RETRY_BACKOFF_BASE_SEC = env.number("WORKER_RETRY_BACKOFF_BASE_SEC", 1, low=0.1)
WORKER_RETRY_BACKOFF_MAX_SEC = env.number("WORKER_RETRY_BACKOFF_MAX_SEC", 30, low=0.1)
FILES_DIR = Path(env.text("FILES_DIR", str(BASE_DIR / "data" / "files")))
MAX_FILE_MB = env.integer("MAX_FILE_MB", 20, low=1, high=2000)
MAX_FILE_MB_OF_ROLE = {
    "member": env.integer("MAX_FILE_MB_MEMBER", MAX_FILE_MB, low=0, high=2000),
    "editor": env.integer("MAX_FILE_MB_EDITOR", MAX_FILE_MB, low=0, high=2000),
    "admin": MAX_FILE_MB,
}
KEEP_FILES_DAYS = env.integer("KEEP_FILES_DAYS", 90, low=0)

# Other programs
REDIS_URL = env.redis("REDIS_URL")
OUTWARD_ALLOW_PRIVATE = env.flag("OUTWARD_ALLOW_PRIVATE", False)

# Privacy; 0 days: for ever
CONTENT_LOG = env.choice("CONTENT_LOG", "full", ("full", "metadata", "off"))
KEEP_UPDATES_DAYS = env.integer("KEEP_UPDATES_DAYS", 14, low=0)
KEEP_DELIVERIES_DAYS = env.integer("KEEP_DELIVERIES_DAYS", 90, low=0)
KEEP_DIALOGS_DAYS = env.integer("KEEP_DIALOGS_DAYS", 0, low=0)
KEEP_REQUESTS_DAYS = env.integer("KEEP_REQUESTS_DAYS", 0, low=0)
KEEP_AUDIT_DAYS = env.integer("KEEP_AUDIT_DAYS", 0, low=0)
KEEP_REMINDERS_DAYS = env.integer("KEEP_REMINDERS_DAYS", 365, low=0)
KEEP_POSTS_DAYS = env.integer("KEEP_POSTS_DAYS", 0, low=0)
KEEP_REPORTS_DAYS = env.integer("KEEP_REPORTS_DAYS", 90, low=0)
KEEP_FIGURES_DAYS = env.integer("KEEP_FIGURES_DAYS", 0, low=0)

LOG_LEVEL = env.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))
LOG_FORMAT = env.choice("LOG_FORMAT", "auto", ("auto", "json", "console"))
SENTRY_DSN = env.secret("SENTRY_DSN")

# Watching over it (docs/howto/monitoring.md)
METRICS_TOKEN = env.secret("METRICS_TOKEN")
METRICS_PORT = env.integer("METRICS_PORT", 0, low=0, high=65535)
DEAF_AFTER_SEC = env.number("DEAF_AFTER_SEC", 60, low=1)
WAIT_WARN_SEC = env.number("WAIT_WARN_SEC", 300, low=1)
DISK_WARN_PERCENT = env.number("DISK_WARN_PERCENT", 10, low=0, high=99)

INSTALLED_APPS = [
    "unfold",
    # Not the default config: the admin is discovered by config/urls.py, so the bot's process does not load it.
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_apscheduler",
    "config.apps.ConfigConfig",
    "core",
    "accounts",
    "llm",
    "files",
    "delivery",
    "telegram_bot",
    "conversations",
    "reminders",
    "posts",
    "reports",
    "sandbox",
]

MIDDLEWARE = [
    # Before all others: who asks whether this process lives need not know its host names.
    "config.probes.Probes",
    "django.middleware.security.SecurityMiddleware",
    "config.static.StaticFiles",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

_database: dict[str, Any] = env.database("DATABASE_URL", f"sqlite:///{BASE_DIR / 'data' / 'sekretar.sqlite3'}")
if "sqlite3" in str(_database["ENGINE"]):
    _database["ENGINE"] = "core.sqlite"
    pragmas = (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "busy_timeout=20000",
        # Pages: 16 MB before the log is taken over into the file, which somebody waits for.
        "wal_autocheckpoint=4000",
    )
    _database["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": " ".join(f"PRAGMA {pragma};" for pragma in pragmas),
    }
    # A file, not memory: the bot's threads and processes share it in tests as they do in life.
    _database["TEST"] = {"NAME": env.text("TEST_SQLITE_NAME", str(BASE_DIR / "data" / "test.sqlite3"))}
else:
    _database["CONN_HEALTH_CHECKS"] = True
    # Seconds, instead of two minutes for a machine that does not even refuse.
    _database.setdefault("OPTIONS", {}).setdefault("connect_timeout", 10)
    # Seconds. The web side keeps its threads, and a new connection for each request takes longer than most requests.
    _database.setdefault("CONN_MAX_AGE", 60)
DATABASES = {"default": _database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"

LANGUAGE_CODE = env.choice("LANGUAGE_CODE", "ru", ("ru", "en"))
LANGUAGES = [("ru", _("Russian")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = env.time_zone("TIME_ZONE", "UTC")
USE_I18N = True
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
WHITENOISE_USE_FINDERS = True
# The page of the API's docs. Ninja is no installed app: the bot's process would then import it, and pydantic.
STATICFILES_DIRS = [("ninja", Path(str(find_spec("ninja").origin)).parent / "static" / "ninja")]  # type: ignore[union-attr]

SECURE_CONTENT_TYPE_NOSNIFF = True
BEHIND_HTTPS_PROXY = env.flag("BEHIND_HTTPS_PROXY", False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_HTTPS_PROXY else None
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BEHIND_HTTPS_PROXY
X_FRAME_OPTIONS = "DENY"

LOGGING_CONFIG = None
LOGGING = logging_config(LOG_LEVEL, LOG_FORMAT)

# ---------------------------------------------------------------------------------------------------------------------
# What can be added: dotted paths in literal tables. No scans, no side effects at import.

# Telegram handlers; order matters, conversations.bot takes what nobody else took.
BOT_MODULES = [
    "telegram_bot.bot",
    "telegram_bot.admin_chat.handlers",
    "conversations.privacy.bot",
    "conversations.groups.bot",
    "conversations.dialogs.bot",
    "conversations.budget_bot",
    "conversations.standups.bot",
    "reminders.bot",
    "posts.bot",
    "reports.bot",
    "reports.ordering.bot",
    "reports.export.bot",
    "conversations.bot",
]

# Subcommands of /admin: tuples of telegram_bot.admin_chat.command.Command.
ADMIN_COMMANDS = [
    "telegram_bot.admin_chat.commands.COMMANDS",
    "conversations.admin_chat.COMMANDS",
]

LLM_PROVIDERS = {
    "gemini": "llm.providers.gemini.Gemini",
    "mistral": "llm.providers.mistral.Mistral",
    "deepseek": "llm.providers.deepseek.DeepSeek",
    "openai": "llm.providers.openai.OpenAI",
}

# Which module drains the lanes of a kind: drain(lane), waiting_lanes(), recover(everything).
LANES = {
    "in": "telegram_bot.inbox",
    "out": "delivery.outbox",
    "announce": "telegram_bot.broadcasts",
    "task": "delivery.outbox",
    "event": "reminders.events",
    "hook": "delivery.hooks",
}

# How a delivery leaves: async send(delivery) -> Sent.
DELIVERY_BACKENDS = {
    "telegram": "telegram_bot.backend.send",
    "document": "telegram_bot.documents.send",
    "greeting": "telegram_bot.greeting.send",
    "reminder": "reminders.source.send",
    "card": "reminders.chat.sending.send",
    "standup": "conversations.standups.source.send",
    "post": "posts.source.send",
    "post_preview": "posts.chat.sending.send",
    "post_card": "posts.chat.following.send",
    "post_check": "posts.precheck.send",
    "post_file": "posts.loading.send",
    "report": "reports.source.send",
    "email": "reports.sending.email.send",
    "report_hook": "reports.sending.webhook.send",
    "avito_day": "reports.daily.send",
    "avito_export": "reports.export.job.send",
    "avito_export_file": "reports.export.leaving.send",
}

# Documents made when they are sent: name -> function(data) that gives a function() -> telegram_bot.documents.Document.
DOCUMENTS = {
    "mydata": "conversations.privacy.export.collect",
    "dialog": "conversations.dialogs.export.collect",
    "answer": "conversations.as_file.collect",
    "report_chart": "reports.sending.chart.collect",
}

# What capabilities keep of people, for /mydata and /forget: name -> core.privacy.OwnData.
OWN_DATA = {
    "standups": "conversations.standups.own_data.OWN",
    "reminders": "reminders.own_data.OWN",
    "posts": "posts.own_data.OWN",
    "reports": "reports.own_data.OWN",
}

# What waits, before a message is claimed, until its lane may send one, and what hears that none was sent after all:
# async room(lane), give_back(lane).
DELIVERY_ROOM = ("telegram_bot.backend.room", "telegram_bot.backend.give_back")

# What keys of other services open: scope -> what it lets them do.
API_SCOPES = {
    "reminders:read": _("read reminders"),
    "reminders:write": _("create, change and cancel reminders"),
    "events:consume": _("acknowledge events, and see and replay those that were given up"),
    "posts:read": _("read posts and how they fare"),
    "posts:write": _("write, change and remove posts"),
    "posts:publish": _("schedule, publish and cancel posts, and delete them from the chats"),
    "audit:read": _("read who did what to reminders and posts"),
}

# What else runs in the bot's process until it ends: async run(stop).
SERVICES = [
    "delivery.tick.run",
    "reminders.events.run",
    "reminders.sinks.redis.run",
]

# What fires on a schedule (the capabilities with schedules add themselves here).
DELIVERY_SOURCES: dict[str, str] = {
    "reminder": "reminders.source",
    "nag": "reminders.nag",
    "standup": "conversations.standups.source",
    "post": "posts.source",
    "post_check": "posts.precheck",
    "post_delete": "posts.cleanup",
    "report": "reports.source",
    "avito_day": "reports.daily",
}
# Where events for other programs go: name -> module with async drain(lane), and what else reminders/events.py asks.
EVENT_SINKS: dict[str, str] = {
    "redis": "reminders.sinks.redis",
    "webhook": "reminders.sinks.webhook",
}
# Who reads updates that no person sends, and that tell what became of the bot's messages: kind -> function(bot's id,
# the update's body, now), which writes rows and answers nobody. Of "message": a channel's copy in its discussion group,
# and what people who are let in forward, pin or reply to. "topic": any message in a topic of a forum. "membership":
# what became of the bot in a chat by an admin who stays anonymous. Of all other kinds nothing passes without a person.
UPDATE_NEWS: dict[str, str] = {
    "poll": "posts.services.counting.votes_counted",
    "message_reaction": "posts.services.counting.reaction_changed",
    "message_reaction_count": "posts.services.counting.reactions_counted",
    "channel_post": "posts.services.counting.seen",
    "edited_channel_post": "posts.services.counting.seen",
    "message": "posts.services.counting.seen",
    "topic": "posts.services.topics.heard",
    "membership": "telegram_bot.rights.heard",
}
# What assistants may be given: name -> llm.toolbox.Tool.
ASSISTANT_TOOLS: dict[str, str] = {
    "current_time": "conversations.tools.current_time",
    "search_dialogs": "conversations.tools.search_dialogs",
    "read_file": "conversations.tools.read_file",
    "fetch_page": "conversations.web.fetch_page",
    "create_reminder": "reminders.tools.create_reminder",
    "create_standup": "reminders.standups.create_standup",
    "take_leave": "conversations.standups.leaves.take_leave",
    "list_reminders": "reminders.tools.list_reminders",
    "pause_reminder": "reminders.tools.pause_reminder",
    "resume_reminder": "reminders.tools.resume_reminder",
    "cancel_reminder": "reminders.tools.cancel_reminder",
    "complete_reminder": "reminders.tools.complete_reminder",
    "draft_post": "posts.tools.draft_post",
    "list_posts": "posts.tools.list_posts",
    "propose_post_time": "posts.tools.propose_post_time",
    "cancel_post": "posts.tools.cancel_post",
    "list_avito_profiles": "reports.tools.list_avito_profiles",
    "avito_figures": "reports.tools.avito_figures",
    "avito_days": "reports.tools.avito_days",
}
# Of them: what a planned task has besides its assistant's own (a dialog without an assistant: DIALOG_TOOLS).
TASK_TOOLS = ["current_time", "fetch_page", "complete_reminder"]

# Who does planned tasks (llm.tasks.Perform), and whether an assistant's uid is one in use here: function(uid) -> bool.
ASSISTANT_TASKS = "conversations.tasks.perform"
# Tasks whose payload has a form of its own: what stands as "task" -> llm.tasks.Check.
TASK_CHECKS: dict[str, str] = {"standup": "conversations.standups.rounds.wrong_with"}
ASSISTANT_DIRECTORY = "conversations.services.knows"

# The operator's fixed jobs: id -> (function, crontab, time zone).
JOBS = {
    "sync_models": ("llm.jobs.sync_models", REFRESH_CRON, TIME_ZONE),
    "housekeeping": ("delivery.jobs.housekeeping", "17 * * * *", "UTC"),
    "zone_news": ("delivery.zone_news.follow", "40 3 * * 1", "UTC"),
}
# What works out anew what was planned by a clock, when this machine has other zone data (delivery/zone_news.py): each a
# function(now) -> number of plans moved.
ZONE_NEWS = ["posts.services.planning.follow_zone_data"]
# What runs by a person's clock and follows it into another zone, besides reminders: each a function(user, zone before,
# now) -> what to say of it.
ZONE_FOLLOWERS = ["reports.services.zones.follow"]
# What housekeeping calls, each a function(now) -> number of rows removed.
HOUSEKEEPING = [
    "llm.budgets.release_abandoned",
    "telegram_bot.services.forget_old_updates",
    "telegram_bot.services.forget_old_buttons",
    "telegram_bot.expecting.forget_old",
    "telegram_bot.services.forget_old_announcements",
    "telegram_bot.services.erase_updates",
    "delivery.services.forget_old_deliveries",
    "delivery.services.erase_deliveries",
    "delivery.pulse.forget_silent",
    "conversations.retention.forget_old_dialogs",
    "conversations.retention.forget_old_requests",
    "conversations.retention.forget_old_questions",
    "conversations.retention.erase_contents",
    "conversations.standups.rounds.forget_old",
    "reminders.services.dropping.drop_unconfirmed",
    "reminders.retention.forget_old_reminders",
    "reminders.retention.forget_old_occurrences",
    "reminders.retention.remove_lost_schedules",
    "reminders.retention.erase_contents",
    "posts.services.expire_posts",
    "posts.retention.forget_old_posts",
    "posts.retention.remove_lost_schedules",
    "reports.retention.forget_old_reports",
    "reports.retention.forget_old_figures",
    "reports.retention.end_lost_exports",
    "reports.retention.remove_exports",
    "reports.retention.remove_lost_schedules",
    "reports.retention.remove_left_behind",
    "reports.avito.answers.forget_old_answers",
    "accounts.services.forget_old_audit",
    "accounts.services.forget_old_sessions",
    "posts.services.holding.hold_files",
    "files.services.remove_expired",
]

# What `/readyz` shows and the admins are told of: name -> a function(now) -> core.health.Finding. The database first:
# without it nothing else can be known.
HEALTH_CHECKS = {
    "database": "core.health.database",
    "bot": "telegram_bot.health.bot",
    "inbox": "telegram_bot.health.inbox",
    "outbox": "delivery.health.outbox",
    "tick": "delivery.health.tick",
    "posts": "posts.health.posts",
    "reports": "reports.health.reports",
    "redis": "reminders.health.redis",
    "scheduler": "delivery.health.scheduler",
    "disk": "core.health.disk",
}

# What /settings shows: functions(incoming, now) -> telegram_bot.settings_menu.Setting of a person, in this order.
PERSONAL_SETTINGS = [
    "telegram_bot.settings_menu.own",
    "reminders.chat.preferences.own",
    "conversations.preferences.own",
    "reports.chat.preferences.own",
]
