"""What is asked before something is done to a post: when, why, in which chats. Nothing is done here."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django import forms
from django.contrib.admin.utils import unquote
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.forms import BaseDialogForm
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from accounts.forms import zone_choices
from accounts.models import Chat
from delivery.pages import clock_of
from posts.models import Post, PostTarget, Topic
from posts.pages import title_of
from posts.services import checking
from posts.words import SUPERGROUP

Place = PostTarget.State
NUMBER = re.compile(r"(?:.*/)?(\d{1,18})/?(?:\?.*)?", re.ASCII)
# https://t.me/c/1234567/89 of what has no public name, https://t.me/news/89 of what has one.
LINK = re.compile(r"(?:https?://)?(?:t|telegram)\.me/(?:c/(?P<number>\d+)|(?P<name>\w+))/", re.ASCII)
VERSION = "version"


class Ask(BaseDialogForm):  # type: ignore[misc]
    """The question, with the first words of the post. ``version`` is the one that was looked at."""

    version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        page = self.request.resolver_match.func.model_admin
        self.post: Post | None = page.get_object(self.request, unquote(str(self.object_id)))
        self.readable = page.shows_words(self.request)
        if self.post is not None:
            self.fields[VERSION].initial = self.post.version
            self.prepare(self.post)

    def prepare(self, post: Post) -> None:
        """Fill the choices."""

    def remarks(self, post: Post) -> list[str]:
        """What to know before the button is pressed."""
        return []

    def render_before_template(self) -> str:
        if self.post is None:
            return ""
        name = format_html("<strong>{}</strong>", title_of(self.post)) if self.readable else SafeString("")
        lines = [("po-t-held", "warning", text) for text in self.remarks(self.post)]
        lines += [("po-t-error", "error", text) for text in self.non_field_errors()]
        note = (
            '<div class="po-note {}" style="margin: .75rem 0" role="status">'
            '<span class="material-symbols-outlined" aria-hidden="true">{}</span><div>{}</div></div>'
        )
        return name + format_html_join("", note, lines)


class PublishForm(Ask):
    """At once, wherever it is to appear."""

    def remarks(self, post: Post) -> list[str]:
        return [*checking.warnings_of(post, timezone.now())]


class WhenForm(Ask):
    """A day and a time by the clock of a zone, which is named."""

    day = forms.DateField(label=_("Day"), widget=UnfoldAdminTextInputWidget({"type": "date"}))
    time = forms.TimeField(label=_("Time"), widget=UnfoldAdminTextInputWidget({"type": "time"}))
    zone = forms.ChoiceField(label=_("Time zone"), widget=UnfoldAdminSelectWidget)

    def prepare(self, post: Post) -> None:
        zone: Any = self.fields["zone"]
        clock = clock_of(post.zone if post.wall_time else "", self.request.user)
        zone.choices, zone.initial = zone_choices(str(clock))[1:], str(clock)
        planned = post.planned_at is not None and post.planned_at > timezone.now()
        there = timezone.localtime(post.planned_at if planned else None, clock)
        self.fields["day"].initial = f"{there:%Y-%m-%d}"
        if planned:
            self.fields["time"].initial = f"{there:%H:%M}"

    def remarks(self, post: Post) -> list[str]:
        return [*checking.warnings_of(post, timezone.now())]

    def offer(self, wall: datetime) -> None:
        """Put another time into the form, so that one more press takes it."""
        offered: Any = self.data.copy()  # type: ignore[has-type]
        offered["day"], offered["time"] = f"{wall:%Y-%m-%d}", f"{wall:%H:%M}"
        self.data = offered

    @property
    def at(self) -> datetime:
        """Without a zone: what the chosen clock is to show."""
        return datetime.combine(self.cleaned_data["day"], self.cleaned_data["time"])


class CancelForm(Ask):
    reason = forms.CharField(
        label=_("Why"),
        required=False,
        max_length=300,
        widget=UnfoldAdminTextareaWidget({"rows": 2}),
        help_text=_("Everybody who sees the post reads it. It may stay empty."),
    )


class PlacesForm(Ask):
    """In which of its chats; all that can be meant are chosen."""

    states: tuple[str, ...] = ()
    places = forms.MultipleChoiceField(label=_("Where"), widget=UnfoldAdminCheckboxSelectMultipleWidget)

    def prepare(self, post: Post) -> None:
        self.rows = {str(row.pk): row for row in post.targets.select_related("chat").filter(state__in=self.states)}
        field: Any = self.fields["places"]
        field.choices = list(self._named())
        asked = self.request.GET.get("target", "")
        field.initial = [asked] if asked in self.rows else list(self.rows)

    def _named(self) -> Iterator[tuple[str, str]]:
        """Each by its chat, and by its topic there."""
        threads = [row.thread_id for row in self.rows.values() if row.thread_id]
        topics = Topic.objects.filter(thread_id__in=threads) if threads else ()
        names = {(topic.chat_id, topic.thread_id): str(topic) for topic in topics}
        for pk, row in self.rows.items():
            topic = names.get((row.chat_id, row.thread_id), str(row.thread_id)) if row.thread_id else ""
            yield pk, " — ".join(filter(None, [str(row.chat), topic]))

    @property
    def targets(self) -> list[PostTarget]:
        return [self.rows[pk] for pk in self.cleaned_data["places"]]


class FailedForm(PlacesForm):
    states = (Place.FAILED,)


class UnknownForm(PlacesForm):
    states = (Place.UNKNOWN,)


class ThereForm(UnknownForm):
    message = forms.CharField(
        label=_("Link to the message, or its number"),
        required=False,
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("With it, the post can be edited and deleted there later. It may stay empty."),
    )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        said = cleaned.get("message", "").strip()
        if not said:
            return cleaned
        found = NUMBER.fullmatch(said)
        if found is None:
            self.add_error("message", gettext("This is no link to a message. It ends with the number, like …/123."))
        elif len(cleaned.get("places", [])) != 1:
            self.add_error("message", gettext("A message is in one chat: choose that one alone."))
        elif _leads_elsewhere(said, chat := self.rows[cleaned["places"][0]].chat):
            text = gettext("This link leads to another chat. Take the link of the message in “%(chat)s”.")
            self.add_error("message", text % {"chat": chat})
        else:
            cleaned["number"] = int(found[1])
        return cleaned


def _leads_elsewhere(said: str, chat: Chat) -> bool:
    """Whether it is a link into another chat: by its number, a message of this one would be edited and deleted."""
    found = LINK.match(said)
    if found is None:
        return False
    if found["number"]:
        return str(chat.telegram_id) != f"{SUPERGROUP}{found['number']}"
    return bool(chat.username) and found["name"].lower() != chat.username.lower()


class SentForm(PlacesForm):
    states = (Place.SENT,)
