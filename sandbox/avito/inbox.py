"""The chats of a seller: made when they are asked for, the same every time, however many there are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from .figures import number
from .stock import Item

Json = dict[str, Any]
Said = tuple[str, Json | None]  # the type of a message, and its content

NAMES = ("Анна", "Игорь", "Марина Л.", "Дмитрий", "Оля", "Сергей П.", "Гульнара", "Артём", "Ирина", "Пётр")
ASKED = (
    "Здравствуйте! Ещё продаёте?",
    "А доставка есть?",
    "Торг уместен?",
    "Можно посмотреть сегодня вечером?",
    "Подскажите размеры, пожалуйста",
    "Спасибо, подумаю",
)
ANSWERED = (
    "Добрый день! Да, в наличии",
    "Доставка по городу 900 ₽",
    "Небольшой торг возможен при осмотре",
    "Да, мы до 20:00, приезжайте",
    "200 × 160 × 90 см",
    "Обращайтесь!",
)
PICTURES = {size: f"https://img.example.org/chat/{size}/1.jpg" for size in ("32x32", "140x105", "640x480", "1280x960")}


def text(words: str) -> Said:
    """A message of words."""
    return "text", {"text": words}


ALL_TYPES: tuple[Said, ...] = (
    text("Обычный текст"),
    ("image", {"image": {"sizes": PICTURES}}),
    ("link", {"link": {"text": "example.org", "url": "https://example.org/", "preview": None}}),
    ("item", {"item": {"title": "Шкаф", "price_string": None, "item_url": "https://example.org/1", "image_url": ""}}),
    ("location", {"location": {"kind": "street", "title": "Лесная", "text": "Лесная, 7", "lat": 55.77, "lon": 37.59}}),
    ("call", {"call": {"status": "missed", "target_user_id": 90000001}}),
    ("deleted", {}),
    ("voice", {"voice": {"voice_id": "voice-1"}}),
    ("system", {"flow_id": "seller_audience_discount", "text": "Авито: покупателю предложена скидка"}),
    ("appCall", {}),
    ("file", {}),
    ("video", {}),
)
# Chats that are not like the others, by their number; the rest of their messages is ordinary talk.
ODD: dict[int, tuple[Said, ...]] = {
    0: ALL_TYPES,
    2: (text('=HYPERLINK("https://example.org","Скидка")'), text("+7 999 000-00-01"), text("-1"), text("@SUM(A1:A9)")),
    3: (text("👍🏽 Беру! 🇷🇺👨‍👩‍👧‍👦 ❤️"), text("😀" * 200)),
    4: (text("Очень длинное письмо. " + "Подробности " * 3332),),
    7: (("text", None), ("text", {"text": None}), ("image", {"image": None}), ("voice", {"voice": None})),
    8: (text("строка\nвторая\tтабуляция\x07\x00 и <b>разметка</b> _*[`"), text("\r\n")),
}
LETTER = 40_000  # characters
WITHOUT_ITEM, UNKNOWN_BUYER, SLASH, FROM_AVITO = 1, 5, 6, 9


@dataclass
class Inbox:
    """`chats` chats of `messages` messages each (`long` gives some of them other numbers), the newest first.

    Chats and messages keep their numbers when newer ones come before them: those are numbered -1, -2, …

    `newest`: when the newest was written, seconds since the epoch. With `odd` some chats are as life has them:
    every type of message, no item, no buyer, ids with `~` and `/`, text that a spreadsheet would run.
    """

    uid: int
    shop: str = ""
    chats: int = 0
    messages: int = 12
    long: dict[int, int] = field(default_factory=dict)
    newest: int = 1_772_400_000
    odd: bool = False
    items: Sequence[Item] = ()
    step: int = 2400  # seconds from one chat to the next
    newer: int = 0
    newer_messages: dict[int, int] = field(default_factory=dict)

    def arrive(self, chats: int = 1) -> None:
        """So many new chats are begun; everything a list has moves down by as many."""
        self.newer += chats

    def write(self, n: int, messages: int = 1) -> None:
        """So many new messages are written into a chat; its place in the list stays."""
        self.newer_messages[n] = self.newer_messages.get(n, 0) + messages

    def first(self, n: int) -> int:
        """The number of a chat's newest message."""
        return -self.newer_messages.get(n, 0)

    def kind(self, n: int) -> str:
        """u2i: about an item; u2u: between people; a2u: from Avito."""
        if self.odd and n == FROM_AVITO:
            return "a2u"
        return "u2u" if self.odd and n in (WITHOUT_ITEM, SLASH) else "u2i"

    def chat_id(self, n: int) -> str:
        """Ids have `~`, `-` and `_` in them, and one of the odd ones has a slash."""
        mark = f"{number(self.uid, n, 'chat'):016x}"
        if self.odd and n == SLASH:
            return f"u2u-{mark[:6]}/{mark[6:10]}?{n}%2B~"
        return f"{self.kind(n)}-{mark[:7]}~{mark[7:12]}_{n}"

    def place(self, chat_id: str) -> int | None:
        """The number of a chat by its id."""
        tail = chat_id.rpartition("_")[2]
        n = SLASH if "/" in chat_id else int(tail) if re.fullmatch(r"-?\d{1,9}", tail) else self.chats
        return n if -self.newer <= n < self.chats and self.chat_id(n) == chat_id else None

    def item(self, n: int) -> Item | None:
        """What the chat is about."""
        return self.items[number(self.uid, n, "item") % len(self.items)] if self.items else None

    def unread(self, n: int) -> int:
        """How many of its newest messages are not read."""
        return 2 if n % 7 == 3 else 0

    def size(self, n: int) -> int:
        """How many messages the chat had when the newer ones came."""
        usual = max(self.messages, len(ODD.get(n, ()))) if self.odd else self.messages
        return self.long.get(n, usual)

    def total(self, n: int) -> int:
        """How many messages it has."""
        return self.size(n) - self.first(n)

    def written(self, n: int, k: int) -> int:
        """When a message was written, seconds since the epoch."""
        return self.newest - n * self.step - k * 60

    def listed(self, kinds: Sequence[str], items: Sequence[int] = (), *, unread: bool = False) -> Iterator[int]:
        """The numbers of the chats of these kinds, about these items (none: any), perhaps only unread ones."""
        for n in range(-self.newer, self.chats):
            about = self.item(n) if self.kind(n) == "u2i" else None
            fits = self.kind(n) in kinds and (not unread or self.unread(n) > 0)
            if fits and (not items or (about is not None and about.id in items)):
                yield n

    def chat(self, n: int) -> Json:
        """A chat as the API shows it."""
        last = self.message(n, self.first(n)) if self.total(n) else None
        row: Json = {
            "id": self.chat_id(n),
            "created": self.written(n, self.size(n)),
            "updated": self.written(n, self.first(n)),
            "users": self.users(n),
            "last_message": last and {name: last[name] for name in LAST},
        }
        about = self.item(n)
        if self.kind(n) == "u2i" and about is not None:
            row["context"] = {"type": "item", "value": self.context(about)}
        return row

    def context(self, item: Item) -> Json:
        """The item a chat is about."""
        price = "Цена не указана" if item.price is None else f"{item.price:,} ₽".replace(",", " ")
        url = f"https://avito.ru/{item.id}"
        named = {"id": item.id, "title": item.title, "price_string": price, "url": url}
        return named | {"status_id": 10, "user_id": self.uid, "images": {"count": 0, "main": {}}}

    def buyer(self, n: int) -> int:
        """Who writes."""
        return 91_000_000 + number(self.uid, n, "buyer") % 900_000

    def users(self, n: int) -> list[Json]:
        """The two of them, unless the buyer is not told."""
        shop = {"id": self.uid, "name": self.shop}
        if self.odd and n == UNKNOWN_BUYER:
            return [shop]
        return [shop, {"id": self.buyer(n), "name": NAMES[n % len(NAMES)]}]

    def said(self, n: int, k: int) -> Said:
        """What the message number `k` of the chat says."""
        odd = ODD.get(n, ()) if self.odd else ()
        if 0 <= k < len(odd):
            return odd[k]
        age = self.size(n) - 1 - k
        lines = ANSWERED if age % 2 else ASKED
        return text(lines[age // 2 % len(lines)])

    def message_id(self, n: int, k: int) -> str:
        """Sixteen letters."""
        return f"{number(self.uid, n, k, 'message'):016x}"

    def is_inward(self, n: int, k: int) -> bool:
        """Whether the buyer wrote it: they take turns, and what is unread is the buyer's."""
        return (self.size(n) - 1 - k) % 2 == 0 or k < self.unread(n)

    def author(self, n: int, k: int) -> int:
        """Who wrote it; 0 is Avito."""
        if not self.is_inward(n, k):
            return self.uid
        return 0 if self.said(n, k)[0] == "system" else self.buyer(n)

    def message(self, n: int, k: int) -> Json:
        """A message as the API shows it."""
        kind, content = self.said(n, k)
        inward = self.is_inward(n, k)
        created = self.written(n, k)
        return {
            "id": self.message_id(n, k),
            "author_id": self.author(n, k),
            "created": created,
            "direction": "in" if inward else "out",
            "type": kind,
            "content": content,
            "is_read": k >= self.unread(n),
            "read": None if inward else created + 30,
            "quote": self.quote(n, k),
        }

    def quote(self, n: int, k: int) -> Json | None:
        """The message before it, which some messages answer; so deep and no deeper."""
        if k + 1 >= self.size(n) or number(self.uid, n, k, "quote") % 9:
            return None
        kind, content = self.said(n, k + 1)
        words = {"id": self.message_id(n, k + 1), "author_id": self.author(n, k + 1), "type": kind}
        return words | {"created": self.written(n, k + 1), "content": content}

    def thread(self, n: int, offset: int, limit: int, *, newest_first: bool = True) -> list[Json]:
        """A page of a chat's messages."""
        order = range(self.first(n), self.size(n))
        return [self.message(n, k) for k in (order if newest_first else order[::-1])[offset : offset + limit]]


LAST = ("id", "author_id", "created", "direction", "type", "content")
