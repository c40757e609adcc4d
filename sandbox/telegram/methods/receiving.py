"""Who the bot is and how it gets updates."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ..errors import bad
from ..updates import webhook_active
from ..webhook import is_loopback
from .common import Params

if TYPE_CHECKING:
    from ..world import World

SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
LONGEST_POLL = 50


def get_me(world: World, params: Params) -> dict[str, Any]:
    """The bot itself."""
    return world.bot


async def get_updates(world: World, params: Params) -> list[dict[str, Any]]:
    """Long polling, see `updates`."""
    if world.webhook.url:
        raise webhook_active()
    world.updates.allow(params.get("allowed_updates"))
    limit = min(max(params.get("limit", 100), 1), 100)
    timeout = min(max(params.get("timeout", 0), 0), LONGEST_POLL)
    return await world.updates.fetch(params.get("offset", 0), limit, timeout)


def set_webhook(world: World, params: Params) -> bool:
    """Deliver by POST from now on; an empty URL ends that. Only addresses of this machine."""
    url, secret = params.get("url", ""), params.get("secret_token", "")
    if not url:
        return delete_webhook(world, params)
    if not is_loopback(url):
        raise bad("bad webhook: the sandbox delivers to loopback addresses only")
    if secret and not SECRET.fullmatch(secret):
        raise bad("secret token contains unallowed characters")
    world.updates.allow(params.get("allowed_updates"))
    world.updates.interrupt("terminated by setWebhook request")
    if params.get("drop_pending_updates"):
        world.updates.clear()
    world.webhook.has_certificate = "certificate" in params
    world.webhook.set(
        url,
        secret_token=secret,
        max_connections=min(max(params.get("max_connections", 40), 1), 100),
        ip_address=params.get("ip_address"),
    )
    return True


def delete_webhook(world: World, params: Params) -> bool:
    """Back to polling; pending updates stay unless told otherwise."""
    world.webhook.set("", secret_token="", max_connections=40, ip_address=None)
    if params.get("drop_pending_updates"):
        world.updates.clear()
    return True


def get_webhook_info(world: World, params: Params) -> dict[str, Any]:
    """The receiver and how it does."""
    return world.webhook.info()


def leave_server(world: World, params: Params) -> bool:
    """logOut and close: nothing to do, the world stays."""
    return True


RECEIVING = {
    "getMe": get_me,
    "getUpdates": get_updates,
    "setWebhook": set_webhook,
    "deleteWebhook": delete_webhook,
    "getWebhookInfo": get_webhook_info,
    "logOut": leave_server,
    "close": leave_server,
}
