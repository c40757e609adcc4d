"""The control API of the Avito fake: JSON in, JSON out, mistakes answered with 400 {"error": "..."}.

Under `/_sandbox/avito/`:
  GET accounts        who there is, with keys; POST accounts {"uid", …}: make or change one, see `change_account`
  POST keys           {"client_id", "revoked"}; POST keys/secret {"client_id"}: a new secret; POST expire {"uid"?}
  GET, POST, DELETE troubles   rules as in `troubles.Trouble`
  GET, POST manners   fields of `world.Manners`, with "uid" for one account
  GET, POST clock     {"now": ISO or null, "still"} or {"shift": seconds}
  GET, DELETE calls   `?method=&uid=&since=`; GET counts; POST release; POST gates: forget what was counted
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from .accounts import Account
from .troubles import Trouble
from .world import AvitoWorld

BASE = "/_sandbox/avito"
Json = dict[str, Any]
Answer = Callable[[AvitoWorld, Json], Any]
CHANGED = ("name", "real", "bonus", "cpa", "cpa_advance", "cpa_debt", "employee", "score", "reviews", "tariff")


def add_routes(app: web.Application, world: AvitoWorld) -> None:
    """Serve the control API."""
    for method, path, answer in ROUTES:
        app.router.add_route(method, f"{BASE}/{path}", _handler(world, answer))


def _handler(world: AvitoWorld, answer: Answer) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        try:
            said = dict(request.query) if request.method in ("GET", "DELETE") else _body(await request.read())
            return web.json_response(answer(world, said), dumps=_dumps)
        except KeyError as error:
            return web.json_response({"error": f"{error.args[0]} is missing or unknown"}, status=400)
        except (ValueError, TypeError) as error:
            return web.json_response({"error": str(error)}, status=400, dumps=_dumps)

    return handle


def _body(raw: bytes) -> Json:
    body = json.loads(raw or b"{}")
    if not isinstance(body, dict):
        raise TypeError("the body must be a JSON object")
    return body


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def list_accounts(world: AvitoWorld, said: Json) -> list[Json]:
    """Everybody, in the order they came."""
    return [shown(world, account) for account in world.accounts.values()]


def shown(world: AvitoWorld, account: Account) -> Json:
    """An account with its keys, for whoever wants to try it."""
    keys = [
        {"client_id": one.client_id, "client_secret": one.client_secret, "revoked": one.revoked}
        for one in world.keys.values()
        if one.uid == account.uid
    ]
    counted = {"items": len(account.stock.items), "chats": account.inbox.chats}
    plain = {name: getattr(account, name) for name in CHANGED}
    rest = {"absent": sorted(account.absent), "closed": account.closed, "manners": account.manners}
    return {"uid": account.uid, "about": account.about, "keys": keys, **plain, **counted, **rest}


def change_account(world: AvitoWorld, said: Json) -> Json:
    """Make an account, or change what is named of one: its plain fields, `absent`, `closed`.

    A new one takes `items`, `passing`, `chats`, `messages` and `long` ({"chat number": messages}) besides. ValueError
    for what an account has not, and for troubles that do not exist.
    """
    said = dict(said)
    uid = int(said.pop("uid"))
    if "absent" in said:
        said["absent"] = set(said["absent"])
    for section, kind in said.get("closed", {}).items():
        Trouble(section, kind)
    if "long" in said:
        said["long"] = {int(chat): count for chat, count in said["long"].items()}
    if uid not in world.accounts:
        return shown(world, world.fill(uid, **said))
    unknown = said.keys() - {*CHANGED, "absent", "closed"}
    if unknown:
        raise ValueError(f"cannot be changed in an account: {', '.join(sorted(unknown))}")
    for name, value in said.items():
        setattr(world.accounts[uid], name, value)
    return shown(world, world.accounts[uid])


def change_keys(world: AvitoWorld, said: Json) -> Json:
    """Revoke a pair of keys, or restore it."""
    world.revoke(said["client_id"], revoked=bool(said.get("revoked", True)))
    return {"client_id": said["client_id"], "revoked": world.keys[said["client_id"]].revoked}


def new_secret(world: AvitoWorld, said: Json) -> Json:
    """Regenerate the secret of a pair."""
    return {"client_id": said["client_id"], "client_secret": world.regenerate(said["client_id"])}


def expire(world: AvitoWorld, said: Json) -> Json:
    """End tokens now."""
    return {"expired": world.expire_tokens(said.get("uid"))}


def list_troubles(world: AvitoWorld, said: Json) -> list[Json]:
    """The rules, and how often they matched."""
    return [rule.as_dict() for rule in world.troubles]


def add_trouble(world: AvitoWorld, said: Json) -> Json:
    """Add a rule."""
    more = {name: value for name, value in said.items() if name not in ("section", "kind", "uid")}
    return world.trouble(said["section"], said["kind"], said.get("uid"), **more).as_dict()


def clear_troubles(world: AvitoWorld, said: Json) -> list[Json]:
    """No more rules."""
    world.calm()
    return []


def show_manners(world: AvitoWorld, said: Json) -> Json:
    """How it answers, to everybody or to one account."""
    return asdict(world.manner(int(said["uid"]) if "uid" in said else None))


def change_manners(world: AvitoWorld, said: Json) -> Json:
    """Change some of it."""
    uid = said.get("uid")
    world.behave(uid, **{name: value for name, value in said.items() if name != "uid"})
    return asdict(world.manner(uid))


def show_clock(world: AvitoWorld, said: Json) -> Json:
    """What time it is here."""
    return {"now": world.now().isoformat()}


def change_clock(world: AvitoWorld, said: Json) -> Json:
    """Set it, or move it."""
    if "shift" in said:
        world.move_clock(timedelta(seconds=float(said["shift"])))
    else:
        now = said["now"] and datetime.fromisoformat(said["now"])
        world.set_clock(now or None, still=bool(said.get("still", False)))
    return show_clock(world, {})


def list_calls(world: AvitoWorld, said: Json) -> list[Json]:
    """The calls, the oldest first."""
    uid = int(said["uid"]) if "uid" in said else None
    since = int(said.get("since", 0))
    return [call.as_dict() for call in world.found(said.get("method"), uid) if call.n > since]


def clear_calls(world: AvitoWorld, said: Json) -> list[Json]:
    """Forget the calls."""
    world.calls.clear()
    return []


def counts(world: AvitoWorld, said: Json) -> Json:
    """How many calls of each method."""
    uid = int(said["uid"]) if "uid" in said else None
    return dict(Counter(call.method for call in world.found(said.get("method"), uid)))


def release(world: AvitoWorld, said: Json) -> Json:
    """Let go what is held."""
    world.release()
    return {}


def forget_limits(world: AvitoWorld, said: Json) -> Json:
    """As if nothing had been asked in the last minute."""
    world.open_gates()
    return {}


ROUTES: tuple[tuple[str, str, Answer], ...] = (
    ("GET", "accounts", list_accounts),
    ("POST", "accounts", change_account),
    ("POST", "keys", change_keys),
    ("POST", "keys/secret", new_secret),
    ("POST", "expire", expire),
    ("GET", "troubles", list_troubles),
    ("POST", "troubles", add_trouble),
    ("DELETE", "troubles", clear_troubles),
    ("GET", "manners", show_manners),
    ("POST", "manners", change_manners),
    ("GET", "clock", show_clock),
    ("POST", "clock", change_clock),
    ("GET", "calls", list_calls),
    ("DELETE", "calls", clear_calls),
    ("GET", "counts", counts),
    ("POST", "release", release),
    ("POST", "gates", forget_limits),
)
