"""Who it is, the wallet, what went through it, and the advance for target actions (user.json, cpa.json)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from ..accounts import Account
from ..ask import Ask, Json, Method
from ..errors import RefusedError, Reply, refused
from ..figures import MOSCOW, moscow_day, number

WINDOW = timedelta(days=7)
YEAR = timedelta(days=366)
RESERVED = "резервирование средств под услугу"
# Words, kind and number of the services whose spending shows in the wallet.
SERVICES = {
    "promo": ("Сделать XL объявлением", "vas", 16),
    "rest": ("Тариф «Расширенный»", "tariff", 101),
    "presence": ("Оплата за целевые действия", "cpa", 77),
}
AT = {"promo": time(10, 51, 50), "rest": time(3, 5), "presence": time(23, 10, 12)}
TOP_UP = 20_000  # roubles, on Mondays


def show_self(ask: Ask) -> Json:
    """The account of the token."""
    account = ask.account
    return {
        "id": account.uid,
        "name": account.name,
        "email": f"seller{account.uid}@example.org",
        "phone": account.phone,
        "phones": [account.phone],
        "profile_url": f"https://avito.ru/user/{number(account.uid, 'profile'):016x}/profile",
    }


def balance(ask: Ask) -> Json:
    """Roubles; what is None is not told."""
    wallet = {"real": ask.account.real, "bonus": ask.account.bonus}
    return {name: value for name, value in wallet.items() if value is not None}


def operations(ask: Ask) -> Json:
    """What went through the wallet in at most a week, at most a year ago."""
    body = ask.fields("dateTimeFrom", "dateTimeTo")
    first, last = body.moment("dateTimeFrom"), body.moment("dateTimeTo")
    if last < first:
        raise body.wrong("dateTimeTo", "is before dateTimeFrom")
    if last - first > WINDOW:
        raise body.wrong("dateTimeTo", "is more than a week after dateTimeFrom")
    if first < ask.now - YEAR:
        raise body.wrong("dateTimeFrom", "is more than a year ago")
    day, rows = moscow_day(first), []
    while day <= moscow_day(min(last, ask.now)):
        rows += [row for at, row in operations_of(ask.account, day) if first <= at <= min(last, ask.now)]
        day += timedelta(days=1)
    rows.sort(key=lambda row: str(row["updatedAt"]))
    return {"operations": rows} if ask.manners.operations == "flat" else {"result": {"operations": rows}}


def operations_of(account: Account, day: date) -> Iterator[tuple[datetime, Json]]:
    """The operations of a Moscow date."""
    parts, up = account.parts(day), account.stock.up(day)
    for part, (name, kind, service) in SERVICES.items():
        if parts[part]:
            words = f"Резервирование средств. Услуга «{name}»"
            bonus = parts["bonus"] if part == "presence" else 0
            served: Json = {"serviceId": service, "serviceType": kind, "serviceName": name}
            if kind == "vas":
                item = up[number(account.uid, day, "served") % len(up)]
                served["itemId"] = item.id
                words += f" для объявления №{item.id}"
            yield _operation(day, AT[part], RESERVED, words, parts[part], bonus, served)
    if day.weekday() == 0 and account.cpa is not None:
        yield _operation(day, time(9, 0, 1), "внесение CPA аванса", "Пополнение аванса", TOP_UP * 100, 0, {})
    if parts["promo"] and number(account.uid, day, "back") % 9 == 0:
        served = {"serviceId": 16, "serviceType": "vas", "serviceName": SERVICES["promo"][0]}
        yield _operation(day, time(18, 40), "сторно", "Возврат за услугу", parts["promo"] // 3, 0, served)


def _operation(
    day: date, at: time, kind: str, words: str, kopecks: int, bonus: int, service: Json
) -> tuple[datetime, Json]:
    moment = datetime.combine(day, at, MOSCOW)
    return moment, {
        "updatedAt": moment.isoformat(timespec="milliseconds"),
        "paidAt": moment.isoformat(),
        "operationType": kind,
        "operationName": words,
        "amountRub": roubles(kopecks),
        "amountBonus": roubles(bonus),
        "amountTotal": roubles(kopecks + bonus),
        **service,
    }


def roubles(kopecks: int) -> float:
    """As the API writes them: whole ones without a point."""
    return kopecks / 100 if kopecks % 100 else kopecks // 100


def cpa_balance(ask: Ask) -> Any:
    """The advance in kopecks; below zero it is a debt."""
    return wrapped(ask.manners.cpa, {"balance": _cpa(ask)})


def cpa_balance_v2(ask: Ask) -> Any:
    """The same as it was before, wrapped."""
    known = {"balance": _cpa(ask), "advance": ask.account.cpa_advance, "debt": ask.account.cpa_debt}
    return wrapped("result", known)


def _cpa(ask: Ask) -> int:
    if not ask.headers.get("X-Source"):
        raise RefusedError(Reply(400, {"error": {"code": 1001, "message": "X-Source header is required"}}))
    if ask.body is None:
        raise RefusedError(Reply(400, {"error": {"code": 1000, "message": "empty request"}}))
    ask.fields()
    if ask.account.cpa is None:
        raise refused("cpa", 404)
    return ask.account.cpa


def wrapped(form: str, body: Json) -> Any:
    """flat, or under `result` or `data`."""
    return body if form == "flat" else {form: body}


METHODS = (
    Method("self", "GET", "/core/v1/accounts/self", show_self),
    Method("balance", "GET", "/core/v1/accounts/{uid}/balance/", balance),
    Method("operations", "POST", "/core/v1/accounts/operations_history/", operations),
    Method("cpa_v3", "POST", "/cpa/v3/balanceInfo", cpa_balance, "cpa"),
    Method("cpa_v2", "POST", "/cpa/v2/balanceInfo", cpa_balance_v2, "cpa"),
)
