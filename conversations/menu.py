"""The choice of a model: providers first, then their models in pages, the current one marked; or by name."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext as _

from accounts.models import Chat
from conversations import services
from llm import services as llm
from llm.models import Model
from llm.services import Target
from telegram_bot.access import escaped
from telegram_bot.outgoing import Key, Keyboard

PAGE = 8
NAMES = {"gemini": "Gemini", "mistral": "Mistral", "deepseek": "DeepSeek", "openai": "OpenAI"}

Menu = tuple[str, Keyboard]


def provider_name(provider: str) -> str:
    return NAMES.get(provider, provider.capitalize())


def providers(chat: Chat, thread: int, now: datetime) -> Menu:
    """Providers with how many models each offers."""
    target = _current(chat, thread, now)
    counted = Counter(model.provider_id for model in llm.offered_models())
    if not counted:
        return _("The list of models is still empty. An admin can fill it: `manage.py sync_models`."), ()
    keys = [
        [
            Key(
                _marked(f"{provider_name(provider)} · {count}", _is_of(target, provider)),
                "models.of",
                {"provider": provider},
            )
        ]
        for provider, count in counted.items()
    ]
    current = escaped(target.label or target.name) if target else "—"
    return _("Now **%(model)s** answers. Whose models shall I show?") % {"model": current}, keys


def models_of(chat: Chat, thread: int, provider: str, page: int | None, now: datetime) -> Menu:
    """One page of a provider's models; without a number, the page that the current one is on."""
    offered = [model for model in llm.offered_models() if model.provider_id == provider]
    offered.sort(key=lambda model: (model.title.casefold(), model.name))
    target = _current(chat, thread, now)
    current = target.model.pk if target and target.model else None
    place = next((place for place, model in enumerate(offered) if model.pk == current), 0)
    pages = max(1, -(-len(offered) // PAGE))
    page = min(max(0, place // PAGE if page is None else page), pages - 1)
    shown = offered[page * PAGE : (page + 1) * PAGE]
    keys = [[Key(_marked(_label(model), model.pk == current), "model.choose", {"id": model.pk})] for model in shown]
    title = _("Models of %(provider)s") % {"provider": provider_name(provider)}
    if pages > 1:
        title += " · " + _("page %(page)d of %(pages)d") % {"page": page + 1, "pages": pages}
    return title, [*keys, _turning(provider, page, pages), [Key(_("« Back"), "models", {"back": True})]]


def _turning(provider: str, page: int, pages: int) -> list[Key]:
    def to(label: str, number: int) -> Key:
        return Key(label, "models.of", {"provider": provider, "page": number})

    back = [to("‹", page - 1)] if page > 0 else []
    return back + ([to("›", page + 1)] if page + 1 < pages else [])


def matching(text: str) -> list[Model]:
    """The offered models that ``text`` may mean: those it names exactly, else those whose name or label holds it."""
    wanted = text.strip().casefold()
    offered = llm.offered_models()
    for means in (_is_ref, _is_name, _is_part):
        found = [model for model in offered if means(model, wanted)]
        if found:
            return found
    return []


def _is_ref(model: Model, wanted: str) -> bool:
    return wanted == model.ref.casefold()


def _is_name(model: Model, wanted: str) -> bool:
    return wanted in (name.casefold() for name in (model.name, model.label, *model.aliases))


def _is_part(model: Model, wanted: str) -> bool:
    return any(wanted in name.casefold() for name in (model.ref, model.label))


def which(text: str, found: Sequence[Model]) -> Menu:
    """What to say when ``text`` names no model, a retired one, or several."""
    if found:
        keys = [[_choice(model)] for model in found[:PAGE]]
        asked = _("Several models match. Which one?")
        return asked if len(found) <= PAGE else asked + " " + _("Type more of the name to narrow it down."), keys
    known = llm.find_model(text)
    replacement = llm.replacement_of(known) if known is not None else None
    if known is None or replacement is None:
        return _("I do not know a model of that name. Choose from the list: /models"), ()
    said = _("**%(old)s** is not offered any more. Will its replacement do?") % {"old": escaped(known.title)}
    return said, [[_choice(replacement)]]


def _choice(model: Model) -> Key:
    return Key(f"{_label(model)} · {provider_name(model.provider_id)}", "model.choose", {"id": model.pk})


def _label(model: Model) -> str:
    ending = " ⏳" if model.retires_at else ""
    eyes = " 🖼" if "image" in model.capabilities else ""
    return f"{model.title}{eyes}{ending}"


def _marked(label: str, current: bool) -> str:
    return f"✓ {label}" if current else label


def _is_of(target: Target | None, provider: str) -> bool:
    return target is not None and target.provider == provider


def _current(chat: Chat, thread: int, now: datetime) -> Target | None:
    return services.target_for(services.open_conversation(chat, thread, now))
