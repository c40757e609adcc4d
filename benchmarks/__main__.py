"""`make bench`: measure, print the table, say which targets are missed (exit code 1)."""

import argparse
import os
import pstats
import sys
import time
from collections.abc import Callable, Sequence

import httpx

from benchmarks.figures import Figure, table
from benchmarks.lab import FULL, QUICK, Lab
from benchmarks.load import burst, crowd, latency, throughput
from benchmarks.processes import FailedError, deadline
from benchmarks.resources import idle
from benchmarks.storage import dialogs, queries
from benchmarks.streams import streams

Case = Callable[[Lab], list[Figure]]
# Name -> what is measured, the most seconds it may take, and what the table calls it.
CASES: dict[str, tuple[Case, float, str]] = {
    "throughput": (throughput, 180, "Throughput: 4 messages in each of many chats, a model that answers at once"),
    "crowd": (crowd, 90, "A crowd: 200 chats at once, a model that thinks for 2 seconds"),
    "latency": (latency, 90, "One message at a time"),
    "streams": (streams, 90, "Answers of 4 seconds, flood limits on"),
    "idle": (idle, 90, "At rest"),
    "queries": (queries, 90, "The database"),
    "dialogs": (dialogs, 90, "Long dialogs (the short one stands under other)"),
}
PREPARE_SECONDS = 90
PROFILE_LINES = 30


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less of everything: about a minute and a half")
    parser.add_argument("--only", action="append", choices=CASES, metavar="NAME", help=f"one of {', '.join(CASES)}")
    parser.add_argument("--database", default="sqlite", help="sqlite, postgres, or the URL of a PostgreSQL server")
    parser.add_argument("--statements", action="store_true", help="list the database statements of a message")
    parser.add_argument("--profile", action="store_true", help="instead: where the product's CPU time goes in a burst")
    return parser.parse_args(arguments)


def say(text: str) -> None:
    """Progress, for people who wait."""
    print(f"[{time.strftime('%H:%M:%S')}] {text}", file=sys.stderr, flush=True)


def measure(lab: Lab, name: str) -> list[Figure]:
    """The figures of a case; what broke it is a failed one."""
    case, seconds, _title = CASES[name]
    try:
        with deadline(seconds):
            return case(lab)
    except (FailedError, TimeoutError, httpx.HTTPError) as error:
        say(f"{name} broke: {type(error).__name__}: {error}")
        return [Figure(name, "", None, trouble=f"broke: {error}".splitlines()[0][:90])]


def profile(lab: Lab) -> None:
    """Print the functions that took most CPU time, thread by thread."""
    folder = lab.folder / "profiles"
    folder.mkdir()
    with deadline(180), lab.product(entry=("-m", "benchmarks.product", "--profile", str(folder))) as bot:
        load = burst(bot, lab.size.chats, lab.size.per_chat)
    print(f"{load.answers} answers in {load.seconds:.1f} s, profiled: slower than in life\n")
    for path in sorted(folder.iterdir()):
        stats = pstats.Stats(str(path), stream=sys.stdout)
        print(f"{path.name}: {stats.total_tt:.2f} s of CPU")  # type: ignore[attr-defined]
        stats.strip_dirs().sort_stats("tottime").print_stats(PROFILE_LINES)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 when every target that was measured is met."""
    options = parse(arguments)
    size = QUICK if options.quick else FULL
    began = time.monotonic()
    with deadline(PREPARE_SECONDS):
        lab = Lab(options.database, size, say).__enter__()
    try:
        if options.profile:
            profile(lab)
            return 0
        names = options.only or list(CASES)
        figures = {name: measure(lab, name) for name in names}
    finally:
        lab.__exit__()
    print(f"\n{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {options.database.partition(':')[0]};", end=" ")
    print(f"medians of {size.repeats}; took {time.monotonic() - began:.0f} s\n")
    print(table([(CASES[name][2], figures[name]) for name in names]))
    if options.statements:
        print("\n" + "\n\n".join(lab.notes))
    return verdict([figure for name in names for figure in figures[name]])


def verdict(figures: Sequence[Figure]) -> int:
    """Say how many targets are missed; the exit code."""
    failed = [figure.what for figure in figures if figure.verdict == "FAIL"]
    print("\n" + (f"Missed: {', '.join(failed)}." if failed else "Every target is met."))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
