"""Receiving by webhook: the view stores the raw update and answers. No application lives in the web process.

Telegram keeps the order per chat and repeats until it gets a 2xx, so the view must be quick and honest.
"""

import hmac
import json

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from telegram_bot import services
from telegram_bot.outgoing import bot_id


@csrf_exempt
@require_POST
def webhook(request: HttpRequest) -> HttpResponse:
    """403 without the secret, 400 for what is no update, else 200 once the row is committed."""
    given = request.headers.get("X-Telegram-Bot-Api-Secret-Token", "")
    secret = settings.WEBHOOK_SECRET
    if not secret or not hmac.compare_digest(given.encode(), secret.encode()):
        return HttpResponse(status=403)
    try:
        raw = json.loads(request.body)
        update_id = raw["update_id"]
    except (ValueError, KeyError, TypeError):
        return HttpResponse(status=400)
    if not isinstance(update_id, int) or isinstance(update_id, bool):
        return HttpResponse(status=400)
    services.store(bot_id(), [raw], timezone.now())
    return HttpResponse(status=200)
