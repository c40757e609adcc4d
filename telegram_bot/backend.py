"""TelegramBackend: one Delivery becomes one call of the Bot API.

``content`` is ``{"method": …, "params": …}`` as the Bot API names them; ``edit_of`` instead of a message id names the
delivery whose message is edited; ``upload`` is one file, ``uploads`` are several (telegram_bot/uploads.py). ``exact``:
it goes as it stands or not at all; nothing is mended, dropped, or said elsewhere instead. What Telegram answers is
turned into what follows (https://core.telegram.org/bots/api, error texts as observed; compared in lower case because
python-telegram-bot changes their case).
"""

import re
from typing import Any

import structlog
from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    EndPointNotFound,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)

from accounts import services as accounts
from core.db import in_db
from core.http import is_transport, never_left
from delivery.errors import WAITING, DeliveryError
from delivery.models import Delivery
from delivery.services import Sent
from telegram_bot import outgoing, runtime, uploads
from telegram_bot.limiter import RESERVED, Limiter, seconds_of
from telegram_bot.markdown import MESSAGE_UNITS, units

log = structlog.get_logger(__name__)

Params = dict[str, Any]
Call = tuple[str, Params]

# Texts of a 400 after which the chat takes nothing from us: as a 403.
NO_ENTRY = ("chat not found", "not enough rights", "have no rights", "need administrator rights",
            "chat_write_forbidden", "peer_id_invalid", "user is deactivated")  # fmt: skip
NO_TOPIC = ("message thread not found", "topic_closed", "topic_deleted")
DELETED = "message to delete not found"
STAYS = "message can't be deleted"
GONE = ("message to edit not found", "message can't be edited", "message_id_invalid")
# Of these the message itself is not there any more: "message to pin not found", "message with poll to stop not found".
MISSING = re.compile(r"message( with poll)? to \w+ not found|message_id_invalid")
# What was wanted is so.
SO_ALREADY = ("message is not modified", "poll has already been closed")
# One kind of message, or a pin, is not allowed; another message may pass.
NOT_THIS = ("not enough rights", "have no rights")


async def room(lane: str) -> None:
    """Wait until Telegram takes another message in the chat of ``lane``, before one is claimed: what waits only for
    its turn must not look, after a crash, as if it were on its way."""
    for limiter, chat_id in _limits(lane):
        await limiter.room(chat_id)


def give_back(lane: str) -> None:
    """The turn was not used: there was nothing to send, or it waits for another message."""
    for limiter, chat_id in _limits(lane):
        limiter.give_back(chat_id)


def _limits(lane: str) -> list[tuple[Limiter, int]]:
    """What counts the messages of ``lane``: nothing for lanes that are no chat's."""
    chat_id = int(lane.rpartition(":")[2])
    if not chat_id or not runtime.is_running():
        return []
    limiter = runtime.bot().rate_limiter
    return [(limiter, chat_id)] if isinstance(limiter, Limiter) else []


async def send(delivery: Delivery) -> Sent:
    """Send ``delivery``, for which ``room`` was made; raises DeliveryError."""
    params = dict(delivery.content["params"])
    method = delivery.content["method"]
    if reference := delivery.content.get("edit_of"):
        params |= await in_db(_message_of, reference)
        if method == "deleteMessage" and not params["message_id"]:
            return Sent()  # one person saw it, and only for a while
    if delivery.repeated and method == "sendMessage" and not delivery.content.get("exact"):
        params = _marked(params)
    freight = uploads.Freight(uploads.in_content(delivery.content), delivery.bot_id)
    if not freight.uploads:
        return await _send(delivery, method, params, freight)
    await in_db(freight.look)
    with freight.under_way():
        if not freight.is_known:
            # Who brought them a moment ago may have told since.
            await in_db(freight.look)
        return await _send(delivery, method, params, freight)


async def _send(delivery: Delivery, method: str, params: Params, freight: uploads.Freight) -> Sent:
    # Each round mends one thing (entities, reply, target, a file's id); what cannot be mended raises.
    for attempt in range(5):
        turn = RESERVED if attempt == 0 else None
        filled = await in_db(freight.fill, method, params) if freight.uploads else params
        try:
            answer = await runtime.bot().do_api_request(
                method, api_kwargs=filled, rate_limit_args=turn, **freight.patience
            )
        except ChatMigrated as error:
            there = await _moved(delivery, method, params, error)
            if there is None:
                return Sent()
            method, params = there
        except BadRequest as error:
            refusal = str(error).lower()
            if freight.bring_anew(refusal):
                continue
            mended = _mended(delivery, method, params, refusal)
            if mended is None:
                return Sent(params.get("message_id"))
            method, params = mended or await _refuse(delivery, error)
        except (Forbidden, TelegramError) as error:
            await _refuse(delivery, error)
        else:
            if freight.uploads:
                await in_db(freight.remember, answer)
            return _sent(delivery, params, answer)
    raise DeliveryError("rejected", "Telegram refused every form of this message.", permanent=True)


def _sent(delivery: Delivery, params: Params, answer: Any) -> Sent:
    """The message's number; of an exact one the numbers of all, and of a poll its id; where it went, if not there."""
    messages = [message for message in (answer if isinstance(answer, list) else [answer]) if isinstance(message, dict)]
    numbers = [message["message_id"] for message in messages if "message_id" in message]
    result: dict[str, Any] = {}
    if params.get("chat_id") != delivery.content["params"].get("chat_id"):
        result["chat_id"] = params["chat_id"]
    if delivery.content.get("exact"):
        result["message_ids"] = numbers
        if messages and "poll" in messages[0]:
            result["poll_id"] = messages[0]["poll"]["id"]
    return Sent(numbers[0] if numbers else None, result)


def _message_of(key: str) -> dict[str, Any]:
    """The number of that delivery's message, and the chat it went to if its group had become a supergroup."""
    row = Delivery.objects.filter(key=key).only("message_id", "state", "result").first()
    if row is None or (row.message_id is None and row.state not in Delivery.OPEN):
        raise DeliveryError("nothing to edit", f"{key} has no message.", permanent=True)
    if row.message_id is None:
        raise DeliveryError(WAITING, f"{key} is not sent yet.", retry_after=1.0)
    moved = {"chat_id": row.result["chat_id"]} if "chat_id" in row.result else {}
    return {"message_id": row.message_id, **moved}


def _marked(params: Params) -> dict[str, Any]:
    """Say that this may be a repetition; entities move along."""
    mark = _("↻ possibly a repetition") + "\n"
    if units(mark) + units(params["text"]) > MESSAGE_UNITS:
        return params
    moved = [{**entity, "offset": entity["offset"] + units(mark)} for entity in params.get("entities", [])]
    return {**params, "text": mark + params["text"], "entities": moved}


async def _moved(delivery: Delivery, method: str, params: Params, error: ChatMigrated) -> Call | None:
    """As `_in_supergroup`, once it is known where the group went."""
    await in_db(_migrated, delivery.bot_id, params["chat_id"], error.new_chat_id)
    if delivery.content.get("exact") and not method.startswith("send"):
        raise DeliveryError("gone", str(error), permanent=True) from error
    return _in_supergroup(method, params, error.new_chat_id)


def _migrated(bot_id: int, old: int, new: int) -> None:
    accounts.migrate_chat(bot_id, old, new)
    if old != settings.ADMIN_CHAT_ID:
        return
    with translation.override(settings.LANGUAGE_CODE):
        text = _("This group is a supergroup now. Please put its new id into .env and start the bot anew: `%(line)s`")
        line = f"ADMIN_CHAT_ID={new}"
        outgoing.say(f"moved:{new}", outgoing.Place(bot_id, new), text % {"line": line}, source="notice")


def _in_supergroup(method: str, params: Params, chat_id: int) -> Call | None:
    """The call for what the group has become. A number of a message of the group would name another one there: what
    was to be edited is said anew, what was to be deleted or marked is let be (None)."""
    kept = {name: value for name, value in params.items() if name not in ("message_id", "reply_parameters")}
    if "message_id" in params and method != "editMessageText":
        return None
    return "sendMessage" if "message_id" in params else method, {**kept, "chat_id": chat_id}


def _mended(delivery: Delivery, method: str, params: Params, text: str) -> Call | tuple[()] | None:
    """As `_mend`; of what is exact only that which is so already counts as done. Raises DeliveryError."""
    if delivery.content.get("exact"):
        return None if any(known in text for known in SO_ALREADY) else ()
    # Own words that were meant to go: their stay harms nobody. A person's message is another matter.
    if method == "deleteMessage" and delivery.content.get("edit_of") and STAYS in text:
        return None
    return _mend(method, params, text)


def _mend(method: str, params: Params, text: str) -> Call | tuple[()] | None:
    """The call to make instead; None when nothing needs to be done; () when it cannot be mended."""
    if "message is not modified" in text or (method == "deleteMessage" and DELETED in text):
        return None
    if "ephemeral_message_parameters" in params:
        return method, {key: value for key, value in params.items() if key != "ephemeral_message_parameters"}
    if ("can't parse" in text or "entit" in text) and params.get("entities"):
        return method, {key: value for key, value in params.items() if key != "entities"}
    if "message to be replied not found" in text and "reply_parameters" in params:
        return method, {key: value for key, value in params.items() if key != "reply_parameters"}
    if method == "sendPhoto" and any(known in text for known in uploads.NO_PHOTO):
        return "sendDocument", params
    if method == "editMessageText" and any(known in text for known in GONE):
        return "sendMessage", {key: value for key, value in params.items() if key != "message_id"}
    return ()


async def _refuse(delivery: Delivery, error: TelegramError) -> Call:
    """Raise what ``error`` means; a chat that takes nothing from us is recorded as unreachable."""
    meaning = meaning_of(error)
    text = str(error).lower()
    if delivery.content.get("exact") and isinstance(error, BadRequest):
        meaning = _exactly(meaning, text)
    only_this = delivery.content.get("exact") and any(known in text for known in NOT_THIS)
    if meaning.kind == "forbidden" and not only_this:
        await in_db(accounts.mark_unreachable, delivery.bot_id, delivery.chat_id or 0, str(error))
    raise meaning from error


def _exactly(meaning: DeliveryError, text: str) -> DeliveryError:
    """What a refusal (in lower case) means for what may not be mended: the message is gone, or a file is not taken."""
    if MISSING.search(text):
        return DeliveryError("gone", meaning.message, permanent=True)
    if uploads.is_about_file(text):
        return DeliveryError("file", meaning.message, permanent=True)
    return meaning


def meaning_of(error: TelegramError) -> DeliveryError:
    """What a Telegram error means for a delivery. BadRequest is a NetworkError: it is looked at first."""
    text = str(error).lower()
    if isinstance(error, RetryAfter):
        return DeliveryError("flood", str(error), retry_after=seconds_of(error) + 0.2)
    if isinstance(error, Forbidden) or (isinstance(error, BadRequest) and any(known in text for known in NO_ENTRY)):
        return DeliveryError("forbidden", str(error), permanent=True)
    if isinstance(error, BadRequest):
        kind = "topic" if any(known in text for known in NO_TOPIC) else "rejected"
        return DeliveryError(kind, str(error), permanent=True)
    if isinstance(error, InvalidToken | EndPointNotFound):
        # The poll loop finds out whether the token is revoked; the message waits.
        return DeliveryError("token", str(error), retry_after=30.0)
    if isinstance(error, Conflict):
        return DeliveryError("conflict", str(error))
    if isinstance(error, TimedOut | NetworkError):
        return DeliveryError("network", str(error), doubt=not _never_left(error))
    return DeliveryError("telegram", str(error), doubt="invalid server response" in text)


def _never_left(error: NetworkError) -> bool:
    """No connection was made, or Telegram itself answered that it failed."""
    return never_left(error.__cause__) or not is_transport(error.__cause__)
