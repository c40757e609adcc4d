"""People and access: who waits, who is in, decisions by command and on the card, roles, invitations."""

from django.db.models import Count, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import services as accounts
from accounts.models import Access, Chat, Role, User
from core.db import in_db
from telegram_bot import access, runtime
from telegram_bot.admin_chat.command import Asked, View, home_keys, key, pages
from telegram_bot.application import Context
from telegram_bot.models import Button
from telegram_bot.outgoing import Key

VIA = "chat"
PAGE = 10
WAITING = 20
INVITE_HOURS = 48
MOST_INVITE_HOURS = 24 * 30


def home(_asked: Asked) -> View:
    """Who waits, and a keyboard to everything else."""
    waiting = list(_of(Access.PENDING)[:WAITING])
    if not waiting:
        return View(_("Nobody waits for access."), home_keys(), back=None)
    lines = [_("Waiting for access:"), *(f"• {access.described(user)}" for user in waiting)]
    return View("\n".join(lines), home_keys(), back=None)


def _of(status: Access) -> QuerySet[User]:
    people = User.objects.filter(status=status, telegram_id__isnull=False)
    if status == Access.PENDING:
        return people.filter(requested_at__isnull=False).order_by("requested_at")
    return people.order_by("first_name", "pk")


# --- lists ----------------------------------------------------------------------------------------------------------


def users(asked: Asked) -> View | None:
    """``users``: how many of each; ``users <status> [page]``: who."""
    if not asked.words:
        return _counts()
    status, *rest = asked.words
    page = int(rest[0]) if len(rest) == 1 and rest[0].isdecimal() else 1
    if status.lower() not in Access.values or len(rest) > 1 or (rest and not rest[0].isdecimal()):
        return None
    return _listed(Access(status.lower()), page)


def _counts() -> View:
    rows = User.objects.filter(telegram_id__isnull=False).values_list("status").annotate(Count("pk"))
    # Whom an update showed but who never asked is nobody's business yet.
    counted = dict(rows) | {Access.PENDING: _of(Access.PENDING).count()}
    keys = [
        key(f"{access.MARKS[status]} {access.label(status)} · {counted.get(status, 0)}", "users", status)
        for status in Access
    ]
    return View(_("Whom shall I show?"), [keys[:2], keys[2:]])


def _listed(status: Access, page: int) -> View:
    people = _of(status)
    count = people.count()
    most = max(1, -(-count // PAGE))
    page = min(max(1, page), most)
    shown = list(people[(page - 1) * PAGE : page * PAGE])
    lines = [f"{access.MARKS[status]} **{access.label(status)}**: {count}"]
    lines += [f"• {access.described(user)} · {user.get_role_display()}" for user in shown]
    keys = [_deciding(user) for user in shown] if status == Access.PENDING else []
    return View("\n".join(lines), [*keys, pages(page, most, "users", status)], back="users")


def _deciding(user: User) -> list[Key]:
    return [
        key(f"✅ {user.name[:30]}", "approve", user.telegram_id),
        key("🚫", "reject", user.telegram_id),
        key("⛔", "block", user.telegram_id),
    ]


# --- decisions ------------------------------------------------------------------------------------------------------


def decide(status: Access, asked: Asked) -> View | None:
    """``approve|reject|block <telegram id>``"""
    if asked.number is None or len(asked.words) != 1:
        return None
    user = User.objects.by_telegram(asked.number)
    said = _decided(user, status, asked) if user is not None else _stranger(asked.number)
    return View(said, back="users pending")


def _stranger(telegram_id: int) -> str:
    return _("I do not know anybody with the id %(id)d.") % {"id": telegram_id}


def _decided(target: User | Chat, status: Access, asked: Asked) -> str:
    try:
        if isinstance(target, User):
            changed = accounts.decide(target, status, by=asked.by, via=VIA, now=asked.now)
        else:
            changed = accounts.decide_chat(target, status, by=asked.by, via=VIA, now=asked.now)
    except accounts.LastAdmin:
        return _("You are the only admin. Make somebody else an admin first.")
    if not changed:
        return _already(target)
    return f"{access.MARKS[Access(target.status)]} {access.escaped(str(target))}: {access.label(target.status)}"


def _already(target: User | Chat) -> str:
    names = {"name": access.escaped(str(target)), "status": access.label(target.status)}
    return _("Already decided: %(name)s, %(status)s.") % names


async def press_card(context: Context, button: Button) -> None:
    """Approve, Reject, Block on a card. Two admins may press at once: the first decides, the other is told."""
    if not context.incoming.user.is_bot_admin:
        await context.toast(_("This is for admins."), alert=True)
        return
    answer = await in_db(_decide_card, context, button)
    await context.toast(answer.replace("\\", ""))


def _decide_card(context: Context, button: Button) -> str:
    model: type[User] | type[Chat] = User if button.data["kind"] == "user" else Chat
    target = model.objects.filter(pk=button.data["id"]).first()
    if target is None:
        return _("There is no such request any more.")
    if target.status != Access.PENDING:
        # The card asks about a request. Who pressed a moment later meant the request, not to overturn the answer.
        return _already(target)
    asked = Asked(context.incoming.user, context.place, (), timezone.now())
    return _decided(target, Access(button.data["status"]), asked)


# --- roles ----------------------------------------------------------------------------------------------------------


def role(asked: Asked) -> View | None:
    """``role <telegram id> [role]``; without a role, the choice."""
    number, wanted = asked.number, [word.lower() for word in asked.words[1:]]
    if number is None or len(wanted) > 1 or not set(wanted) <= set(Role.values):
        return None
    user = User.objects.by_telegram(number)
    if user is None:
        return View(_stranger(number))
    if not wanted:
        keys = [key(str(choice.label), "role", number, choice) for choice in Role]
        return View(f"{access.described(user)}: {user.get_role_display()}", [keys], back="users")
    return View(_given(user, Role(wanted[0]), asked), back="users")


def _given(user: User, wanted: Role, asked: Asked) -> str:
    try:
        changed = accounts.set_role(user, wanted, by=asked.by, via=VIA, now=asked.now)
    except accounts.LastAdmin:
        return _("You are the only admin. Make somebody else an admin first.")
    names = {"name": access.escaped(user.name), "role": Role(user.role).label}
    return (
        _("✅ %(name)s: the role is %(role)s now.") if changed else _("%(name)s has the role %(role)s already.")
    ) % names


# --- invitations ----------------------------------------------------------------------------------------------------


def invite(asked: Asked) -> View | None:
    """``invite [role] [hours]``: the link is said once and stands in no row."""
    wanted = _invitation(list(asked.words))
    return None if wanted is None else _invited(asked, *wanted)


def invite_admin(asked: Asked) -> View | None:
    wanted = _invitation([Role.ADMIN, *asked.words])
    return None if wanted is None else _invited(asked, *wanted)


def _invitation(words: list[str]) -> tuple[Role, int] | None:
    """Role and hours of ``[role] [hours]``; None when the words say something else."""
    role = words.pop(0).lower() if words and not words[0].isdecimal() else Role.MEMBER
    hours = int(words.pop(0)) if words and words[0].isdecimal() else INVITE_HOURS
    return (Role(role), hours) if role in Role.values and 0 < hours <= MOST_INVITE_HOURS and not words else None


def _invited(asked: Asked, role: Role, hours: int) -> View:
    invitation, token = accounts.create_invite(role=role, hours=hours, by=asked.by, now=asked.now)
    text = _("An invitation for one person, role %(role)s, good for %(hours)d h:") % {
        "role": invitation.get_role_display(),
        "hours": hours,
    }
    return View(f"{text}\nhttps://t.me/{runtime.bot().username}?start={token}", once=True)
