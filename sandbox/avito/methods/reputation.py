"""The rating and its reviews (reviews.json), and the tariff (tariffs.json)."""

from __future__ import annotations

from ..ask import Ask, Json, Method
from ..errors import refused
from ..figures import number

MANY = 10**9
TEXTS = ("Всё отлично, рекомендую!", "Привезли вовремя", "Хороший продавец", "Долго отвечали, но товар хороший")
STAGES = ("done", "done", "done", "fell_through", "not_agree", "not_communicate")
DAY = 86_400


def rating(ask: Ask) -> Json:
    """No rating at all where it is switched off, null where there are no reviews yet."""
    account = ask.account
    if account.score is None:
        return {"isEnabled": account.reviews > 0, "rating": None}
    scored = account.reviews * 4 // 5
    shown = {"score": account.score, "reviewsCount": account.reviews, "reviewsWithScoreCount": scored}
    return {"isEnabled": True, "rating": shown}


def reviews(ask: Ask) -> Json:
    """A page of reviews, the newest first."""
    query = ask.params(("offset", "limit"))
    offset, limit = query.whole("offset", 0, MANY), query.whole("limit", 1, 50)
    total = ask.account.reviews
    return {"total": total, "reviews": [_review(ask, n) for n in range(offset, min(offset + limit, total))]}


def _review(ask: Ask, n: int) -> Json:
    luck = number(ask.account.uid, n, "review")
    created = int(ask.now.timestamp()) // DAY * DAY - n * 2 * DAY
    answer = {"id": luck % 10**7, "text": "Спасибо!", "status": "published", "createdAt": created + 3600}
    items = ask.account.stock.items
    item = items[luck % len(items)] if items else None
    return {
        "id": luck % 10**8,
        "score": 5 if luck % 9 else 2,
        "stage": STAGES[luck % len(STAGES)],
        "text": TEXTS[luck % len(TEXTS)],
        "usedInScore": luck % 5 > 0,
        "canAnswer": luck % 3 > 0,
        "createdAt": created,
        "sender": {"name": "Владимир"} if luck % 7 else None,
        "item": {"id": item.id, "title": item.title} if item else None,
        "answer": answer if luck % 3 == 0 else None,
        "images": [],
    }


def tariff(ask: Ask) -> Json:
    """Only sellers of cars without CPA have one to show."""
    if ask.account.tariff is None:
        raise refused(ask.style, 404, "Тариф не найден")
    return ask.account.tariff


METHODS = (
    Method("rating", "GET", "/ratings/v1/info", rating, "ratings"),
    Method("reviews", "GET", "/ratings/v1/reviews", reviews, "ratings"),
    Method("tariff", "GET", "/tariff/info/1", tariff, "tariff"),
)
