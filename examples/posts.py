"""Posts from a program on the same machine: every verb once, against the sandbox, with nothing of yours touched.

    python examples/posts.py

It starts a sandbox (a Telegram of play) and the bot as processes of their own around a scratch database, calls the
verbs of `posts.services` as they are, prints what each of them did, and shows at the end what stands in the channel.
From another machine the same is said over REST: docs/howto/posts-from-another-service.md.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TOKEN = "1000:sandbox-token"
BOT, EDITOR, CHANNEL = 1000, 101, -1001000000003
PATIENCE = 60  # seconds


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings = {
            "SEKRETAR_IGNORE_DOTENV": "1",
            "SECRET_KEY": "only-for-this-example-0123456789-0123456789",
            "BOT_TOKEN": TOKEN,
            "DATABASE_URL": f"sqlite:///{folder}/example.sqlite3",
            "FILES_DIR": f"{folder}/files",
            "LANGUAGE_CODE": "en",
            "LOG_LEVEL": "ERROR",
            "ENABLE_SCHEDULER": "0",
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }
        os.environ.update(settings)
        with sandbox(folder) as url:
            os.environ["TELEGRAM_API_URL"] = url
            prepare()
            run(url, folder)


@contextmanager
def sandbox(folder: str) -> Iterator[str]:
    """A Telegram of play; its URL."""
    with process(folder, "-m", "sandbox", "--port", "0", "--bot-token", TOKEN) as log:
        yield json.loads(until(lambda: log.read_text().partition("\n")[0]))["url"]


@contextmanager
def process(folder: str, *command: str) -> Iterator[Path]:
    """A Python process; the file with its output. It is ended with the block."""
    log = Path(folder, f"{'-'.join(command[:2])}.log".replace("/", "-"))
    with log.open("w") as output:
        started = subprocess.Popen([sys.executable, *command], cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield log
    finally:
        started.terminate()
        started.wait(PATIENCE)


def until(look: Callable[[], Any]) -> Any:
    """What ``look()`` gives once there is something."""
    end = time.monotonic() + PATIENCE
    while not (found := look()):
        if time.monotonic() > end:
            raise SystemExit(f"This did not happen within {PATIENCE} s.")
        time.sleep(0.05)
    return found


def prepare() -> None:
    """A database, and Django. What is ours can be imported only after this."""
    sys.path.insert(0, str(ROOT))
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


def people(now: datetime) -> tuple[Any, Any]:
    """Somebody who may post, and the channel, let in as an admin does it."""
    from accounts import services as accounts
    from accounts.models import Access, Role, User

    accounts.approve_telegram_ids([EDITOR], role=Role.EDITOR, by=None, via="command", now=now)
    author = User.objects.get(telegram_id=EDITOR)
    accounts.set_time_zone(author, "Europe/Moscow")
    channel = accounts.see_chat(BOT, CHANNEL, "channel", "News", None, now=now)
    accounts.decide_chat(channel, Access.ACTIVE, by=None, via="command", now=now)
    # Usually Telegram tells it when the bot is made an administrator there.
    accounts.set_rights(channel, "administrator", {"can_post_messages": True, "can_delete_messages": True}, now)
    return author, channel


def run(url: str, folder: str) -> None:
    from django.utils import timezone

    author, channel = people(timezone.now())
    planned = plan(author, channel)
    with process(folder, "manage.py", "runbot"):
        publish(planned, author, channel, url)
    look_at_figures()
    show_channel(url)


def told(verb: str, said: object) -> None:
    print(f"{verb:28} {said}")


def plan(author: Any, channel: Any) -> Any:
    """Before the bot runs: drafts and plans. The post that goes out later is given back."""
    from django.utils import timezone

    from posts.content import Place

    now = timezone.now()
    news = plan_news(author, [Place(channel)], now)
    call_off_sale(author, [Place(channel)], now)
    miss_morning(author, [Place(channel)], now)
    return news


def plan_news(author: Any, places: list[Any], now: datetime) -> Any:
    from posts import services

    who = {"by": author, "via": "command"}
    news = services.create_draft(
        author, text="**Doors open** at seven.\n\nBring a friend.", places=places, via="command", now=now,
        buttons=[[{"text": "Tickets", "url": "https://example.org/tickets"}]],
    )  # fmt: skip
    told("create_draft", f"“{news.title}” is a {news.state}")

    services.schedule_post(news, now + timedelta(hours=1), **who, now=now)
    told("schedule_post", f"for {news.planned_at:%H:%M:%S} UTC")
    services.reschedule_post(news, now + timedelta(seconds=2), **who, now=now)
    told("reschedule_post", f"for {news.planned_at:%H:%M:%S} UTC: as soon as the bot runs")
    return news


def call_off_sale(author: Any, places: list[Any], now: datetime) -> None:
    from posts import services

    who = {"by": author, "via": "command"}
    wall = (now + timedelta(days=30)).replace(hour=9, minute=0, second=0, microsecond=0, tzinfo=None)
    sale = services.create_draft(author, text="Sale!", places=places, via="command", now=now)
    services.schedule_post(sale, wall, "Europe/Moscow", **who, now=now)
    told("schedule_post", f"nine by Moscow's clock is {sale.planned_at:%H:%M} UTC, whatever else changes")
    services.cancel_post(sale, "Nothing is left to sell", **who, now=now)
    told("cancel_post", f"“{sale.title}” is {sale.state}: {sale.status_reason}")


def miss_morning(author: Any, places: list[Any], now: datetime) -> None:
    from posts import services

    missed = services.create_draft(
        author, text="Good morning!", places=places, via="command", now=now, expire_hours=1
    )  # fmt: skip
    services.schedule_post(missed, now + timedelta(minutes=1), by=author, via="command", now=now)
    for post in services.get_next_scheduled_posts(limit=5):
        told("get_next_scheduled_posts", f"{post.planned_at:%H:%M:%S} “{post.title}”")
    for job in services.get_scheduled_jobs(limit=5):
        told("get_scheduled_jobs", f"{job.at:%H:%M:%S} {job.what} “{job.post.title}”")
    checked = services.check_scheduled_posts(now)
    told("check_scheduled_posts", f"{len(checked.problems)} with problems, {checked.expired} expired")
    expire(missed, now)


def expire(missed: Any, now: datetime) -> None:
    """As if nothing had run for an hour and a half: the clock is an argument of every verb."""
    from posts import services

    told("expire_posts", f"{services.expire_posts(now + timedelta(minutes=90))} given up")
    missed.refresh_from_db()
    told("", f"“{missed.title}” is {missed.state}; its author is told, nothing is sent")


def publish(news: Any, author: Any, channel: Any, url: str) -> None:
    """While the bot runs: what is due goes out by itself, the rest when it is told to."""
    from django.utils import timezone

    from posts import services
    from posts.content import Place

    until(lambda: state_of(news) == "published")
    told("", f"“{news.title}” went out by itself")

    poll = services.create_poll_post(
        author, "Tea or coffee?", ["Tea", "Coffee"], places=[Place(channel)], via="command", now=timezone.now()
    )
    told("create_poll_post", f"“{poll.title}” is a {poll.kind}")
    for _click in range(2):
        began = services.publish_post(poll, by=author, via="command", now=timezone.now())
        told("publish_post", "it is going out" if began else "it is going out already, and goes out once")
    until(lambda: state_of(poll) == "published")

    # The channel refuses one message: what becomes of it is told, and can be repaired.
    ask(url, "faults", {"rules": [{"method": "sendMessage", "kind": "403", "chat_id": CHANNEL}]})
    late = services.create_draft(
        author, text="The last train goes at ten.", places=[Place(channel)], via="command", now=timezone.now()
    )
    services.publish_post(late, by=author, via="command", now=timezone.now())
    until(lambda: state_of(late) == "error")
    for post in services.get_posts_with_errors(limit=5):
        target = post.targets.get()
        told("get_posts_with_errors", f"“{post.title}” in {target.chat}: {target.error}")
    repair(late, author, channel)


def repair(late: Any, author: Any, channel: Any) -> None:
    """Whoever mends the bot's rights lets it go out once more."""
    from django.utils import timezone

    from accounts import services as accounts
    from posts import services

    now = timezone.now()
    accounts.mark_reachable(BOT, CHANNEL)
    accounts.set_rights(channel, "administrator", {"can_post_messages": True, "can_delete_messages": True}, now)
    services.retry_failed(late, by=author, via="command", now=now)
    until(lambda: state_of(late) == "published")
    told("retry_failed", f"“{late.title}” is published")


def state_of(post: Any) -> str:
    post.refresh_from_db()
    return str(post.state)


def look_at_figures() -> None:
    from django.utils import timezone

    from posts import services

    stats = services.get_scheduler_stats(timezone.now())
    told(
        "get_scheduler_stats",
        ", ".join(f"{name} {stats[name]}" for name in ("scheduled", "published", "error", "ready")),
    )
    status = services.get_scheduler_status(timezone.now())
    told("get_scheduler_status", f"alive {status.alive}, overdue {status.overdue}, planned {status.planned}")


def show_channel(url: str) -> None:
    print("\nIn the channel:")
    [channel] = ask(url, f"state?chat_id={CHANNEL}")["chats"]
    for message in channel["messages"]:
        poll = message.get("poll")
        print("  " + (f"poll: {poll['question']}" if poll else message.get("text", "").replace("\n", " ")))


def ask(url: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """The sandbox's own doors: here is what Telegram would never tell."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(f"{url}/_sandbox/{path}", data, headers)) as answer:
        return json.load(answer)


if __name__ == "__main__":
    main()
