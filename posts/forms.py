"""The form in which operators write posts: fields in, the values that `posts.services` takes out.

Buttons and answers are lines of text: what is typed can be copied, pasted and put in another order.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django import forms
from django.core import signing
from django.core.files.uploadedfile import UploadedFile
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from accounts.models import Access, Chat, User
from files.models import StoredFile
from files.services import path_of
from posts import services
from posts.content import OPTIONS, Entities, Medium, Place, Poll, Refused
from posts.models import MediaKind, Post, Topic
from posts.preview import markdown_of
from posts.services import composing, limits, media, rights
from posts.services.access import POSTING

BUTTON = re.compile(r"(?P<text>.*?)\s*(?:[—–-]\s*)?(?P<url>\S+)", re.DOTALL)
ADDRESS = re.compile(r"\w[\w+.-]*:|\S+\.\S+")
POLL, MESSAGE = "poll", "message"
# What a poll is without being told.
USUAL = {"quiz": False, "correct": [], "explanation": "", "anonymous": True, "multiple": False, "open_seconds": None}
# How long a form that was refused may lie before its uploads are chosen anew.
SALT, KEPT_SECONDS = "posts.uploads", 24 * 3600
# What the checks call a field -> what this form calls it; of "media.2" the part before the point counts, too.
FIELDS = {
    "text": "text", "entities": "text", "media": "uploads", "buttons": "buttons", "targets": "places",
    "places": "places", "author": "author", "poll": "question", "poll.question": "question", "poll.options": "answers",
    "poll.quiz": "quiz", "poll.correct": "answers", "poll.explanation": "explanation", "poll.multiple": "multiple",
    "poll.open_seconds": "open_minutes", **{name: name for name in OPTIONS},
}  # fmt: skip


class ManyFiles(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files at once, in the order in which they were chosen; what is wrong with one, PostForm.keep says."""

    widget = ManyFiles

    def clean(self, data: Any, initial: Any = None) -> list["UploadedFile[Any]"]:
        chosen = data if isinstance(data, list | tuple) else [data]
        return [super(FilesField, self).clean(file, initial) for file in chosen if file is not None and file != ""]


class Dropped(forms.MultipleChoiceField):
    """Which files are to go: by number those that the post has, with an ``u`` before it those uploaded just now."""

    def valid_value(self, value: str) -> bool:
        return True


class PostForm(forms.Form):
    """``post`` is changed; without one, a new one is written by ``viewer`` or for somebody who may post."""

    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    author = forms.ChoiceField(
        label=_("Author"),
        widget=UnfoldAdminSelectWidget,
        help_text=_("Is told what becomes of it. Editors and admins may post."),
    )
    kind = forms.ChoiceField(
        label=_("What"),
        choices=[(MESSAGE, _("Text and files")), (POLL, _("Poll or quiz"))],
        widget=UnfoldAdminRadioSelectWidget(radio_style=1),
    )
    text = forms.CharField(
        label=_("Text"),
        required=False,
        strip=False,
        widget=UnfoldAdminTextareaWidget({"rows": 10, "data-counts": "text"}),
        help_text=_("Markdown: **bold**, *italic*, ~~struck~~, ||veiled||, `code`, [link](https://…), > quote."),
    )
    uploaded = forms.CharField(required=False, widget=forms.HiddenInput)
    uploads = FilesField(
        label=_("Add files"), required=False, allow_empty_file=True, widget=ManyFiles({"multiple": True})
    )
    drop = Dropped(required=False)
    as_documents = forms.BooleanField(
        label=_("Send pictures and videos as files"), required=False, widget=UnfoldBooleanWidget
    )
    spoiler = forms.BooleanField(label=_("Pictures behind a veil"), required=False, widget=UnfoldBooleanWidget)
    question = forms.CharField(label=_("Question"), required=False, widget=UnfoldAdminTextInputWidget)
    answers = forms.CharField(
        label=_("Answers"),
        required=False,
        widget=UnfoldAdminTextareaWidget({"rows": 5}),
        help_text=_("One on each line. In a quiz, put + before the right one."),
    )
    quiz = forms.BooleanField(label=_("It is a quiz"), required=False, widget=UnfoldBooleanWidget)
    explanation = forms.CharField(
        label=_("Explanation, shown after a wrong answer"),
        required=False,
        widget=UnfoldAdminTextareaWidget({"rows": 2}),
    )
    anonymous = forms.BooleanField(label=_("Votes are anonymous"), required=False, widget=UnfoldBooleanWidget)
    multiple = forms.BooleanField(label=_("Several answers allowed"), required=False, widget=UnfoldBooleanWidget)
    open_minutes = forms.IntegerField(
        label=_("Closes after, minutes"), required=False, min_value=1, widget=UnfoldAdminIntegerFieldWidget
    )
    buttons = forms.CharField(
        label=_("Buttons"),
        required=False,
        widget=UnfoldAdminTextareaWidget({"rows": 3}),
        help_text=_("A row on each line: Text — https://example.com. Several in one row stand between bars ( | )."),
    )
    places = forms.MultipleChoiceField(
        label=_("Channels and groups"), required=False, widget=UnfoldAdminCheckboxSelectMultipleWidget
    )
    silent = forms.BooleanField(label=_("Without a sound"), required=False, widget=UnfoldBooleanWidget)
    protected = forms.BooleanField(label=_("Protect from forwarding"), required=False, widget=UnfoldBooleanWidget)
    pin = forms.BooleanField(label=_("Pin it"), required=False, widget=UnfoldBooleanWidget)
    link_preview = forms.BooleanField(label=_("Show a preview of links"), required=False, widget=UnfoldBooleanWidget)
    caption_above = forms.BooleanField(label=_("Text above the picture"), required=False, widget=UnfoldBooleanWidget)
    general_allowed = forms.BooleanField(
        label=_("Take the general topic if the topic is closed or gone"), required=False, widget=UnfoldBooleanWidget
    )
    delete_after_minutes = forms.IntegerField(
        label=_("Delete after, minutes"), required=False, min_value=1, widget=UnfoldAdminIntegerFieldWidget
    )
    expire_hours = forms.IntegerField(
        label=_("Give up when late by, hours"), required=False, min_value=1, widget=UnfoldAdminIntegerFieldWidget
    )

    def __init__(self, *args: Any, viewer: User, post: Post | None = None, **kwargs: Any) -> None:
        self.post, self.viewer = post, viewer
        self.kept = services.media_of(post) if post is not None else []
        self.written = written(post) if post is not None else ""
        self.fresh: list[Medium] = []
        kwargs["initial"] = (values_of(post, self.written) if post else _blank(viewer)) | kwargs.get("initial", {})
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        if post is not None:
            del fields["author"]
        else:
            fields["author"].choices = [("", "—"), *((str(user.pk), user.name) for user in authors())]
        fields["places"].choices = place_choices(post)

    def clean_uploaded(self) -> str:
        token = str(self.cleaned_data["uploaded"])
        found = _uploaded(token)
        if None in found:
            self.add_error("uploads", _("What was uploaded before is not kept any more. Choose those files again."))
        self.fresh = [medium for medium in found if medium is not None]
        return token

    def clean(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        dropped = cleaned.get("drop", [])
        self.fresh = [medium for number, medium in enumerate(self.fresh) if f"u{number}" not in dropped]
        return cleaned

    # --- what the services take ---

    def content(self) -> dict[str, Any]:
        """The values by their names of `services`, with the files that are kept (`keep`)."""
        cleaned = self.cleaned_data
        is_poll = cleaned["kind"] == POLL
        said: dict[str, Any] = {
            "media": [] if is_poll else [*self.left, *self.fresh],
            "poll": poll_of(cleaned, self.post) if is_poll else None,
            "buttons": self.rows_of_buttons(),
            "places": places_of(cleaned["places"]),
            **{name: cleaned[name] for name in OPTIONS},
        }
        return said | self._words("" if is_poll else lines(cleaned["text"]))

    def _words(self, text: str) -> dict[str, Any]:
        """Words that were left as they are keep their formatting, whatever Markdown makes of it."""
        if self.post is not None and text == lines(self.written):
            return {"text": self.post.text, "entities": self.post.entities}
        return {"text": text, "entities": None}

    def rows_of_buttons(self) -> list[list[dict[str, str]]]:
        """Lines that were left as they are give the buttons that are there, whatever characters these have."""
        said = lines(self.cleaned_data["buttons"])
        if self.post is not None and said == buttons_in_lines(self.post.buttons).strip():
            there: list[list[dict[str, str]]] = self.post.buttons
            return there
        return buttons_of(said)

    def words(self) -> tuple[str, Entities]:
        """The text and its formatting, as they would be sent."""
        said = self._words("" if self.cleaned_data["kind"] == POLL else lines(self.cleaned_data["text"]))
        return (said["text"], said["entities"]) if said["entities"] is not None else composing.render(said["text"])

    # --- files ---

    @property
    def left(self) -> list[Medium]:
        """The post's files without those that were taken out."""
        dropped = self.cleaned_data.get("drop", [])
        return [medium for number, medium in enumerate(self.kept) if str(number) not in dropped]

    def keep(self, now: datetime) -> None:
        """Keep what was uploaded, and remember it in the form: who must mend something else uploads nothing twice."""
        self.full_clean()
        owner = self.post.author if self.post is not None else self.writer
        uploads = self.cleaned_data.get("uploads", [])
        for number, file in enumerate(uploads, start=len(self.left) + len(self.fresh) + 1):
            try:
                self.fresh.append(self._keep_one(file, owner, number, now))
            except Refused as refusal:
                for problem in refusal.problems:
                    self.add_error("uploads", problem.text)
        mine: dict[str, Any] = vars(self)
        mine["data"] = mine["data"].copy()
        mine["data"]["uploaded"] = _token(self.fresh)

    def _keep_one(self, file: "UploadedFile[Any]", owner: User | None, number: int, now: datetime) -> Medium:
        if (size := file.size or 0) > limits.upload_bytes():  # not even read
            raise Refused([media.too_large(size, number)])
        kind = str(MediaKind.DOCUMENT) if self.cleaned_data["as_documents"] else ""
        medium = media.from_bytes(owner, file.read(), file.name or "", now, kind=kind, number=number)
        return replace(medium, spoiler=self.cleaned_data["spoiler"] and medium.kind in composing.SEEN)

    @property
    def writer(self) -> User:
        """The author who was chosen; while none is, what is uploaded belongs to who does it."""
        return User.objects.get(pk=self.cleaned_data.get("author") or self.viewer.pk)


def _token(fresh: Sequence[Medium]) -> str:
    """Kept uploads as a field of the form: signed, for a number alone would open anybody's file."""
    rows = [(medium.file.pk, medium.kind, medium.name, medium.spoiler) for medium in fresh if medium.file]
    return signing.dumps(rows, salt=SALT) if rows else ""


def _uploaded(token: str) -> list[Medium | None]:
    """The files of such a field; None for what is not there any more."""
    try:
        rows = signing.loads(token, salt=SALT, max_age=KEPT_SECONDS) if token else []
    except signing.BadSignature:
        return [None]
    files = StoredFile.objects.in_bulk([pk for pk, *_rest in rows])
    there = {pk: file for pk, file in files.items() if path_of(file).is_file()}
    return [
        replace(media.of_file(there[pk], name=name, kind=kind), spoiler=veil) if pk in there else None
        for pk, kind, name, veil in rows
    ]


def authors() -> list[User]:
    """Who may be told of a post: editors and admins who are in, and operators."""
    people = User.objects.filter(Q(role__in=POSTING) | Q(is_superuser=True), status=Access.ACTIVE, is_active=True)
    return list(people.order_by("first_name", "last_name", "username"))


def _blank(viewer: User) -> dict[str, Any]:
    return {
        "author": str(viewer.pk) if services.may_post(viewer) else "",
        "kind": MESSAGE, "anonymous": True, "link_preview": True,
    }  # fmt: skip


def values_of(post: Post, text: str) -> dict[str, Any]:
    """What the fields show of a post that is there."""
    poll = post.poll or {}
    return {
        "version": post.version,
        "kind": POLL if post.poll else MESSAGE,
        "text": text,
        "question": poll.get("question", ""),
        "answers": answers_in_lines(poll),
        "quiz": poll.get("quiz", False),
        "explanation": poll.get("explanation", ""),
        "anonymous": poll.get("anonymous", True),
        "multiple": poll.get("multiple", False),
        "open_minutes": (poll.get("open_seconds") or 0) // 60 or None,
        "buttons": buttons_in_lines(post.buttons),
        "places": [place_key(target.chat_id, target.thread_id) for target in post.targets.all()],
        **{name: getattr(post, name) for name in OPTIONS},
    }


def written(post: Post) -> str:
    """Its words to be written on: as they were written, else as Markdown."""
    return post.markdown or markdown_of(post.text, post.entities)


def loses_formatting(post: Post) -> bool:
    """Whether the Markdown that is offered makes another text of it than it is."""
    return not post.markdown and composing.render(written(post)) != (post.text, post.entities)


def lines(text: str) -> str:
    """As browsers send it, but with the line ends of everybody else."""
    return text.replace("\r\n", "\n")


# --- places ---------------------------------------------------------------------------------------------------------


def place_choices(post: Post | None) -> list[tuple[str, str]]:
    """The chats that the admins let in, each followed by its topics; and where this post is, though it were gone."""
    chats = list(rights.places())
    topics: dict[int, list[Topic]] = {}
    for topic in Topic.objects.of(chats):
        topics.setdefault(topic.chat_id, []).append(topic)
    found = [
        choice
        for chat in chats
        for choice in [
            (place_key(chat.pk), _named(chat)),
            *((place_key(chat.pk, topic.thread_id), f"— {topic}") for topic in topics.get(chat.pk, [])),
        ]
    ]
    known = dict(found)
    targets = post.targets.select_related("chat") if post is not None else ()
    there = [(place_key(row.chat_id, row.thread_id), str(row.chat)) for row in targets]
    return [*found, *(choice for choice in there if choice[0] not in known)]


def _named(chat: Any) -> str:
    """Its name, and what stands against posting there."""
    trouble = rights.trouble_of(chat)
    return f"{chat} ⚠️ {trouble[0].text}" if trouble else str(chat)


def place_key(chat: int, thread: int = 0) -> str:
    return f"{chat}:{thread}"


def places_of(keys: Sequence[str]) -> list[Place]:
    pairs = [tuple(map(int, key.split(":"))) for key in keys]
    chats = Chat.objects.in_bulk([chat for chat, _thread in pairs])
    return [Place(chats[chat], thread) for chat, thread in pairs]


# --- buttons and polls as lines -------------------------------------------------------------------------------------


def buttons_of(text: str) -> list[list[dict[str, str]]]:
    """What is no address is found by the checks, which name the button."""
    rows = [[_button(piece.strip()) for piece in line.split("|") if piece.strip()] for line in text.splitlines()]
    return [row for row in rows if row]


def _button(piece: str) -> dict[str, str]:
    found = BUTTON.fullmatch(piece)
    if found is None or not ADDRESS.match(found["url"]):
        return {"text": piece, "url": ""}
    return {"text": found["text"].strip(" —–-"), "url": found["url"]}


def buttons_in_lines(buttons: Sequence[Sequence[dict[str, str]]]) -> str:
    return "\n".join(" | ".join(f"{button['text']} — {button['url']}" for button in row) for row in buttons)


def poll_of(cleaned: dict[str, Any], post: Post | None) -> Poll:
    """The poll of the fields. What they do not show (custom emoji, seconds) stays where the rest of it does."""
    before = (post.poll if post is not None else None) or {}
    said = _said_of_poll(cleaned)
    if said["quiz"] == before.get("quiz", False) and lines(cleaned["answers"]) == answers_in_lines(before).strip():
        # Left as they are, whatever characters they begin with.
        said["options"], said["correct"] = before.get("options", []), list(before.get("correct") or [])
    else:
        known = {option["text"]: option for option in before.get("options", [])}
        said["options"] = [known.get(option["text"], option) for option in said["options"]]
    if said["open_seconds"] == ((before.get("open_seconds") or 0) // 60 * 60 or None):
        said["open_seconds"] = before.get("open_seconds")
    for name in ("question", "explanation"):
        entities = f"{name}_entities"
        if entities in before and said[name] == before.get(name):
            said[entities] = before[entities]
    return {name: value for name, value in said.items() if name in before or name not in USUAL or value != USUAL[name]}


def _said_of_poll(cleaned: dict[str, Any]) -> Poll:
    quiz = cleaned["quiz"]
    answers = [line.strip() for line in cleaned["answers"].splitlines() if line.strip()]
    return {
        "question": cleaned["question"],
        "options": [{"text": line.removeprefix("+").strip() if quiz else line} for line in answers],
        "quiz": quiz,
        "correct": [number for number, line in enumerate(answers) if quiz and line.startswith("+")],
        "explanation": lines(cleaned["explanation"]),
        "anonymous": cleaned["anonymous"],
        "multiple": cleaned["multiple"],
        "open_seconds": (cleaned["open_minutes"] or 0) * 60 or None,
    }


def answers_in_lines(poll: dict[str, Any]) -> str:
    right = set(poll.get("correct") or ()) if poll.get("quiz") else set()
    options = enumerate(poll.get("options") or ())
    return "\n".join(("+ " if number in right else "") + option["text"] for number, option in options)
