"""Times the operator's pages of posts inside a process of their own, which says one line of JSON.

`python -m benchmarks.posts_page_rows TIMES`: each page so often, as the test client asks for it; milliseconds. The
posts are those of `benchmarks.post_rows old`.
"""

import json
import os
import sys
import time
from datetime import timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.test import Client  # noqa: E402
from django.utils import timezone  # noqa: E402

from accounts.models import Access, User  # noqa: E402
from posts.models import Post, PostTarget  # noqa: E402

LIST, CALENDAR = "/admin/posts/post/", "/admin/posts/post/calendar/"


def pages() -> dict[str, str]:
    """Name -> address; of the chat and the author that have most."""
    today = timezone.localdate()
    month, chat = f"{today - timedelta(days=31):%Y-%m}", PostTarget.objects.values_list("chat", flat=True)[0]
    author = Post.objects.exclude(author=None).order_by("updated_at").values_list("author", flat=True)[0]
    return {
        "list": LIST,
        "list of a state": f"{LIST}?state__exact=published",
        "list of a kind": f"{LIST}?kind__exact=text",
        "list of a chat": f"{LIST}?chat={chat}",
        "list of an author": f"{LIST}?author={author}",
        "list of a month": f"{LIST}?when={month}",
        "list of what is overdue": f"{LIST}?mark=overdue",
        "list with warnings": f"{LIST}?mark=warning",
        "list of what went out late": f"{LIST}?mark=late",
        "search for words": f"{LIST}?q=post+77777",
        "list, page 1000": f"{LIST}?p=1000",
        "list by planned time": f"{LIST}?o=1",
        "calendar": CALENDAR,
        "calendar of the month before": f"{CALENDAR}?month={month}",
        "calendar of a chat": f"{CALENDAR}?month={month}&chat={chat}",
        "calendar of a day": f"{CALENDAR}?day={today - timedelta(days=1)}",
        "overview": "/admin/",
    }


def operator() -> Client:
    """Logged in, with the right to see everything."""
    user, _made = User.objects.get_or_create(
        username="bench-operator",
        defaults={"is_staff": True, "is_superuser": True, "status": Access.ACTIVE, "password": "!"},
    )
    client = Client(headers={"host": "127.0.0.1", "accept-language": "en"})
    client.force_login(user)
    return client


def main(times: int) -> None:
    settings.ALLOWED_HOSTS = ["127.0.0.1", "testserver"]
    client, took = operator(), {}
    for name, address in pages().items():
        spent = []
        for _turn in range(times + 1):
            began = time.perf_counter()
            answer = client.get(address)
            spent.append((time.perf_counter() - began) * 1e3)
            assert answer.status_code == 200, (name, answer.status_code)
        took[name] = spent[1:]  # the first one loads templates and makes statements ready
    print(json.dumps({"took": took}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
