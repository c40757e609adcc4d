"""The operator's pages of posts beside an archive: the list, each of its filters, the calendar."""

from benchmarks.figures import Figure, Target, median
from benchmarks.grounds import Ground, grounds
from benchmarks.lab import Lab

OLD, TIMES = 100_000, 9
# What a page may take of the server's time.
MOST_MS = 300.0


def posts_pages(lab: Lab) -> list[Figure]:
    """Milliseconds of each page, on both databases."""
    with grounds(lab) as found:
        return [figure for ground in found for figure in _pages(ground)]


def _pages(ground: Ground) -> list[Figure]:
    database = ground.databases.fresh()
    ground.ask(database, "old", OLD, of="benchmarks.post_rows")
    took = ground.ask(database, TIMES, of="benchmarks.posts_page_rows")["took"]
    ground.lab.say(f"pages of posts, {ground.name}: {len(took)} of them, {TIMES} times each")
    return [
        Figure(f"{name} beside {OLD:,} posts, {ground.name}", "ms", median(spent), target=Target(MOST_MS))
        for name, spent in took.items()
    ]
