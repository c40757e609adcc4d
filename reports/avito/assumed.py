"""What Avito's API description does not settle. Each line is a guess that clients in use agree on, or the safe side of
one; nothing else in the client depends on a guess, so a fact that turns up is written here.

Settled elsewhere: the wallet and the parts of ``spendings`` are roubles, the advance and the money of statistics v2 are
kopecks (Avito's API descriptions, user.json, items.json and cpa.json, 2026).
"""

from datetime import timedelta
from zoneinfo import ZoneInfo

# Where Avito's days begin, and the zone of times it names without one.
ZONE = ZoneInfo("Europe/Moscow")

# --- tokens: the description says 24 hours; some answers leave the field out
LIFETIME = timedelta(hours=1)
# Renewed so much before the end, but never before half of the life is over.
AHEAD = timedelta(minutes=5)

# --- limits: counted for each account; most answers carry no header that says how long to wait
# Seconds after a 429 without one, where a method takes one call a minute.
WAIT_OF_SLOW = 65.0
# Elsewhere, by how many came in a row; and how long after a pause another one still counts as in a row.
WAITS = (5.0, 10.0, 20.0, 30.0, 45.0)
IN_A_ROW = timedelta(minutes=2)
# What a header may ask for; outside it is no number of seconds to believe.
LONGEST_WAIT = 3600.0

# --- the header that calls about target actions must have; what it should say is not described
SOURCE = "sekretar"

# --- money: `spendingBonus` too is taken for kopecks, as its neighbours in statistics v2
KOPECKS = 100

# --- the names of `spendings` parts, as statistics v2 calls the same money
PARTS = {
    "promotion": "promoSpending",
    "presence": "presenceSpending",
    "rest": "restSpending",
    "commission": "commission",
}
# Of them together: bonuses are not counted in.
TOGETHER = "spending"
