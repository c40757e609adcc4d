"""Form of the operator's page of reminders: one for somebody."""

from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from accounts.forms import zone_choices
from accounts.models import User
from delivery.plain_words import Question, parse
from delivery.schedule import Cron, Rule, RuleError, Run, zone_of
from reminders import services
from reminders.models import Reminder

PREVIEW = "preview"
# What the services call a field, and what this form calls it.
FIELDS = {"user_id": "user", "chat": "chat", "payload": "text", "timezone": "zone", "nag_minutes": "nag_minutes"}


class ReminderForm(forms.ModelForm):  # type: ignore[type-arg]
    """``draft`` is the wish, once it is clean. Sent with ``preview`` it is never valid: ``runs`` says when it would
    run, and nothing is saved."""

    text = forms.CharField(label=_("What"), widget=UnfoldAdminTextareaWidget({"rows": 3}))
    when = forms.CharField(
        label=_("When"),
        widget=UnfoldAdminTextInputWidget,
        help_text=_("In words, such as “tomorrow at 9” or “every weekday at 9:30”; or a cron: 30 9 * * 1-5."),
    )
    zone = forms.ChoiceField(
        label=_("Time zone"),
        required=False,
        widget=UnfoldAdminSelectWidget,
        help_text=_("Empty: the person's own, and it follows when they change it."),
    )
    nag_minutes = forms.IntegerField(
        label=_("Again every … min until done"), required=False, min_value=1, widget=UnfoldAdminIntegerFieldWidget
    )

    class Meta:
        model = Reminder
        fields = ("user", "chat", "nag_minutes")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.draft: services.Draft | None = None
        self.runs: list[Run] = []
        zone: Any = self.fields["zone"]
        zone.choices = zone_choices()
        self.fields["chat"].required = False
        self.fields["chat"].help_text = _("A group; empty: the person's private chat.")

    def is_valid(self) -> bool:
        return super().is_valid() and PREVIEW not in self.data

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if not self.errors:
            self._plan(cleaned, timezone.now())
        return cleaned

    def _plan(self, cleaned: dict[str, Any], now: datetime) -> None:
        person: User = cleaned["user"]
        zone = cleaned["zone"] or person.time_zone or settings.TIME_ZONE
        rule = self._rule(cleaned["when"], zone, now)
        if rule is None:
            return
        draft = services.Draft(
            user=person,
            rule=rule,
            zone=zone,
            zone_of_owner=not cleaned["zone"],
            chat=cleaned["chat"],
            payload={"text": cleaned["text"]},
            nag_minutes=cleaned["nag_minutes"],
        )
        for problem in services.check(draft, now):
            self.add_error(FIELDS.get(problem.field, "when"), problem.text)
        if not self.errors:
            self.draft, self.runs = draft, services.coming(draft, now)

    def _rule(self, words: str, zone: str, now: datetime) -> Rule | None:
        """What ``words`` mean; None when that is said as an error."""
        try:
            if len(words.split()) == 5 and not any(char.isalpha() for char in words):
                return Cron(words)
            said = parse(words, now, zone_of(zone))
        except RuleError as error:
            self.add_error("when", _unmarked(str(error)))
            return None
        if said.rule is None or said.question not in (None, Question.NO_TEXT):
            self.add_error("when", _unmarked(said.asks()))
            return None
        if said.text:
            left = _("“%(words)s” says nothing about when. What it is about belongs into the field above.")
            self.add_error("when", left % {"words": said.text})
            return None
        return said.rule


def _unmarked(text: str) -> str:
    """Without the marks of Telegram's texts."""
    return text.replace("`", "")
