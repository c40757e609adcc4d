"""A post is written: made, changed, removed while nothing of it was seen, written once more.

What has appeared already is changed where it stands (services.after). Nothing is saved that Telegram would refuse.
"""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.models import ApiKey, User
from delivery import planning as schedules
from posts import loading
from posts.content import OPTIONS, Buttons, Entities, Medium, NotNow, Place, Poll, Problem, Refused, Stale
from posts.models import OUT, Post, PostMedia, PostTarget, State
from posts.services import after, checking, composing
from posts.services.access import may_post
from posts.services.rows import expire_hours, lock, note, store, targets_of

Target = PostTarget.State
OF_CONTENT = ("text", "entities", "media", "poll", "buttons")
NAMES = (*OF_CONTENT, "places", *OPTIONS)
OF_MEDIUM = tuple(field.name for field in fields(Medium))
# Of the options, what a message shows that is there already.
SHOWN = ("link_preview", "caption_above")


@transaction.atomic
def create_draft(
    author: User,
    *,
    text: str = "",
    entities: Entities | None = None,
    media: Sequence[Medium] = (),
    poll: Poll | None = None,
    buttons: Buttons = (),
    places: Sequence[Place] = (),
    via: str,
    now: datetime,
    by: User | None = None,
    key: ApiKey | None = None,
    assistant: Any = None,
    idempotency_key: str = "",
    idempotency_digest: str = "",
    **options: Any,
) -> Post:
    """Save a post that is not planned yet. ``entities`` None: ``text`` is Markdown.

    The same idempotency key of the same API key gives the post that it made (``replayed``). Raises Refused.
    """
    if (made := _made_before(key, idempotency_key, idempotency_digest)) is not None:
        return made
    wish = _wish({"text": text, "entities": entities, "media": list(media), "poll": poll, "buttons": buttons})
    _check(wish, _known(options), author)
    row = Post(
        author=author, created_by_key=key, created_by_assistant=assistant, idempotency_key=idempotency_key,
        idempotency_digest=idempotency_digest, created_at=now, updated_at=now, **options,
    )  # fmt: skip
    _put_content(row, wish)
    try:
        _save(row, wish["media"], places, now)
    except IntegrityError:
        # Somebody was quicker with the same key.
        if (made := _made_before(key, idempotency_key, idempotency_digest)) is None:
            raise
        return made
    note(row, "created", by=by or author, via=via, now=now, kind=str(row.kind))
    return row


@transaction.atomic
def _save(row: Post, media: Sequence[Medium], places: Iterable[Place], now: datetime) -> None:
    row.save(force_insert=True)
    _put_media(row, media, now)
    _put_places(row, places, now)


def create_poll_post(
    author: User,
    question: str,
    options: Sequence[str | dict[str, Any]],
    *,
    quiz: bool = False,
    correct: Iterable[int] = (),
    explanation: str = "",
    anonymous: bool = True,
    multiple: bool = False,
    open_seconds: int | None = None,
    **more: Any,
) -> Post:
    """A poll, or a quiz whose right answers are the options numbered ``correct`` (from 0).

    ``more``: of create_draft.
    """
    poll: Poll = {
        "question": question,
        "options": [{"text": option} if isinstance(option, str) else option for option in options],
        "quiz": quiz,
        "correct": list(correct),
        "explanation": explanation,
        "anonymous": anonymous,
        "multiple": multiple,
        "open_seconds": open_seconds,
    }
    return create_draft(author, poll=poll, **more)


def _made_before(key: ApiKey | None, idempotency_key: str, digest: str) -> Post | None:
    if not idempotency_key or key is None:
        return None
    rows = Post.objects.select_related("author", "created_by_key", "schedule")
    row = rows.filter(created_by_key=key, idempotency_key=idempotency_key).first()
    if row is not None and row.idempotency_digest != digest:
        text = _("This Idempotency-Key was used for another post. Send a new one.")
        raise Refused([Problem("Idempotency-Key", "idempotency-key-reused", text)])
    if row is not None:
        row.replayed = True
    return row


# --- changes --------------------------------------------------------------------------------------------------------


@transaction.atomic
def change_post(
    post: Post, *, by: User | None, via: str, now: datetime, version: int | None = None, **changes: Any
) -> Post:
    """Other values for NAMES; what is not named stays. What has appeared is edited wherever it stands.

    ``text`` without ``entities`` is Markdown. ``version``: only if it is this one. Raises Refused, NotNow, Stale.
    """
    held = lock(post)
    if version is not None and held.version != version:
        raise Stale
    _refuse_now(held)
    options = _known({name: value for name, value in changes.items() if name not in (*OF_CONTENT, "places")})
    wish = _wish(_content_of(held) | _rendered(changes))
    _check(wish, {name: getattr(held, name) for name in OPTIONS} | options, by if may_post(by) else held.author)
    before, before_places = _content_of(held), _places_of(held)
    changed = [name for name in OF_CONTENT if name in _rendered(changes) and wish[name] != before[name]]
    changed += [name for name, value in options.items() if getattr(held, name) != value]
    if held.state in OUT and set(changed) & {*OF_CONTENT, *SHOWN}:
        _check_edit(before, wish)
    _write(held, wish, options, changed, now)
    if "places" in changes and _put_places(held, changes["places"], now):
        changed.append("places")
        _check_places(held, before_places, now)
    if changed:
        note(held, "changed", by=by, via=via, now=now, fields=", ".join(sorted(changed)))
        store(post, held, now)
        after.follow(held, changed, by=by, now=now)
    return post


def _refuse_now(held: Post) -> None:
    if held.state == State.PUBLISHING:
        raise NotNow("sending-now", _("It is going out at this moment. Change it when it has arrived."))


def _rendered(changes: dict[str, Any]) -> dict[str, Any]:
    """What of the content is changed. New words bring their own formatting."""
    content = {name: changes[name] for name in OF_CONTENT if name in changes}
    return {"entities": None, **content} if "text" in content else content


def _write(held: Post, wish: dict[str, Any], options: dict[str, Any], changed: list[str], now: datetime) -> None:
    for name, value in options.items():
        setattr(held, name, value)
    if set(changed) & {*OF_CONTENT, *SHOWN}:
        held.revision += 1
        # It was checked as it was.
        held.warning, held.checked_at = "", None
    if set(changed) & set(OF_CONTENT):
        _put_content(held, wish)
    if "media" in changed:
        held.media.all().delete()
        _put_media(held, wish["media"], now)
    if "expire_hours" in changed and held.schedule is not None:
        schedules.tolerate(held.schedule, expire_hours(held) * 3600, held.schedule.catch_up)


def _places_of(held: Post) -> set[tuple[int, int]]:
    return {(target.chat_id, target.thread_id) for target in targets_of(held)}


def _check_places(held: Post, before: set[tuple[int, int]], now: datetime) -> None:
    """What is planned goes nowhere where it may not; what was wrong before is no fault of this change."""
    if held.state not in (State.SCHEDULED, State.HELD):
        return
    problems = [
        one
        for one in checking.check_post(held, now)
        if one.field == "targets" and (one.target is None or (one.target.chat.pk, one.target.thread) not in before)
    ]
    if problems:
        raise Refused(problems)


def _check_edit(before: dict[str, Any], wish: dict[str, Any]) -> None:
    """What cannot be changed in a message that is there."""
    problems = checking.check_edit((before["media"], before["poll"]), (wish["media"], wish["poll"]))
    if problems:
        raise Refused(problems)


# --- what a post is made of -----------------------------------------------------------------------------------------


def _known(options: dict[str, Any]) -> dict[str, Any]:
    if unknown := sorted(set(options) - set(OPTIONS)):
        raise TypeError(f"a post has no {', '.join(unknown)}")
    return options


def _content_of(post: Post) -> dict[str, Any]:
    return {
        "text": post.text,
        "entities": post.entities,
        "markdown": post.markdown,
        "media": media_of(post),
        "poll": post.poll,
        "buttons": post.buttons,
    }


def media_of(post: Post) -> list[Medium]:
    """Its files, as they were handed over."""
    rows = post.media.select_related("file").order_by("position")
    return [Medium(**{name: getattr(row, name) for name in OF_MEDIUM}) for row in rows]


def _wish(content: dict[str, Any]) -> dict[str, Any]:
    """``content`` with its Markdown rendered."""
    wish = {"markdown": "", **content}
    wish["media"], wish["buttons"] = list(wish["media"]), [list(row) for row in wish["buttons"] or () if row]
    wish["poll"] = wish["poll"] or None
    if wish["entities"] is None:
        wish["markdown"] = wish["text"]
        wish["text"], wish["entities"] = composing.render(wish["text"])
    elif "markdown" in content and not _is_same(content):
        wish["markdown"] = ""
    return wish


def _is_same(content: dict[str, Any]) -> bool:
    """Whether ``markdown`` is what ``text`` and ``entities`` were made of."""
    markdown: str = content["markdown"]
    return bool(markdown) and composing.render(markdown) == (content["text"], content["entities"])


def _check(wish: dict[str, Any], options: dict[str, Any], author: User | None) -> None:
    problems = checking.check_characters(wish) or list(
        checking.check_content(wish["text"], wish["entities"], wish["media"], wish["poll"], wish["buttons"], options)
    )
    if author is not None and not may_post(author):
        text = _("This person may not post. An admin can make them an editor.")
        problems.append(Problem("author", "may-not-post", text))
    if problems:
        raise Refused(problems)


def _put_content(row: Post, wish: dict[str, Any]) -> None:
    row.text, row.entities, row.markdown = wish["text"], wish["entities"], wish["markdown"]
    row.poll, row.buttons = wish["poll"], wish["buttons"]
    row.kind = composing.kind_of(wish["media"], wish["poll"])


def _put_media(row: Post, media: Sequence[Medium], now: datetime) -> None:
    PostMedia.objects.bulk_create(
        PostMedia(post=row, position=number, **{name: getattr(medium, name) for name in OF_MEDIUM})
        for number, medium in enumerate(media)
    )
    loading.fetch_later(row, now)


def _put_places(row: Post, places: Iterable[Place], now: datetime) -> bool:
    """Let it appear in ``places``, each once; whether that is news. Not while something of it is somewhere, or may be.

    Raises Refused and NotNow.
    """
    wanted = list(dict.fromkeys((place.chat.pk, place.thread) for place in places))
    there = {(target.chat_id, target.thread_id): target for target in targets_of(row)}
    if list(there) == wanted:
        return False
    if row.state in OUT:
        text = _("It has been published. For other chats, repeat it as a new post.")
        raise NotNow("published", text)
    for target in there.values():
        _refuse_unknown(target)
    for place, target in there.items():
        if place not in wanted:
            target.delete()
    for position, (chat, thread) in enumerate(wanted):
        PostTarget.objects.update_or_create(
            post=row, chat_id=chat, thread_id=thread,
            defaults={"position": position}, create_defaults={"position": position, "updated_at": now},
        )  # fmt: skip
    return True


def _refuse_unknown(target: PostTarget) -> None:
    """If it is there, the post is out, and no other chat would get it any more."""
    if target.state == Target.UNKNOWN:
        text = _("Nobody knows whether it appeared in “%(chat)s”. Say first whether it is there.")
        raise NotNow("unknown-target", text % {"chat": target.chat})


# --- away, and once more --------------------------------------------------------------------------------------------


@transaction.atomic
def delete_draft(post: Post, *, by: User | None, via: str, now: datetime) -> bool:
    """Remove a post of which nothing appeared, with all that was planned. False when it is gone already.

    Raises NotNow: it is to be seen somewhere, or may be.
    """
    try:
        held = lock(post)
    except Post.DoesNotExist:
        return False
    _refuse_now(held)
    if any(target.state in (*PostTarget.APPEARED, Target.UNKNOWN) for target in targets_of(held)):
        text = _("It has appeared, so its record stays. Delete it from the chats instead.")
        raise NotNow("published", text)
    note(held, "deleted", by=by, via=via, now=now)
    after.drop_schedules(held, now)
    held.delete()
    return True


@transaction.atomic
def repeat_post(post: Post, *, by: User | None, via: str, now: datetime, key: ApiKey | None = None) -> Post:
    """The same once more, as a new draft with the same files, places and options; ``key``: the one that asks for it,
    whose webhook hears of it. Raises Refused."""
    author = by if by is not None and may_post(by) else post.author
    if author is None:
        text = _("Nobody is its author any more. Write it anew.")
        raise Refused([Problem("author", "may-not-post", text)])
    row = create_draft(
        author,
        text=post.text,
        entities=post.entities,
        media=media_of(post),
        poll=post.poll,
        buttons=post.buttons,
        places=[Place(target.chat, target.thread_id) for target in targets_of(post)],
        by=by,
        via=via,
        now=now,
        key=key,
        **{name: getattr(post, name) for name in OPTIONS},
    )
    row.repeat_of, row.markdown = post, post.markdown
    row.save(update_fields=["repeat_of", "markdown"])
    return row
