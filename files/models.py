"""Stored files. The link from a message to a file lives in the capability, so this app knows none of them."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class StoredFile(models.Model):
    """One file under FILES_DIR. ``path`` is relative, ``mime`` is what the content is, not what a name claims."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("owner")
    )
    path = models.CharField(_("path"), max_length=120, unique=True)
    name = models.CharField(_("name"), max_length=255, blank=True)
    mime = models.CharField(_("type"), max_length=100)
    size = models.PositiveBigIntegerField(_("size, bytes"))
    sha256 = models.CharField(_("SHA-256"), max_length=64, db_index=True)
    telegram_file_unique_id = models.CharField(max_length=64, blank=True)
    text = models.TextField(_("extracted text"), blank=True)
    created_at = models.DateTimeField(_("stored"), default=timezone.now)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True, db_index=True)

    class Meta:
        verbose_name = _("file")
        verbose_name_plural = _("files")

    def __str__(self) -> str:
        return self.name or self.path
