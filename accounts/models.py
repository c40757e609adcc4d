"""People, chats, invitations, keys and the record of who decided what."""

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Access(models.TextChoices):
    """Whether a person or a group may use the bot. Closed by default: everything but ACTIVE is a no."""

    PENDING = "pending", _("pending")
    ACTIVE = "active", pgettext_lazy("access", "active")
    REJECTED = "rejected", _("rejected")
    BLOCKED = "blocked", _("blocked")


class Role(models.TextChoices):
    MEMBER = "member", _("member")
    EDITOR = "editor", _("editor")
    ADMIN = "admin", _("admin")


class Language(models.TextChoices):
    RUSSIAN = "ru", "Русский"
    ENGLISH = "en", "English"


class People(UserManager["User"]):
    def by_telegram(self, telegram_id: int) -> "User | None":
        return self.filter(telegram_id=telegram_id).first()

    def bot_admins(self) -> "models.QuerySet[User]":
        """Those who may steer the bot in Telegram: operators without a Telegram id cannot."""
        return self.filter(role=Role.ADMIN, status=Access.ACTIVE, is_active=True, telegram_id__isnull=False)


class User(AbstractUser):
    """A person. People from Telegram have ``telegram_id`` and no password; pure operators have it null."""

    telegram_id = models.BigIntegerField(_("Telegram id"), unique=True, null=True, blank=True)
    telegram_username = models.CharField(_("Telegram username"), max_length=64, blank=True)
    status = models.CharField(_("access"), max_length=10, choices=Access, default=Access.PENDING)
    role = models.CharField(_("role"), max_length=10, choices=Role, default=Role.MEMBER)
    # What the person chose; telegram_language is what their app reports. Empty means: not known.
    language = models.CharField(_("language"), max_length=8, choices=Language, blank=True)
    telegram_language = models.CharField(_("language of the app"), max_length=16, blank=True)
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True)
    requested_at = models.DateTimeField(_("asked for access"), null=True, blank=True)
    decided_by = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("decided by")
    )
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)

    objects: ClassVar[People] = People()

    # Announcements of the admins; each carries a button that turns them off.
    broadcasts = models.BooleanField(_("gets announcements"), default=True)

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        indexes = [models.Index(fields=["status", "requested_at"], name="user_status_requested")]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """What to call the person: full name, else @username, else login."""
        return self.get_full_name() or (self.telegram_username and f"@{self.telegram_username}") or self.username

    @property
    def may_use(self) -> bool:
        return self.is_active and self.status == Access.ACTIVE

    @property
    def is_bot_admin(self) -> bool:
        """May approve people and steer the bot in Telegram (the Django admin asks for ``is_staff``)."""
        return self.may_use and self.role == Role.ADMIN


class ChatKind(models.TextChoices):
    PRIVATE = "private", _("private")
    GROUP = "group", _("group")
    SUPERGROUP = "supergroup", _("supergroup")
    CHANNEL = "channel", _("channel")


class Payer(models.TextChoices):
    """Whose budget an answer in a group counts against, beside the bot's own."""

    PERSON = "person", _("whoever asks")
    CHAT = "chat", _("the group")


class Chat(models.Model):
    """A Telegram chat as one bot sees it. Groups need approval; a private chat follows its person."""

    bot_id = models.BigIntegerField(_("bot"))
    telegram_id = models.BigIntegerField(_("Telegram id"))
    kind = models.CharField(_("kind"), max_length=10, choices=ChatKind)
    title = models.CharField(_("title"), max_length=255, blank=True)
    username = models.CharField(_("username"), max_length=64, blank=True)
    status = models.CharField(_("access"), max_length=10, choices=Access, default=Access.PENDING)
    person = models.ForeignKey(
        User, models.CASCADE, null=True, blank=True, related_name="private_chats", verbose_name=_("person")
    )
    # Why nothing can be delivered here ("bot was blocked by the user"); empty when it can.
    unreachable = models.CharField(_("unreachable because"), max_length=200, blank=True)
    migrated_from = models.BigIntegerField(_("migrated from"), null=True, blank=True)
    requested_by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("added by")
    )
    requested_at = models.DateTimeField(_("asked for access"), null=True, blank=True)
    decided_by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("decided by")
    )
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    payer = models.CharField(_("pays"), max_length=10, choices=Payer, default=Payer.PERSON)
    # Whether another model may answer when the chosen one cannot.
    fallbacks = models.BooleanField(_("another model may step in"), default=True)
    # Until when the bot may wait for somebody's words here (telegram_bot.Expectation); only then it looks.
    awaits_until = models.DateTimeField(null=True, blank=True, editable=False)
    # The bot's own place in a group or channel, as Telegram told it last (ChatMember: its status, and its rights by
    # name); empty before it did. https://core.telegram.org/bots/api#chatmember
    bot_status = models.CharField(_("the bot is there as"), max_length=20, blank=True)
    bot_rights: "models.JSONField[dict[str, bool]]" = models.JSONField(_("the bot's rights"), default=dict, blank=True)
    rights_at = models.DateTimeField(_("rights as of"), null=True, blank=True)

    class Meta:
        verbose_name = _("chat")
        verbose_name_plural = _("chats")
        constraints = [models.UniqueConstraint(fields=["bot_id", "telegram_id"], name="chat_of_bot")]

    def __str__(self) -> str:
        return self.title or str(self.telegram_id)

    @property
    def is_private(self) -> bool:
        return self.kind == ChatKind.PRIVATE

    @property
    def allowed(self) -> bool:
        return self.is_private or self.status == Access.ACTIVE


class Invite(models.Model):
    """A link that lets one person in. Only the token's hash is kept; the link is shown once."""

    token_hash = models.CharField(max_length=64, unique=True)
    role = models.CharField(_("role"), max_length=10, choices=Role, default=Role.MEMBER)
    note = models.CharField(_("note"), max_length=100, blank=True)
    created_by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("created by")
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    expires_at = models.DateTimeField(_("expires"))
    used_by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("used by")
    )
    used_at = models.DateTimeField(_("used"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")

    def __str__(self) -> str:
        return f"{self.get_role_display()} · {self.note or self.created_at.date().isoformat()}"


class ApiKey(models.Model):
    """A key for another service. The secret is shown once; a prefix and an HMAC of the whole are kept."""

    name = models.CharField(_("name"), max_length=100)
    prefix = models.CharField(_("prefix"), max_length=12, unique=True)
    digest = models.CharField(max_length=64)
    scopes = models.JSONField(_("scopes"), default=list)
    created_by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("created by")
    )
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class AuditEntry(models.Model):
    """Who did what to what, when. Written by services, never changed."""

    at = models.DateTimeField(_("when"), default=timezone.now, db_index=True)
    actor = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("who"))
    # Kept as text too, so that the entry still says who when the person's row is gone.
    actor_label = models.CharField(pgettext_lazy("person", "name"), max_length=150, blank=True)
    via = models.CharField(_("via"), max_length=20, blank=True)
    action = models.CharField(_("did"), max_length=60, db_index=True)
    target = models.CharField(_("to what"), max_length=60, blank=True)
    target_label = models.CharField(_("target's name"), max_length=255, blank=True)
    details: "models.JSONField[dict[str, Any]]" = models.JSONField(_("details"), default=dict, blank=True)

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit")
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["target"], name="audit_target")]

    def __str__(self) -> str:
        return f"{timezone.localtime(self.at):%Y-%m-%d %H:%M} {self.actor_label} {self.action} {self.target}"
