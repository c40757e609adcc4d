"""What an operator may do with a post: a table of verbs, each asked for in a dialog and done by ``posts.services``.

A refusal is said in the dialog, at the field that it is about; nothing changes by a GET.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.enums import ActionVariant

from accounts.pages import VIA, operator
from core.admin import back, list_url
from core.show import Text
from posts import services
from posts.admin_dialogs import Ask, CancelForm, FailedForm, PublishForm, SentForm, ThereForm, UnknownForm, WhenForm
from posts.content import NotNow, Problem, Refused, Stale
from posts.models import OUT, UNSENT, Kind, Post, PostTarget, State
from posts.pages import title_of
from posts.services.after import DELETABLE
from posts.services.times import note_on

Place = PostTarget.State
P = TypeVar("P", bound=type)


@dataclass(frozen=True)
class Done:
    """What the operator reads, and where they go; empty: where they were. Nothing said: nothing was changed."""

    said: str = ""
    address: str = ""


@dataclass(frozen=True)
class Deed:
    """``act(post, form, request, now)`` calls the service. ``offered``: whether it does something as things stand."""

    name: str
    title: Text
    question: Text
    icon: str
    form: type[Ask]
    act: Callable[[Post, Any, HttpRequest, datetime], Done]
    offered: Callable[[Post, Sequence[PostTarget]], bool]
    variant: ActionVariant = ActionVariant.DEFAULT
    right: str = "operate"
    # Problem's field -> the dialog's.
    fields: tuple[tuple[str, str], ...] = ()

    @property
    def path(self) -> str:
        return self.name.replace("_", "-")


def _who(request: HttpRequest, now: datetime) -> dict[str, Any]:
    return {"by": operator(request), "via": VIA, "now": now}


def _publish(post: Post, form: Any, request: HttpRequest, now: datetime) -> Done:
    done = services.publish_post(post, **_who(request, now), version=form.cleaned_data["version"])
    return Done(gettext("It is going out.") if done else "")


def _schedule(post: Post, form: Any, request: HttpRequest, now: datetime) -> Done:
    zone, version = form.cleaned_data["zone"], form.cleaned_data["version"]
    try:
        services.schedule_post(post, form.at, zone, **_who(request, now), version=version)
    except services.NoSuchTime as gap:
        form.offer(gap.wall)
        raise
    return Done(" ".join(filter(None, [gettext("It is planned."), note_on(post.wall_time, post.zone)])))


def _cancel(post: Post, form: Any, request: HttpRequest, now: datetime) -> Done:
    done = services.cancel_post(post, form.cleaned_data["reason"], **_who(request, now))
    return Done(gettext("It is called off.") if done else "")


def _retry(post: Post, form: Any, request: HttpRequest, now: datetime) -> Done:
    count = services.retry_failed(post, **_who(request, now), targets=form.targets)
    text = ngettext("It is sent again in %(n)d chat.", "It is sent again in %(n)d chats.", count) % {"n": count}
    return Done(text if count else "")


def _there(post: Post, form: Any, request: HttpRequest, now: datetime) -> Done:
    known = [form.cleaned_data["number"]] if "number" in form.cleaned_data else []
    done = [services.resolve(row, there=True, **_who(request, now), message_ids=known) for row in form.targets]
    return Done(gettext("Good: it is there.") if any(done) else "")


def _again(post: Post, form: Any, request: HttpRequest, now: datetime) -> Done:
    done = sum(services.resolve(row, there=False, **_who(request, now)) for row in form.targets)
    text = ngettext("It is sent again in %(n)d chat.", "It is sent again in %(n)d chats.", done) % {"n": done}
    return Done(text if done else "")


def _delete_everywhere(post: Post, form: Any, request: HttpRequest, now: datetime) -> Done:
    count = services.delete_everywhere(post, **_who(request, now), targets=form.targets)
    text = ngettext("It is being deleted from %(n)d chat.", "It is being deleted from %(n)d chats.", count)
    old = any(row.sent_at is not None and now - row.sent_at >= DELETABLE for row in form.targets)
    late = gettext("Telegram lets bots delete a message within 48 hours only. Delete it there by hand.") if old else ""
    if late and not count:
        raise NotNow("too-old", late)
    return Done(f"{text % {'n': count}} {late}".strip() if count else "")


def _stop_poll(post: Post, form: Any, request: HttpRequest, now: datetime) -> Done:
    return Done(gettext("The poll is being closed.") if services.stop_poll(post, **_who(request, now)) else "")


def _repeat(post: Post, form: Any, request: HttpRequest, now: datetime) -> Done:
    draft = services.repeat_post(post, **_who(request, now))
    return Done(gettext("This is the new draft."), reverse("admin:posts_post_change", args=[draft.pk]))


def _remove(post: Post, form: Any, request: HttpRequest, now: datetime) -> Done:
    done = services.delete_draft(post, **_who(request, now))
    return Done(gettext("It is removed.") if done else "", list_url(Post))


def _in(*states: str) -> Callable[[Post, Sequence[PostTarget]], bool]:
    return lambda post, targets: any(row.state in states for row in targets) and post.state != State.PUBLISHING


def _may_go_out(post: Post, targets: Sequence[PostTarget]) -> bool:
    return post.state in UNSENT and not any(row.state == Place.UNKNOWN for row in targets)


def _is_nowhere(post: Post, targets: Sequence[PostTarget]) -> bool:
    seen = (*PostTarget.APPEARED, Place.UNKNOWN)
    return post.state != State.PUBLISHING and not any(row.state in seen for row in targets)


DEEDS: tuple[Deed, ...] = (
    Deed(
        "publish", _("Publish now"), _("It goes out at once, wherever it is to appear."), "send", PublishForm, _publish,
        _may_go_out, ActionVariant.PRIMARY,
    ),
    Deed(
        "schedule", _("Choose the time"), _("It goes out by itself then, by the clock of the zone that you choose."),
        "calendar_clock", WhenForm, _schedule, _may_go_out, fields=(("planned_at", "time"), ("zone", "zone")),
    ),
    Deed(
        "retry", _("Retry where it failed"), _("It is sent once more to the chats where it failed, and to no other."),
        "replay", FailedForm, _retry,
        lambda post, targets: post.state in (*OUT, State.ERROR) and any(row.state == Place.FAILED for row in targets),
        ActionVariant.PRIMARY,
    ),
    Deed(
        "there", _("It is there"), _("You have looked: the post is in the chat. It counts as published."), "task_alt",
        ThereForm, _there, _in(Place.UNKNOWN), ActionVariant.SUCCESS,
    ),
    Deed(
        "again", _("Send again"), _("You have looked: the post is not in the chat. If it is, it will be there twice."),
        "replay", UnknownForm, _again, _in(Place.UNKNOWN), ActionVariant.WARNING,
    ),
    Deed(
        "stop_poll", _("Close the poll"), _("Nobody can vote any more, and this cannot be undone."), "how_to_vote", Ask,
        _stop_poll, lambda post, targets: post.kind == Kind.POLL and _in(Place.SENT)(post, targets),
    ),
    Deed(
        "repeat", _("Repeat"), _("A new draft is made of it, with the same files, chats and options."), "content_copy",
        Ask, _repeat, lambda post, targets: post.state != State.DRAFT,
    ),
    Deed(
        "cancel", _("Call it off"), _("It does not go out; what has arrived stays. It can be planned anew."), "cancel",
        CancelForm, _cancel, lambda post, targets: post.state in (State.SCHEDULED, State.HELD, State.PUBLISHING),
        ActionVariant.DANGER,
    ),
    Deed(
        "delete_everywhere", _("Delete from the chats"),
        _("Its readers will not see it any more. Its record stays here."), "delete_sweep", SentForm,
        _delete_everywhere, _in(Place.SENT), ActionVariant.DANGER,
    ),
    Deed(
        "remove", _("Remove"), _("The post is removed for good, with its files. It has appeared nowhere."), "delete",
        Ask, _remove, _is_nowhere, ActionVariant.DANGER, right="remove",
    ),
)  # fmt: skip


def offered(post: Post) -> list[Deed]:
    """What does something with the post as things stand."""
    targets = list(post.targets.all())
    return [deed for deed in DEEDS if deed.offered(post, targets)]


def deeds(*table: Deed) -> Callable[[P], P]:
    """Give a page a method for each deed, and a button for it on a post's page."""

    def add(page: Any) -> Any:
        for deed in table:
            setattr(page, deed.name, _method(deed))
        page.actions_detail = [*page.actions_detail, *(deed.name for deed in table)]
        return page

    return add


def _method(deed: Deed) -> Any:
    dialog = {
        "title": deed.title, "description": deed.question, "form_class": deed.form, "form_submit_text": deed.title,
    }  # fmt: skip

    def one(page: Any, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        post = page.get_object(request, unquote(object_id))
        if post is None:
            raise Http404
        try:
            done = deed.act(post, form, request, timezone.now())
        except (Refused, NotNow, Stale) as refusal:
            refuse(form, refusal, dict(deed.fields))
            said = {"dialog": dialog, "form": form, "form_submit_text": deed.title}
            return render(request, "unfold/helpers/dialog.html", said)
        return _report(page, request, done)

    one.__name__ = deed.name
    marked: Any = action(
        description=deed.title, url_path=deed.path, permissions=[deed.right], icon=deed.icon, variant=deed.variant,
        dialog=dialog,
    )  # fmt: skip
    return marked(one)


def _report(page: Any, request: HttpRequest, done: Done) -> HttpResponse:
    if not done.said:
        page.message_user(request, gettext("Nothing was changed."), messages.WARNING)
    else:
        page.message_user(request, done.said, messages.SUCCESS)
    if not done.address:
        return back(page, request)
    if "HX-Request" in request.headers:
        return HttpResponse(headers={"HX-Redirect": done.address})
    return HttpResponseRedirect(done.address)


def refuse(form: Any, refusal: Exception, fields: dict[str, str]) -> None:
    """Say why not: each problem at the field that it is about, the others above the form."""
    for problem in problems_of(refusal):
        name = fields.get(problem.field) or fields.get(problem.field.partition(".")[0])
        form.add_error(name if name in form.fields else None, problem.text)


def problems_of(refusal: Exception) -> Iterable[Problem]:
    if isinstance(refusal, Refused):
        return refusal.problems
    if isinstance(refusal, NotNow):
        return [Problem("", refusal.code, refusal.text)]
    return [
        Problem("version", "stale", gettext("Somebody has changed it meanwhile. Open it anew and look at it first."))
    ]


# --- on many at once ------------------------------------------------------------------------------------------------


def on_many(name: str, title: Text, act: Callable[[Post, HttpRequest, datetime], Any]) -> Any:
    """An action on the rows that are chosen in the list; what refuses is named with its reason."""

    def selected(page: Any, request: HttpRequest, rows: QuerySet[Post]) -> None:
        done = 0
        for post in rows:
            try:
                done += bool(act(post, request, timezone.now()))
            except (Refused, NotNow, Stale) as refusal:
                said = " ".join(problem.text for problem in problems_of(refusal))
                name = title_of(post) if page.shows_words(request) else str(post.pk)[:8]
                page.message_user(request, f"{name}: {said}", messages.ERROR)
        text = ngettext("%(verb)s: %(count)d row.", "%(verb)s: %(count)d rows.", done) % {"verb": title, "count": done}
        said, level = (text, messages.SUCCESS) if done else (gettext("Nothing was changed."), messages.WARNING)
        page.message_user(request, said, level)

    selected.__name__ = name
    marked: Any = action(description=title, permissions=["operate"])
    return marked(selected)


cancel_selected = on_many(
    "cancel_selected",
    _("Call it off"),
    lambda post, request, now: services.cancel_post(post, **_who(request, now)),
)
retry_selected = on_many(
    "retry_selected",
    _("Retry where it failed"),
    lambda post, request, now: services.retry_failed(post, **_who(request, now)),
)
