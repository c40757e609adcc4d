"""A fake Avito: believable sellers, every method a client of ours may call, and everything that goes wrong.

In a test, beside a client whose base address is `sandbox.url + "/avito"`:

    world = AvitoWorld(clock=lambda: now)            # or `sandbox.avito` of a running sandbox
    async with serve_avito(world) as url: ...        # `url` is the base address

    keys = world.keys_of(SEVER)                      # client_id, client_secret
    figures_of(SEVER, date(2026, 3, 2))["views"]     # what it says of a day: slug → count, kopecks, per cent
    world.fill(95000001, chats=1100, messages=100, long={0: 1500}, items=40)

    world.trouble("stats_v2", 403)                   # also families: "messenger"; kinds and options: `troubles`
    world.trouble("token", "invalid_client_200", times=1)
    world.trouble("balance", 400, body={"errors": ["…"]}, times=1, after=2)
    world.trouble("balance", "hold"); await world.until(lambda: world.count("balance") == 1); world.release()
    world.behave(v2="empty", uid=SEVER)              # shapes life is not of one mind about: `world.Manners`
    world.behave(gates=False)
    world.revoke(keys.client_id); world.regenerate(keys.client_id); world.expire_tokens()
    world.accounts[SEVER].cpa = -500_000             # kopecks; real and bonus are roubles
    world.accounts[SEVER].absent.add("views")        # a metric the account does not get

    world.accounts[SEVER].inbox.arrive(2)            # new chats push the others down; write(n) does it to messages

    world.count("stats_v2", uid=SEVER)               # refused ones too; status=200 for the answered
    world.calls[-1].body
    world.move_clock(timedelta(minutes=1))           # or set_clock(...), or the clock given to it

Limits by the minute hold by the world's clock. A trouble that answers in place of the fake does not count against
them; a request refused for what it says does. For a process, the same is at `/_sandbox/avito/`, see `control`.
"""

from .seeds import POLKA, POLKA_KEYS, REMONT, REMONT_KEYS, SEVER, SEVER_KEYS, SEVER_SECOND_KEYS, figures_of
from .serve import serve_avito
from .world import AvitoWorld

__all__ = [
    "POLKA",
    "POLKA_KEYS",
    "REMONT",
    "REMONT_KEYS",
    "SEVER",
    "SEVER_KEYS",
    "SEVER_SECOND_KEYS",
    "AvitoWorld",
    "figures_of",
    "serve_avito",
]
