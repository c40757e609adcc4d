"""Forms of the operator's pages: what a person chose, an invitation, a key."""

import functools
import zoneinfo
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _
from unfold.forms import UserChangeForm
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSplitDateTimeWidget,
)

from accounts.models import ApiKey, Invite, User


@functools.cache
def _zones() -> list[str]:
    return sorted(zoneinfo.available_timezones())


def zone_choices(current: str = "") -> list[tuple[str, str]]:
    """Every zone this machine knows, and the one that stands."""
    names = _zones() if not current or current in _zones() else [current, *_zones()]
    return [("", "—"), *((name, name) for name in names)]


class PersonForm(UserChangeForm):  # type: ignore[misc]
    time_zone = forms.ChoiceField(label=_("Time zone"), required=False, widget=UnfoldAdminSelectWidget)

    class Meta:
        model = User
        fields = "__all__"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "time_zone" in self.fields:
            self.fields["time_zone"].choices = zone_choices(self.instance.time_zone)


class InviteForm(forms.ModelForm):  # type: ignore[type-arg]
    hours = forms.IntegerField(
        label=_("Good for, hours"),
        min_value=1,
        max_value=24 * 90,
        initial=72,
        widget=UnfoldAdminIntegerFieldWidget,
    )

    class Meta:
        model = Invite
        fields = ("role", "note")


class ApiKeyForm(forms.ModelForm):  # type: ignore[type-arg]
    scopes = forms.MultipleChoiceField(
        label=_("Scopes"),
        help_text=_("What the key may be used for. Give it no more than it needs."),
        choices=lambda: [(scope, f"{scope}: {meaning}") for scope, meaning in settings.API_SCOPES.items()],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )
    expires_at = forms.SplitDateTimeField(label=_("Expires"), required=False, widget=UnfoldAdminSplitDateTimeWidget)

    class Meta:
        model = ApiKey
        fields = ("name", "expires_at")
