"""Stored files. The link from a message to a file lives in the capability, so this app knows none of them."""

from django.conf import settings
from django.db import models
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class StoredFile(models.Model):
    """One person's file under FILES_DIR. ``path`` is relative, ``mime`` is what the content is, not what a name claims.

    The same content of two people is two rows and one file on the disk, which goes with the last row.
    """

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("owner")
    )
    path = models.CharField(_("path"), max_length=120, db_index=True)
    name = models.CharField(_("name"), max_length=255, blank=True)
    mime = models.CharField(_("type"), max_length=100)
    size = models.PositiveBigIntegerField(_("size, bytes"))
    sha256 = models.CharField(_("SHA-256"), max_length=64, db_index=True)
    telegram_file_unique_id = models.CharField(max_length=64, blank=True)
    # By which a bot sends it again without an upload: "bot:field" -> file_id.
    telegram_ids: "models.JSONField[dict[str, str]]" = models.JSONField(default=dict, blank=True)
    text = models.TextField(_("extracted text"), blank=True)
    # Null: nobody has looked yet. Empty: there is text, above. Else why there is none (files.errors).
    text_error = models.CharField(_("no text because"), max_length=30, null=True, blank=True)
    # Of a document, where it says so.
    pages = models.PositiveIntegerField(_("pages"), null=True, blank=True)
    created_at = models.DateTimeField(_("stored"), default=timezone.now)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True, db_index=True)

    class Meta:
        verbose_name = _("file")
        verbose_name_plural = _("files")
        constraints = [models.UniqueConstraint(Coalesce("owner", 0), F("sha256"), name="one_file_a_content")]

    def __str__(self) -> str:
        # Not the name: that is content, and a row's name is read by many (links, the audit).
        return self.path
