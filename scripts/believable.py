"""A month of a team's use, so that the operator's pages have something to show: `python -m scripts.believable`.

For the pictures of the documentation: writes to the database of the settings, which must hold a catalogue of models.
Everything follows from ``SEED`` and from today's date. `python -m scripts.believable limit <telegram id>` gives that
person a budget that is all but used up.
"""

import math
import os
import random
import sys
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any

SEED = 22
DAYS = 30
# First name, last name, how much of the team's questions are theirs.
PEOPLE = [
    ("Мария", "Соколова", 9),
    ("Дмитрий", "Орлов", 7),
    ("Елена", "Кузнецова", 6),
    ("Тимур", "Алиев", 5),
    ("Ирина", "Лебедева", 4),
    ("Пётр", "Волков", 2),
    ("Sofia", "Martins", 2),
]
WAITING = [("Григорий", "Белов", 40), ("Нина", "Фомина", 190)]  # ..., asked so many minutes ago
# Model -> (share, median milliseconds to the first words, median tokens a second).
SHARES = {
    "gemini:gemini-2.5-flash": (10, 480, 140),
    "mistral:mistral-small-2603": (6, 390, 120),
    "deepseek:deepseek-v4-pro": (4, 1300, 45),
    "openai:gpt-4.1-mini": (3, 620, 80),
}
ERRORS = ["rate_limited", "rate_limited", "overloaded", "timeout"]
QUESTIONS = [
    "Сократи письмо клиенту до трёх предложений",
    "Составь план встречи на час",
    "Переведи договор на английский",
    "Какие вопросы задать кандидату на роль аналитика?",
    "Напиши формулу: сумма продаж по менеджеру за квартал",
    "Предложи пять названий для рассылки",
    "Объясни простыми словами, что такое НДС",
    "Найди ошибку в этом запросе SQL",
    "Какие риски у переноса срока на неделю?",
    "Draft a polite reply to a late supplier",
]
# Channels of the sandbox, and what is posted there: days from today, hour, in how many, the text, what came of it.
CHANNELS = [(-1001000000003, "Новости"), (-1001000000004, "Акции")]
POSTS = [
    (-17, "10:00", 2, "Мы переехали: теперь Цветочный бульвар, 8", "published"),
    (-15, "18:30", 1, "Три книги о хлебе, которые стоит прочесть осенью", "published"),
    (-13, "09:00", 2, "Завтраки со скидкой 20 % всю неделю", "published"),
    (-11, "12:00", 1, "Как мы печём круассаны: репортаж из пекарни", "published"),
    (-10, "10:00", 2, "В субботу работаем до 22:00", "partial"),
    (-8, "09:00", 2, "Новый сорт: ржаной с тмином и клюквой", "published"),
    (-6, "18:00", 1, "Какой пирог испечь к выходным?", "published"),
    (-4, "10:00", 2, "Победил яблочный! Ждём вас завтра", "published"),
    (-3, "19:00", 2, "Ночная распродажа: всё за полцены", "expired"),
    (-2, "12:00", 1, "Ищем пекаря в утреннюю смену", "published"),
    (-1, "09:00", 2, "Доброе утро! Первый хлеб уже на полке", "published"),
    (-1, "17:00", 2, "Мастер-класс для детей: печём печенье", "published"),
    (0, "09:00", 2, "Кофе к любому круассану в подарок", "published"),
    (1, "10:00", 2, "Завтраки до полудня: новое меню", ""),
    (2, "12:00", 1, "Репортаж: откуда берётся закваска", ""),
    (3, "18:30", 2, "Пятница, вечер, живая музыка", ""),
    (5, "09:00", 2, "Рождественские наборы: принимаем заказы", ""),
    (6, "12:00", 1, "Пять вопросов пекарю", ""),
    (8, "10:00", 2, "Каникулы: работаем без выходных", ""),
]


def moments(now: datetime, chance: random.Random) -> Iterator[datetime]:
    """When somebody asked: on working days and in working hours for the most part, a little more each week."""
    for back in range(DAYS - 1, -1, -1):
        day = now - timedelta(days=back)
        count = 3 if day.weekday() >= 5 else 18 + (DAYS - back) // 3
        for _ in range(max(1, round(chance.gauss(count, count / 6)))):
            moment = day.replace(hour=9, minute=0) + timedelta(minutes=min(600, max(0, chance.gauss(260, 150))))
            if moment < now:
                yield moment


def around(median: float, chance: random.Random) -> int:
    """A time as waiting times are: never much shorter, sometimes much longer."""
    return round(median * math.exp(chance.gauss(0, 0.45)))


def request(asked: datetime, dialog: Any, model: Any, number: int, chance: random.Random) -> Any:
    """The row of one question. ``SHARES`` names the model."""
    from conversations.models import Request

    _share, first, speed = SHARES[model.ref]
    row = Request(
        conversation=dialog, user=dialog.chat.person, model=model, model_ref=model.ref,
        update_key=f"believable:{number}", prompt=chance.choice(QUESTIONS), created_at=asked,
    )  # fmt: skip
    if chance.random() < 0.02:
        row.state, row.error_kind = Request.State.FAILED, chance.choice(ERRORS)
        return row
    row.state, row.finish, row.answer = Request.State.DONE, "stop", "Готово."
    row.input_tokens, row.output_tokens = around(700, chance), around(330, chance)
    row.first_token_ms = around(first, chance)
    row.total_ms = row.first_token_ms + round(1000 * row.output_tokens / around(speed, chance))
    if model.price_input is not None and model.price_output is not None:
        row.cost = (model.price_input * row.input_tokens + model.price_output * row.output_tokens) / Decimal(10**6)
    return row


def person(telegram_id: int, first: str, last: str, **more: Any) -> Any:
    from accounts.models import User

    return User.objects.create(
        telegram_id=telegram_id, username=f"tg{telegram_id}", first_name=first, last_name=last,
        telegram_language="ru", **more,
    )  # fmt: skip


def dialog(someone: Any, started: datetime) -> Any:
    from accounts.models import Chat, ChatKind
    from conversations.models import Conversation

    chat = Chat.objects.create(
        bot_id=1000, telegram_id=someone.telegram_id, kind=ChatKind.PRIVATE, title=someone.name, person=someone,
        created_at=started,
    )  # fmt: skip
    return Conversation.objects.create(chat=chat, started_at=started)


def budgets(now: datetime) -> None:
    """What the team may spend in a month, and what this month's requests have cost."""
    from conversations.models import Request
    from llm.models import Budget, Spending

    everybody = Budget.objects.create(scope=Budget.Scope.BOT, money=Decimal(5))
    each = Budget.objects.create(scope=Budget.Scope.ROLE, role="member", tokens=150_000, money=Decimal(1))
    sums: dict[Any, Spending] = {}
    for row in Request.objects.filter(created_at__gte=now.replace(day=1, hour=0, minute=0), state=Request.State.DONE):
        for budget, user in ((everybody, None), (each, row.user_id)):
            start = sums.setdefault(user, Spending(budget=budget, user_id=user, starts_on=now.date().replace(day=1)))
            start.tokens += (row.input_tokens or 0) + (row.output_tokens or 0)
            start.cost += row.cost or 0
            start.unpriced += row.cost is None
    Spending.objects.bulk_create(sums.values())


def posts(now: datetime) -> None:
    """What editors have posted in two channels, and what is planned."""
    from django.conf import settings

    from accounts.models import Access, Chat, ChatKind, User
    from posts import services
    from posts.content import Place

    olga = User.objects.get(telegram_id=100)
    rights = {"can_post_messages": True, "can_edit_messages": True, "can_delete_messages": True}
    places = [
        Place(Chat.objects.create(
            bot_id=1000, telegram_id=number, kind=ChatKind.CHANNEL, title=title, status=Access.ACTIVE,
            bot_status="administrator", bot_rights=rights, rights_at=now,
        ))
        for number, title in CHANNELS
    ]  # fmt: skip
    for days, clock, count, text, outcome in POSTS:
        wall = datetime.combine(now.date() + timedelta(days=days), time.fromisoformat(clock))
        at = wall.replace(tzinfo=now.tzinfo)
        written = min(now, at) - timedelta(days=1)
        post = services.create_draft(olga, text=text, places=places[:count], via="chat", now=written)
        if outcome and at < now:
            came_out(post, at, outcome)
        else:
            services.schedule_post(post, wall, settings.TIME_ZONE, by=olga, via="chat", now=now)


def came_out(post: Any, at: datetime, state: str) -> None:
    """As if its time had come."""
    from posts.models import Post, PostTarget

    shown = {} if state == "expired" else {"published_at": at}
    Post.objects.filter(pk=post.pk).update(state=state, planned_at=at, updated_at=at, **shown)
    told: dict[str, Any]
    for number, target in enumerate(post.targets.order_by("position")):
        if state == "expired" or (state == "partial" and number):
            told = {"state": PostTarget.State.FAILED, "error_kind": "forbidden", "error": "bot was kicked"}
        else:
            told = {"state": PostTarget.State.SENT, "message_ids": [int(at.timestamp()) % 10**6], "sent_at": at}
        PostTarget.objects.filter(pk=target.pk).update(attempt=1, **told)


def limit(telegram_id: int, now: datetime) -> None:
    """A budget of a day for one person, with room for no further answer."""
    from accounts.models import User
    from llm.models import Budget, Spending

    someone = User.objects.get(telegram_id=telegram_id)
    budget = Budget.objects.create(scope=Budget.Scope.PERSON, user=someone, period=Budget.Period.DAY, tokens=20_000)
    Spending.objects.create(budget=budget, starts_on=now.date(), tokens=18_640, cost=Decimal("0.0093"), warned_at=now)


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django
    from django.utils import timezone

    django.setup()
    now = timezone.localtime()
    if sys.argv[1:2] == ["limit"]:
        limit(int(sys.argv[2]), now)
    else:
        month(now)
        budgets(now)
        posts(now)


def month(now: datetime) -> None:
    """People, those who wait, and what was asked."""
    from accounts.models import Access, User
    from conversations.models import Request
    from llm.models import Model

    chance = random.Random(SEED)  # noqa: S311
    came, olga = now - timedelta(days=DAYS + 5), User.objects.get(telegram_id=100)
    let_in: dict[str, Any] = {"status": Access.ACTIVE, "requested_at": came, "decided_at": came, "decided_by": olga}
    dialogs = [dialog(person(500 + n, *names, **let_in), came) for n, (*names, _) in enumerate(PEOPLE)]
    for number, (first, last, minutes) in enumerate(WAITING):
        person(600 + number, first, last, requested_at=now - timedelta(minutes=minutes))
    models = [Model.objects.get(provider=ref.partition(":")[0], name=ref.partition(":")[2]) for ref in SHARES]
    weights = [share for share, *_ in SHARES.values()]
    Request.objects.bulk_create(
        request(
            asked,
            chance.choices(dialogs, [often for *_, often in PEOPLE])[0],
            chance.choices(models, weights)[0],
            n,
            chance,
        )
        for n, asked in enumerate(moments(now, chance))
    )


if __name__ == "__main__":
    main()
