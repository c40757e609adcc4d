"""The forms of the operator's pages of models and providers."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from llm import switches
from llm.models import Model, ProviderState
from llm.providers import configured

CAPABILITIES = {
    "text": _("text"),
    "image": _("images"),
    "document": _("documents"),
    "audio": _("audio"),
    "tools": _("tools"),
    "reasoning": _("reasoning"),
    "image_out": _("makes images"),
    "transcription": _("speech to text"),
    "ocr": _("text of scans"),
}
PRICES = ("price_input", "price_cached", "price_output")


def _abilities(**more: Any) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=_("can do"),
        choices=list(CAPABILITIES.items()),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("What the model takes and makes. Pictures are sent to it only if that is ticked."),
        **more,
    )


class ModelForm(forms.ModelForm):  # type: ignore[type-arg]
    capabilities = _abilities(required=False)

    class Meta:
        model = Model
        fields = ("capabilities", "context_window", "by_hand", *PRICES, "replaced_by")
        help_texts = {
            "by_hand": _("Refreshes leave what the model can do and its window alone. Changing them here sets this.")
        }

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if any(data.get(name) is not None and data[name] < 0 for name in PRICES):
            raise forms.ValidationError(_("A price cannot be negative."))
        if data.get("replaced_by") is not None and data["replaced_by"].pk == self.instance.pk:
            self.add_error("replaced_by", _("A model cannot replace itself."))
        return data


class NewModelForm(forms.ModelForm):  # type: ignore[type-arg]
    """A model that no list holds, typed by hand."""

    # Not named like the field of the row, which wants a row and not a name.
    where = forms.ChoiceField(label=_("provider"))
    capabilities = _abilities(initial=["text"])

    class Meta:
        model = Model
        fields = ("name", "context_window")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        where = self.fields["where"]
        assert isinstance(where, forms.ChoiceField)
        where.choices = [(name, name) for name in configured()]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if Model.objects.filter(provider_id=data.get("where"), name=data.get("name")).exists():
            self.add_error("name", _("This model is there already."))
        return data


class SwitchesForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = ProviderState
        fields = ("switches",)

    def clean_switches(self) -> Any:
        value = self.cleaned_data["switches"]
        value = {} if value is None else value
        if problem := switches.problem(value):
            raise forms.ValidationError(problem)
        return value
