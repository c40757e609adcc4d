"""Webhooks of API keys: made, moved, switched on and off. The secret that signs their calls is shown once."""

import base64
import secrets
from datetime import datetime

from django.db import transaction

from accounts import services as accounts
from accounts.models import ApiKey, User
from delivery.models import Webhook

MARK = "whsec_"
SECRET_BYTES = 32


def new_secret() -> str:
    """As https://www.standardwebhooks.com writes them: a mark, then 24 to 64 random bytes in base64."""
    return MARK + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode("ascii")


@transaction.atomic
def create_webhook(
    key: ApiKey, url: str, *, all_posts: bool = False, by: User | None, via: str, now: datetime
) -> Webhook:
    """Events of what this key makes (``all_posts``: of posts whoever made them) go to ``url`` from now on. Its
    ``secret`` is shown to nobody later."""
    row = Webhook.objects.create(key=key, url=url, secret=new_secret(), all_posts=all_posts, created_at=now)
    _note(row, "created", by=by, via=via, now=now)
    return row


@transaction.atomic
def move_webhook(row: Webhook, url: str, *, by: User | None, via: str, now: datetime) -> bool:
    """Events go to another address from now on, signed as before. False when it is the same. The record does not hold
    addresses: they may hold secrets."""
    changed = bool(Webhook.objects.filter(pk=row.pk).exclude(url=url).update(url=url))
    row.url = url
    if changed:
        _note(row, "moved", by=by, via=via, now=now)
    return changed


@transaction.atomic
def widen_webhook(row: Webhook, all_posts: bool, *, by: User | None, via: str, now: datetime) -> bool:
    """Of which posts it hears: of all, or of those made with its key. False when it is the same."""
    changed = bool(Webhook.objects.filter(pk=row.pk).exclude(all_posts=all_posts).update(all_posts=all_posts))
    row.all_posts = all_posts
    if changed:
        _note(row, "widened" if all_posts else "narrowed", by=by, via=via, now=now)
    return changed


@transaction.atomic
def renew_webhook(row: Webhook, *, by: User | None, via: str, now: datetime) -> str:
    """Another secret; calls are signed with it from now on."""
    row.secret = new_secret()
    row.save(update_fields=["secret"])
    _note(row, "renewed", by=by, via=via, now=now)
    return str(row.secret)


@transaction.atomic
def switch_webhook(
    row: Webhook, *, on: bool, by: User | None = None, via: str, now: datetime, reason: str = ""
) -> bool:
    """Send events there, or no longer. False when it was so already."""
    changed = bool(Webhook.objects.filter(pk=row.pk, enabled=not on).update(enabled=on))
    row.enabled = on
    if changed:
        details = {"reason": reason} if reason else {}
        _note(row, "enabled" if on else "disabled", by=by, via=via, now=now, **details)
    return changed


def _note(row: Webhook, what: str, *, by: User | None, via: str, now: datetime, **details: str) -> None:
    accounts.audit(f"webhook.{what}", by=by, via=via, **accounts.target_of(row), details=details, now=now)
