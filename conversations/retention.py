"""How contents and rows of dialogs go: what CONTENT_LOG does not keep, and what is past its KEEP_… time.

docs/explanation/privacy.md tells where else contents lie.
"""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import TruncDate

from conversations.models import Attachment, Conversation, Message, Request, RequestSum
from core.privacy import GRACE, contents_stay, delete_in_batches, in_batches, older_than, only_sums_stay
from files.forgetting import let_go
from files.models import StoredFile
from telegram_bot.models import Button

NOTHING: dict[str, Any] = {"prompt": "", "answer": "", "error": ""}
# What of a step tells no content.
STEP = ("at", "kind", "name", "tool", "model", "ref", "ms", "ok", "outcome", "error", "error_kind")


def kept(values: dict[str, Any]) -> dict[str, Any]:
    """``values`` of an answered request as they may be saved."""
    if contents_stay():
        return values
    steps = {"steps": bare_steps(values["steps"])} if "steps" in values else {}
    return {**values, **NOTHING, **steps}


def bare_steps(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What happened on the way to an answer, without what was said."""
    return [{name: step[name] for name in STEP if name in step} for step in steps]


def question_of(request: Request) -> str:
    """What was asked, from the dialog where the request does not keep it."""
    if request.prompt or contents_stay():
        return request.prompt
    asked = Message.objects.filter(request=request, role=Message.Role.USER).order_by("id")
    return asked.values_list("content", flat=True).first() or ""


def closed(dialog: Conversation, now: datetime) -> None:
    """A dialog ended: where contents do not stay, its go. Inside the transaction that closed it."""
    if not contents_stay():
        erase_dialogs(Conversation.objects.filter(pk=dialog.pk), now)


def erase_dialogs(dialogs: QuerySet[Conversation], now: datetime) -> int:
    """Empty ``dialogs`` of all that was said in them, files too; when it was said and what it cost stays."""
    keys = list(dialogs.values_list("pk", flat=True))
    said = Message.objects.filter(conversation__in=keys)
    said.update(content="", raw=None, raw_model="", superseded=True)
    let_go(_files_only_of(keys), now)
    return Conversation.objects.filter(pk__in=keys).update(title="", summary="")


def _files_only_of(dialogs: list[int]) -> QuerySet[StoredFile]:
    """Files of ``dialogs`` that no other dialog which is still open has."""
    of_file = Attachment.objects.filter(file=OuterRef("pk"))
    here = Q(message__conversation__in=dialogs) | Q(request__conversation__in=dialogs)
    open_ones = Conversation.objects.filter(closed_at=None).exclude(pk__in=dialogs).values("pk")
    elsewhere = Q(message__conversation__in=open_ones) | Q(request__conversation__in=open_ones)
    return StoredFile.objects.filter(Exists(of_file.filter(here)), ~Exists(of_file.filter(elsewhere)))


def erase_requests(requests: QuerySet[Request]) -> int:
    """Empty ``requests`` of what was said; who, when, with which model and for how much stays."""
    for key, steps in requests.exclude(steps=[]).values_list("pk", "steps"):
        Request.objects.filter(pk=key).update(steps=bare_steps(steps))
    return requests.update(**NOTHING)


def erase_contents(now: datetime) -> int:
    """Where contents do not stay: empty what is left of them; housekeeping calls it.

    The answer that is saved and the dialog that is closed did it already; this is for what was there when the setting
    changed, and for what a dead process left.
    """
    if contents_stay():
        return 0
    over = ~Q(state=Request.State.RUNNING) | Q(created_at__lt=now - GRACE)
    requests = Request.objects.filter(over).exclude(**NOTHING)
    said = Exists(Message.objects.filter(conversation=OuterRef("pk")).exclude(content="", raw=None))
    dialogs = Conversation.objects.exclude(closed_at=None).filter(said | ~Q(title="", summary=""))
    return in_batches(requests, erase_requests) + in_batches(dialogs, lambda part: erase_dialogs(part, now))


# --- rows past their time -------------------------------------------------------------------------------------------


def forget_old_dialogs(now: datetime) -> int:
    """Close and empty dialogs in which nothing was said for KEEP_DIALOGS_DAYS; without requests they go altogether."""
    before = older_than(settings.KEEP_DIALOGS_DAYS, now)
    if before is None:
        return 0
    later = {"conversation": OuterRef("pk"), "created_at__gte": before}
    old = Conversation.objects.filter(started_at__lt=before)
    old = old.exclude(Exists(Message.objects.filter(**later))).exclude(Exists(Request.objects.filter(**later)))

    def forget(part: QuerySet[Conversation]) -> int:
        keys = list(part.values_list("pk", flat=True))
        erase_dialogs(part, now)
        Message.objects.filter(conversation__in=keys).delete()
        Conversation.objects.filter(pk__in=keys, closed_at=None).update(closed_at=now)
        return len(keys)

    holds = Exists(Message.objects.filter(conversation=OuterRef("pk")))
    emptied = in_batches(old.filter(holds | ~Q(title="", summary="") | Q(closed_at=None)), forget)
    return emptied + delete_in_batches(old.filter(requests=None).exclude(holds))


def forget_old_requests(now: datetime) -> int:
    """Remove requests past KEEP_REQUESTS_DAYS, or past a day where only sums stay; what they cost is summed up."""
    times = [older_than(settings.KEEP_REQUESTS_DAYS, now), now - GRACE if only_sums_stay() else None]
    known = [time for time in times if time is not None]
    return in_batches(Request.objects.filter(created_at__lt=max(known)), _sum_up) if known else 0


def _sum_up(requests: QuerySet[Request]) -> int:
    keys = list(requests.values_list("pk", flat=True))
    rows = Request.objects.filter(pk__in=keys)
    sums = (
        rows.order_by()
        .values("user", "model_ref", day=TruncDate("created_at"))
        .annotate(
            requests=Count("pk"),
            answered=Count("pk", filter=Q(state=Request.State.DONE)),
            tokens_in=Sum("input_tokens", default=0),
            tokens_out=Sum("output_tokens", default=0),
            price=Sum("cost", default=0),
            unpriced=Count("pk", filter=Q(cost=None, output_tokens__gt=0)),
        )
    )
    RequestSum.objects.bulk_create(
        RequestSum(
            day=row["day"], user_id=row["user"], model_ref=row["model_ref"], requests=row["requests"],
            answered=row["answered"], input_tokens=row["tokens_in"], output_tokens=row["tokens_out"],
            cost=row["price"], unpriced=row["unpriced"],
        )
        for row in sums
    )  # fmt: skip
    # The dialog goes on without them.
    asker = Request.objects.filter(pk=OuterRef("request")).values("user")
    Message.objects.filter(request__in=keys).update(request=None, author=Subquery(asker))
    Attachment.objects.filter(request__in=keys, message__isnull=False).update(request=None)
    rows.delete()
    return len(keys)


def forget_old_questions(now: datetime) -> int:
    """Remove the buttons under "May I do this?" after a day, when they do nothing any more: they hold what a model was
    about to do."""
    return delete_in_batches(Button.objects.filter(action__startswith="tool.", created_at__lt=now - GRACE))
