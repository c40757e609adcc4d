"""The choice of a model: providers first, then their models in pages, the current one marked."""

from datetime import datetime

from django.db.models import Count
from django.utils.translation import gettext as _

from accounts.models import Chat
from conversations import services
from llm.models import Model
from telegram_bot.access import escaped
from telegram_bot.outgoing import Key, Keyboard

PAGE = 8
NAMES = {"gemini": "Gemini", "mistral": "Mistral", "deepseek": "DeepSeek", "openai": "OpenAI"}

Menu = tuple[str, Keyboard]


def provider_name(provider: str) -> str:
    return NAMES.get(provider, provider.capitalize())


def providers(chat: Chat, thread: int, now: datetime) -> Menu:
    """Providers with how many models each offers."""
    current = _current(chat, thread, now)
    counted = Model.objects.offered().values_list("provider").annotate(Count("id")).order_by("provider")
    keys = [
        [Key(f"{provider_name(provider)} · {count}", "models.of", {"provider": provider})]
        for provider, count in counted
    ]
    if not keys:
        return _("The list of models is still empty. An admin can fill it: `manage.py sync_models`."), ()
    return _("Now **%(model)s** answers. Whose models shall I show?") % {"model": current}, keys


def models_of(chat: Chat, thread: int, provider: str, page: int, now: datetime) -> Menu:
    """One page of a provider's models."""
    conversation = services.open_conversation(chat, thread, now)
    offered = Model.objects.offered().filter(provider_id=provider).order_by("label", "name")
    pages = max(1, -(-offered.count() // PAGE))
    page = min(max(0, page), pages - 1)
    keys = [
        [Key(("✓ " if model.pk == conversation.model_id else "") + _label(model), "model.choose", {"id": model.pk})]
        for model in offered[page * PAGE : (page + 1) * PAGE]
    ]
    title = _("Models of %(provider)s") % {"provider": provider_name(provider)}
    if pages > 1:
        title += " · " + _("page %(page)d of %(pages)d") % {"page": page + 1, "pages": pages}
    return title, [*keys, _turning(provider, page, pages), [Key(_("« Back"), "models", {"back": True})]]


def _turning(provider: str, page: int, pages: int) -> list[Key]:
    def to(label: str, number: int) -> Key:
        return Key(label, "models.of", {"provider": provider, "page": number})

    back = [to("‹", page - 1)] if page > 0 else []
    return back + ([to("›", page + 1)] if page + 1 < pages else [])


def _label(model: Model) -> str:
    ending = " ⏳" if model.retires_at else ""
    eyes = " 🖼" if "image" in model.capabilities else ""
    return f"{model.title}{eyes}{ending}"


def _current(chat: Chat, thread: int, now: datetime) -> str:
    target = services.target_for(services.open_conversation(chat, thread, now))
    return escaped(target.label or target.name) if target else "—"
