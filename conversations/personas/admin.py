"""The operator's pages of assistants: what they are told, what they were told before, and where they are at home."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextareaWidget

from accounts.pages import audited, operator
from conversations import services
from conversations.models import Assistant, AssistantVersion, Binding
from core.admin import Page, ReadOnlyInline, ReadOnlyPage, Verb, display, verbs
from core.show import link, prose, stamp
from llm.models import Model


class AssistantForm(forms.ModelForm):  # type: ignore[type-arg]
    tools = forms.MultipleChoiceField(label=_("Tools"), required=False, widget=UnfoldAdminCheckboxSelectMultipleWidget)
    fallbacks = forms.CharField(
        label=_("Then these models"),
        required=False,
        widget=UnfoldAdminTextareaWidget({"rows": 3}),
        help_text=_("Who answers when the model cannot: provider:name, one a line, in this order."),
    )

    class Meta:
        model = Assistant
        fields = (
            "name", "emoji", "description", "language", "role", "enabled",
            "prompt", "model", "fallbacks", "temperature", "tools",
        )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "fallbacks" in self.fields:
            self.initial["fallbacks"] = "\n".join(self.instance.fallbacks or [])
        if "tools" in self.fields:
            names = dict.fromkeys([*settings.ASSISTANT_TOOLS, *(self.instance.tools or [])])
            tools: Any = self.fields["tools"]
            tools.choices = [(name, name) for name in names]

    def clean_temperature(self) -> float | None:
        temperature: float | None = self.cleaned_data["temperature"]
        if temperature is not None and not 0 <= temperature <= 2:
            raise forms.ValidationError(_("Temperature is a number from 0 to 2; empty leaves it to the model."))
        return temperature

    def clean_fallbacks(self) -> list[str]:
        """Each line a model that is offered, each once; all that is wrong is said at once."""
        refs = [line.strip() for line in self.cleaned_data["fallbacks"].splitlines() if line.strip()]
        problems = [problem for ref in dict.fromkeys(refs) if (problem := _problem(ref))]
        problems += [_("%(model)s stands there twice.") % {"model": ref} for ref in _twice(refs)]
        if problems:
            raise forms.ValidationError(problems)
        return refs

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        model = cleaned.get("model")
        if model is not None and model.ref in (cleaned.get("fallbacks") or ()):
            self.add_error("fallbacks", _("%(model)s is the model itself.") % {"model": model.ref})
        return cleaned


def _problem(ref: str) -> str:
    sentences = {
        "unknown": _("%(model)s is not in the list of models. Write provider:name as it stands there."),
        "retired": _("%(model)s was retired. Take the model that replaces it."),
        "hidden": _("%(model)s is not offered. Offer it first, or take another one."),
    }
    problem = services.problem_of(ref)
    return str(sentences[problem] % {"model": ref}) if problem else ""


def _twice(refs: list[str]) -> list[str]:
    return list(dict.fromkeys(ref for ref in refs if refs.count(ref) > 1))


def _make_default(assistant: Assistant, request: HttpRequest, now: Any) -> bool:
    return audited(services.make_default(assistant), "assistant.made_default", assistant, request, now)


def _restore(version: AssistantVersion, request: HttpRequest, now: Any) -> bool:
    done = services.restore_version(version, operator(request), now)
    return audited(done, "assistant.restored", version.assistant, request, now, version=version.number)


class VersionInline(ReadOnlyInline):
    model = AssistantVersion
    fields = ("which", "since", "changed_by", "told", "models_", "temperature")
    readonly_fields = fields
    ordering = ("-number",)

    @display(description=_("version"))
    def which(self, version: AssistantVersion) -> SafeString | str:
        return link(version, str(version.number))

    @display(description=_("since"))
    def since(self, version: AssistantVersion) -> str:
        return stamp(version.created_at)

    @display(description=_("prompt"))
    def told(self, version: AssistantVersion) -> SafeString | str:
        return prose(version.prompt)

    @display(description=_("models"))
    def models_(self, version: AssistantVersion) -> str:
        return _chain(version)


def _chain(version: AssistantVersion) -> str:
    return " → ".join([version.model_ref or gettext("the default one"), *version.fallbacks])


@admin.register(AssistantVersion)
@verbs(
    Verb(
        "restore",
        _("Make it so again"),
        _("The assistant gets this version's prompt, models, temperature and tools. What it has now stays a version."),
        _restore,
        "history",
        ActionVariant.PRIMARY,
    )
)
class VersionPage(ReadOnlyPage):
    list_display = ("assistant", "number", "since", "changed_by")
    list_filter = ("assistant",)
    list_select_related = ("assistant", "changed_by")
    ordering = ("-created_at", "-id")
    fieldsets = (
        (None, {"fields": (("assistant", "number"), ("since", "changed_by"), "chain", ("temperature", "tools"))}),
        (_("prompt"), {"fields": ("whole_prompt",)}),
    )

    @display(description=_("since"), ordering="created_at")
    def since(self, version: AssistantVersion) -> str:
        return stamp(version.created_at)

    @display(description=_("models"))
    def chain(self, version: AssistantVersion) -> str:
        return _chain(version)

    @display(description=_("prompt"))
    def whole_prompt(self, version: AssistantVersion) -> SafeString | str:
        return prose(version.prompt)


@admin.register(Assistant)
@verbs(
    Verb(
        "make_default",
        _("For every new dialog"),
        _("New dialogs start with this assistant; open ones keep theirs."),
        _make_default,
        "star",
        ActionVariant.PRIMARY,
    )
)
class AssistantPage(Page):
    form = AssistantForm
    list_display = ("title", "by_default", "language", "role", "enabled", "model", "version", "changed")
    list_display_links = ("title",)
    list_filter = ("enabled", "language", "role")
    list_select_related = ("model",)
    search_fields = ("name", "description", "prompt")
    ordering = ("-is_default", "name")
    autocomplete_fields = ("model",)
    readonly_fields = ("id_for_programs",)
    inlines = (VersionInline,)

    def get_fieldsets(self, request: HttpRequest, obj: Assistant | None = None) -> Any:
        fields: list[Any] = ["prompt", ("model", "temperature"), "fallbacks"]
        if settings.ASSISTANT_TOOLS or (obj and obj.tools):
            fields.append("tools")
        offer: list[Any] = [("name", "emoji"), "description", ("language", "role", "enabled")]
        if obj is not None:
            offer.append("id_for_programs")
        return ((None, {"fields": offer}), (_("What the model is told"), {"fields": fields}))

    def save_model(self, request: HttpRequest, obj: Assistant, form: Any, change: bool) -> None:
        now = timezone.now()
        services.save_assistant(obj, operator(request), now)
        what = "assistant.changed" if change else "assistant.created"
        audited(bool(form.changed_data), what, obj, request, now, fields=form.changed_data)
        for sentence in _warnings(obj):
            messages.warning(request, sentence)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """An assistant's versions go with it, though nobody may delete one alone."""
        shown, counts, needed, protected = super().get_deleted_objects(objs, request)
        return shown, counts, needed - {AssistantVersion._meta.verbose_name}, protected

    def delete_model(self, request: HttpRequest, obj: Assistant) -> None:
        audited(True, "assistant.deleted", obj, request, timezone.now())
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Assistant]) -> None:
        for assistant in queryset:
            self.delete_model(request, assistant)

    @display(description=_("name"), ordering="name")
    def title(self, assistant: Assistant) -> str:
        return str(assistant)

    @display(description=_("for every new dialog"), boolean=True, ordering="is_default")
    def by_default(self, assistant: Assistant) -> bool:
        return assistant.is_default

    @display(description=_("id for programs"))
    def id_for_programs(self, assistant: Assistant) -> SafeString:
        """What the REST API calls it by; one click selects all of it, to be copied."""
        return format_html('<code style="user-select:all">{}</code>', assistant.uid)

    @display(description=_("changed"), ordering="updated_at")
    def changed(self, assistant: Assistant) -> str:
        return stamp(assistant.updated_at)


def _warnings(assistant: Assistant) -> list[str]:
    """What is allowed and yet may surprise."""
    model: Model | None = assistant.model
    if assistant.tools and model is not None and "tools" not in model.capabilities:
        return [gettext("%(model)s cannot call tools: it will answer without them.") % {"model": model.title}]
    return []


@admin.register(Binding)
class BindingPage(Page):
    list_display = ("chat", "thread_id", "assistant")
    list_select_related = ("chat", "assistant")
    list_filter = ("assistant",)
    autocomplete_fields = ("chat", "assistant")
    search_fields = ("chat__title", "chat__username", "assistant__name")
    fields = ("chat", "thread_id", "assistant")

    def save_model(self, request: HttpRequest, obj: Binding, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        details = {"assistant": obj.assistant.name, "topic": obj.thread_id}
        audited(bool(form.changed_data), "assistant.bound", obj.chat, request, timezone.now(), **details)

    def delete_model(self, request: HttpRequest, obj: Binding) -> None:
        audited(True, "assistant.unbound", obj.chat, request, timezone.now(), assistant=obj.assistant.name)
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Binding]) -> None:
        for binding in queryset:
            self.delete_model(request, binding)
