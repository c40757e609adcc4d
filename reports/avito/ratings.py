"""What buyers think of the account."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from reports.avito import methods
from reports.avito.client import Avito
from reports.avito.pages import Page
from reports.avito.reading import Json, flag, mapping, moment, number, objects, rows, text, whole


@dataclass(frozen=True)
class Rating:
    """None: Avito did not say, or shows none for this account."""

    score: Decimal | None
    reviews: int | None


@dataclass(frozen=True)
class Review:
    """``stage``: how the deal ended, in Avito's word; ``counts``: whether the score is made of it too."""

    id: int
    score: int | None
    text: str = field(repr=False)
    created: datetime | None
    author: str = field(repr=False)
    item_id: int | None
    item_title: str
    stage: str
    counts: bool | None
    answer: str = field(repr=False)


async def rating(avito: Avito) -> Rating:
    """The score of five, and how many reviews there are."""
    told = mapping(await avito.ask(methods.RATING))
    if told.get("isEnabled") is False:
        return Rating(None, None)
    shown = mapping(told.get("rating"))
    return Rating(number(shown.get("score")), whole(shown.get("reviewsCount")))


async def reviews(avito: Avito, offset: int = 0, *, limit: int = 50) -> Page[Review]:
    """A page of reviews. ``limit``: 1 to 50 (reviews.json, 2026)."""
    told = mapping(await avito.ask(methods.REVIEWS, query={"offset": offset, "limit": limit}))
    listed, total = rows(told.get("reviews")), whole(told.get("total"))
    found = tuple(review for row in objects(listed) if (review := _review(row)) is not None)
    after = offset + len(listed)
    return Page(found, bool(listed) and (len(listed) >= limit if total is None else after < total), len(listed))


def _review(row: Json) -> Review | None:
    review_id, item = whole(row.get("id")), mapping(row.get("item"))
    if review_id is None:
        return None
    return Review(
        review_id,
        whole(row.get("score")),
        text(row.get("text")),
        moment(row.get("createdAt")),
        text(mapping(row.get("sender")).get("name")),
        whole(item.get("id")),
        text(item.get("title")),
        text(row.get("stage")),
        flag(row.get("usedInScore")),
        text(mapping(row.get("answer")).get("text")),
    )
