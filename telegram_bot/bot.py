"""Handlers of the house itself: who you are, who may come in, whether the bot is there; and the meaning of buttons."""

from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from telegram import Update
from telegram.ext import CallbackQueryHandler, ChatMemberHandler, CommandHandler, filters

from accounts import services as accounts
from accounts.models import Access, Chat, Invite, Language, Role, User
from core.db import in_db
from telegram_bot import access, commands, outgoing, trouble
from telegram_bot.application import App, Context, on_button
from telegram_bot.incoming import Incoming
from telegram_bot.models import Button
from telegram_bot.outgoing import Key, Place


def register(application: App) -> None:
    application.add_error_handler(trouble.on_error)
    for name, handler in (
        ("start", start),
        ("help", help_),
        ("ping", ping),
        ("whoami", whoami),
        ("language", language),
        ("admin", admin),
    ):
        application.add_handler(CommandHandler(name, handler, filters.UpdateType.MESSAGE))
    application.add_handler(CallbackQueryHandler(press, pattern=r"^b:"))
    application.add_handler(ChatMemberHandler(membership, ChatMemberHandler.MY_CHAT_MEMBER))
    on_button(application, "access", decide, toasts=True)
    on_button(application, "language", choose_language)


async def start(_update: Update, context: Context) -> None:
    name = context.incoming.user.first_name or context.incoming.user.name
    # Their menu too: an invitation or an operator may have changed the role since.
    await in_db(commands.show_to, context.incoming.user)
    await context.reply(
        _("Hello, %(name)s! Ask me anything, or choose a model with /models. All I can do: /help.")
        % {"name": access.escaped(name)}
    )


async def help_(_update: Update, context: Context) -> None:
    role = Role(context.incoming.user.role)
    lines = [f"/{item['command']} · {item['description']}" for item in commands.menu(role, translation.get_language())]
    text = _("Just write, and I will answer. Edit your question, and I will answer it anew; ⏹ stops an answer.")
    await context.reply(text + "\n\n" + "\n".join(lines))


async def ping(_update: Update, context: Context) -> None:
    await context.reply(_("Bot ready"))


async def whoami(_update: Update, context: Context) -> None:
    user = context.incoming.user
    lines = [
        access.described(user),
        _("Role: %(role)s") % {"role": user.get_role_display()},
        _("Language: %(language)s") % {"language": Language(context.incoming.language).label},
    ]
    if not context.incoming.chat.is_private:
        lines.append(_("This chat: `%(id)d`") % {"id": context.incoming.chat_id})
    await context.reply("\n".join(lines))


async def language(_update: Update, context: Context) -> None:
    keys = [Key(label, "language", {"code": code}) for code, label in Language.choices]
    await context.reply(_("Which language do you prefer?"), [keys])


async def choose_language(context: Context, button: Button) -> None:
    user = context.incoming.user
    await in_db(_set_language, user, button.data["code"])
    with translation.override(user.language):
        await context.reply(_("Good, English it is."), edit=context.pressed_message)


@transaction.atomic
def _set_language(user: User, code: str) -> None:
    accounts.set_language(user, code)
    commands.show_to(user)


# --- access ---------------------------------------------------------------------------------------------------------

INVITE_HOURS = 48
MOST_INVITE_HOURS = 24 * 30
VERBS = {"approve": Access.ACTIVE, "reject": Access.REJECTED, "block": Access.BLOCKED}


async def admin(_update: Update, context: Context) -> None:
    """``/admin approve|reject|block <telegram id>``, ``/admin invite [role] [hours]``; without words: who waits."""
    incoming = context.incoming
    if not incoming.user.is_bot_admin:
        await context.reply(_("This is for admins."))
        return
    words = list(context.args or [])
    if not words:
        await context.reply(await in_db(_waiting_list))
    elif len(words) == 2 and words[0].lower() in VERBS and words[1].isdecimal():
        await context.reply(await in_db(_decide_by_id, incoming, int(words[1]), VERBS[words[0].lower()]))
    elif words[0].lower() == "invite" and (wanted := _invitation(words[1:])) is not None:
        await _invite(context, *wanted)
    else:
        await context.reply(
            _("Write `/admin approve <id>`, `/admin reject <id>`, `/admin block <id>` or `/admin invite member 24`.")
        )


def _invitation(words: list[str]) -> tuple[Role, int] | None:
    """Role and hours of ``[role] [hours]``; None when the words say something else."""
    role = words.pop(0).lower() if words and not words[0].isdecimal() else Role.MEMBER
    hours = int(words.pop(0)) if words and words[0].isdecimal() else INVITE_HOURS
    return (Role(role), hours) if role in Role.values and 0 < hours <= MOST_INVITE_HOURS and not words else None


async def _invite(context: Context, role: Role, hours: int) -> None:
    """Say the link at once and not through the outbox, whose rows keep what they say: it is shown once."""
    invite, token = await in_db(_create_invite, context.incoming.user, role, hours)
    text = _("An invitation for one person, role %(role)s, good for %(hours)d h:") % {
        "role": invite.get_role_display(),
        "hours": hours,
    }
    link = f"https://t.me/{context.bot.username}?start={token}"
    place = context.place
    await context.bot.send_message(place.chat_id, f"{text}\n{link}", message_thread_id=place.thread or None)


def _create_invite(by: User, role: Role, hours: int) -> tuple[Invite, str]:
    return accounts.create_invite(role=role, hours=hours, by=by, now=timezone.now())


def _waiting_list() -> str:
    waiting = list(User.objects.filter(status=Access.PENDING, requested_at__isnull=False).order_by("requested_at")[:20])
    if not waiting:
        return _("Nobody waits for access.")
    return _("Waiting for access:") + "\n" + "\n".join(f"• {access.described(user)}" for user in waiting)


def _decide_by_id(incoming: Incoming, telegram_id: int, status: Access) -> str:
    user = User.objects.by_telegram(telegram_id)
    if user is None:
        return _("I do not know anybody with the id %(id)d.") % {"id": telegram_id}
    return _decide(user, status, incoming.user)


def _decide(target: User | Chat, status: Access, by: User) -> str:
    now = timezone.now()
    try:
        if isinstance(target, User):
            changed = accounts.decide(target, status, by=by, via="bot", now=now)
        else:
            changed = accounts.decide_chat(target, status, by=by, via="bot", now=now)
    except accounts.LastAdmin:
        return _("You are the only admin. Make somebody else an admin first.")
    if not changed:
        return _already(target)
    return f"{access.MARKS[Access(target.status)]} {access.escaped(str(target))}: {Access(target.status).label}"


def _already(target: User | Chat) -> str:
    names = {"name": access.escaped(str(target)), "status": Access(target.status).label}
    return _("Already decided: %(name)s, %(status)s.") % names


async def decide(context: Context, button: Button) -> None:
    """Approve, Reject, Block on a card. Two admins may press at once: the first decides, the other is told."""
    if not context.incoming.user.is_bot_admin:
        await context.toast(_("This is for admins."), alert=True)
        return
    answer = await in_db(_decide_button, context.incoming, button)
    await context.toast(answer.replace("\\", ""))


def _decide_button(incoming: Incoming, button: Button) -> str:
    model: type[User] | type[Chat] = User if button.data["kind"] == "user" else Chat
    target = model.objects.filter(pk=button.data["id"]).first()
    if target is None:
        return _("There is no such request any more.")
    if target.status != Access.PENDING:
        # The card asks about a request. Who pressed a moment later meant the request, not to overturn the answer.
        return _already(target)
    return _decide(target, Access(button.data["status"]), incoming.user)


# --- buttons --------------------------------------------------------------------------------------------------------


async def press(update: Update, context: Context) -> None:
    """Find out what a press means and whether this person may; then the action's handler does it."""
    query = update.callback_query
    assert query is not None
    assert query.data is not None
    button = await in_db(_button, query.data.removeprefix("b:"))
    if button is None or not _still_means(button, context):
        await context.toast(_("This button is too old. Ask for it again."))
        return
    if button.owner_id not in (None, context.incoming.user.pk):
        await context.toast(_("This button is somebody else's."))
        return
    handler, toasts = context.application.bot_data["actions"][button.action]
    if not toasts:
        await context.toast()
    await handler(context, button)


def _button(key: str) -> Button | None:
    return Button.objects.filter(pk=key).first()


def _still_means(button: Button, context: Context) -> bool:
    here = button.chat_id in (None, context.incoming.chat_id)
    return here and button.expires_at > timezone.now() and button.action in context.application.bot_data["actions"]


# --- chats ----------------------------------------------------------------------------------------------------------


async def membership(update: Update, context: Context) -> None:
    """The bot was added, removed, blocked or let in again."""
    change = update.my_chat_member
    assert change is not None
    await in_db(_membership, context.incoming, change.new_chat_member.status)


@transaction.atomic
def _membership(incoming: Incoming, status: str) -> None:
    if status in ("left", "kicked"):
        accounts.mark_unreachable(
            incoming.bot_id,
            incoming.chat_id,
            "bot was blocked by the user" if incoming.chat.is_private else f"bot is {status}",
        )
        return
    accounts.mark_reachable(incoming.bot_id, incoming.chat_id)
    chat = incoming.chat
    if chat.is_private or chat.allowed or incoming.in_admin_chat or not incoming.user.may_use:
        return
    if accounts.request_chat(chat, incoming.user, timezone.now()) and chat.kind != "channel":
        place = Place(incoming.bot_id, incoming.chat_id)
        outgoing.say(
            f"hello:{incoming.key}", place, _("Hello! As soon as the admins approve this group, I am here for you.")
        )
