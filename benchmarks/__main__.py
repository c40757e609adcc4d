"""`make bench`: measure, print the table, say which targets are missed (exit code 1)."""

import argparse
import json
import os
import pstats
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import httpx

from benchmarks.export import export
from benchmarks.figures import Figure, table
from benchmarks.lab import FULL, QUICK, Lab
from benchmarks.load import burst, crowd, latency, throughput
from benchmarks.posts import posts
from benchmarks.posts_pages import posts_pages
from benchmarks.processes import ROOT, FailedError, deadline, measured_python
from benchmarks.reminders import due, lateness, poll
from benchmarks.resources import idle
from benchmarks.services import events, rest
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
    "due": (due, 180, "Reminders due at once"),
    "poll": (poll, 120, "A look whether something is due (the few rows stand under other)"),
    "lateness": (lateness, 120, "Reminders, a thousand a minute"),
    "events": (events, 120, "Events of reminders for other programs"),
    "rest": (rest, 120, "Reminders over REST, one web process"),
    "posts": (posts, 420, "Posts: 500 due at once, and figures beside 100,000 old ones"),
    "posts_pages": (posts_pages, 240, "The operator's pages of posts beside 100,000 old ones"),
    "export": (export, 300, "The export of a large account's chats from Avito"),
}
PREPARE_SECONDS = 90
# Load for each core from which the machine counts as busy with something else.
BUSY = 0.5
PROFILE_LINES = 30
PROFILE_CHATS = 100
PROFILE_SECONDS = 180
# Functions of the project, as against those of libraries.
OURS = rf"^{re.escape(str(ROOT))}/(?!\.venv)"
BROKEN = (FailedError, TimeoutError, httpx.HTTPError)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less of everything: about a minute and a half")
    parser.add_argument("--only", action="append", choices=CASES, metavar="NAME", help=f"one of {', '.join(CASES)}")
    parser.add_argument("--database", default="sqlite", help="sqlite, postgres, or the URL of a PostgreSQL server")
    parser.add_argument("--statements", action="store_true", help="list the database statements of a message")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    told = "instead: where the product's CPU time goes in a burst (the profiles stay in FOLDER)"
    parser.add_argument("--profile", nargs="?", const="", metavar="FOLDER", help=told)
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
    except BROKEN as error:
        say(f"{name} broke: {type(error).__name__}: {error}")
        return [Figure(name, "", None, trouble=f"broke: {error}".splitlines()[0][:90])]


def profile(lab: Lab, kept: str) -> int:
    """Print where the CPU time goes, thread by thread: our functions with all they call, then single functions."""
    folder = Path(kept) if kept else lab.folder / "profiles"
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.glob("*.prof")):
        raise FailedError(f"{folder} holds profiles already; name another folder.")
    entry = ("-m", "benchmarks.product", "--profile", str(folder))
    with deadline(PROFILE_SECONDS), lab.product(entry=entry) as bot:
        load = burst(bot, PROFILE_CHATS, lab.size.per_chat)
    print(f"{load.answers} answers in {load.seconds:.1f} s, profiled: slower than in life\n")
    for path in sorted(folder.glob("*.prof")):
        stats = pstats.Stats(str(path), stream=sys.stdout)
        print(f"\n===== {path.stem}: {stats.total_tt:.2f} s of CPU")  # type: ignore[attr-defined]
        stats.sort_stats("cumulative").print_stats(OURS, PROFILE_LINES)
        stats.strip_dirs().sort_stats("tottime").print_stats(PROFILE_LINES)
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 when every target that was measured is met, 1 when not, 2 when nothing could be measured."""
    options = parse(arguments)
    try:
        with Lab(options.database, QUICK if options.quick else FULL, say) as lab:
            with deadline(PREPARE_SECONDS):
                lab.prepare()
            return report(lab, options) if options.profile is None else profile(lab, options.profile)
    except BROKEN as error:
        say(f"Nothing was measured: {error}")
        return 2


def report(lab: Lab, options: argparse.Namespace) -> int:
    """Measure and print; the exit code."""
    began, load = time.monotonic(), os.getloadavg()[0]
    if load > BUSY * (os.cpu_count() or 1):
        say(f"other work runs here (load {load:.1f}): times will come out too long")
    names = options.only or list(CASES)
    figures = {name: measure(lab, name) for name in names}
    print(f"\n{os.cpu_count()} cores, load {load:.1f} at the start; {measured_python()};", end=" ")
    print(f"{options.database.partition(':')[0]};", end=" ")
    print(f"medians of {lab.size.repeats}; took {time.monotonic() - began:.0f} s\n")
    print(table([(CASES[name][2], figures[name]) for name in names]))
    if options.statements:
        print("\n" + "\n\n".join(lab.notes))
    if options.json:
        options.json.write_text(json.dumps(as_json(figures), indent=1) + "\n", encoding="utf-8")
    return verdict([figure for name in names for figure in figures[name]])


def as_json(figures: Mapping[str, Sequence[Figure]]) -> dict[str, list[dict[str, object]]]:
    """The figures by the name of their measurement, each with its verdict."""
    return {name: [asdict(figure) | {"verdict": figure.verdict} for figure in found] for name, found in figures.items()}


def verdict(figures: Sequence[Figure]) -> int:
    """Say how many targets are missed; the exit code."""
    failed = [figure.what for figure in figures if figure.verdict == "FAIL"]
    print("\n" + (f"Missed: {', '.join(failed)}." if failed else "Every target is met."))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
