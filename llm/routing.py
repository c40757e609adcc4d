"""Who is asked when a model cannot answer: a chain of targets, and what an error means for it.

the same target again   client.stream's business: it has tried what may pass by itself
the next in the chain   the model or its provider is out: gone, out of money or quota, paused, overloaded, silent
a larger window         the dialog is too long even when it was trimmed
nobody                  the question itself was refused: another model would be asked behind the provider's back
"""

from collections.abc import Iterable, Sequence

from llm import services
from llm.errors import PAUSING, TRANSIENT, ProviderError
from llm.models import Availability, Model
from llm.services import Target

# Of these the next in the chain may know better; of the others (blocked, bad_request, too_large) nobody is asked again.
PASSING_ON = PAUSING | TRANSIENT | {"model_not_found", "quota_daily", "context_too_long"}


def chain(refs: Iterable[str]) -> list[Target]:
    """The targets that ``provider:name`` texts mean, each once, in order; without what is neither offered nor replaced.

    A name that no list holds is asked all the same, as with DEFAULT_MODEL.
    """
    wanted = [found for ref in refs if (found := services.split_ref(ref)) is not None]
    rows = Model.objects.filter(provider__in={provider for provider, _name in wanted}).select_related("provider")
    known = {(row.provider_id, row.name): row for row in rows.filter(name__in={name for _provider, name in wanted})}
    targets = (_target(one, known.get(one)) for one in wanted)
    return list({target.ref: target for target in targets if target is not None}.values())


def _target(wanted: tuple[str, str], row: Model | None) -> Target | None:
    if row is None:
        return Target(*wanted, model=None, label=wanted[1])
    offered = row.enabled and row.state != Availability.RETIRED
    usable = row if offered else services.replacement_of(row)
    return services.target_of(usable) if usable is not None else None


def following(rest: Sequence[Target], failed: Target, error: ProviderError, needs: Iterable[str]) -> Target | None:
    """Who of ``rest`` is asked after ``failed``; None: nobody. ``needs``: what the question holds besides text."""
    if error.kind not in PASSING_ON:
        return None
    wanted = set(needs)
    for target in rest:
        larger = error.kind != "context_too_long" or _is_larger(target, failed)
        if target.ref != failed.ref and larger and wanted <= abilities(target):
            return target
    return None


def _is_larger(target: Target, than: Target) -> bool:
    window, failed = (one.model.context_window if one.model else None for one in (target, than))
    return window is not None and (failed is None or window > failed)


def abilities(target: Target) -> set[str]:
    """What the target's model can take and do; of one that no list holds only text is certain."""
    return {"text", *target.model.capabilities} if target.model else {"text"}
