"""Posts for the stories of real processes: planned by a process of its own, and what became of them."""

from collections.abc import Sequence

from tests.acceptance.processes import OLGA, PATIENCE, Stage

NEWS = -1001000000003
# Groups of a crowd, this one and those after it.
FIRST_GROUP = -1002000000000

# Olga may post; group n is the n-th of `groups`, and the channel is the last of all chats.
CHATS = """
from django.utils import timezone
from accounts.models import Access, Chat, User
for n in range({groups}):
    Chat.objects.create(bot_id=1000, telegram_id={first} - n, kind="supergroup", title=f"Group {{n}}",
                        status=Access.ACTIVE, bot_status="member", rights_at=timezone.now())
if {channel}:
    Chat.objects.create(bot_id=1000, telegram_id={news}, kind="channel", title="News", status=Access.ACTIVE,
                        bot_status="administrator", bot_rights={{"can_post_messages": True}}, rights_at=timezone.now())
"""
# `count` posts; the n-th says "post n" and goes to the chat number n of all in turn, planned for `lead` seconds from
# now, each a microsecond after the one before. In one transaction, for one commit is quicker than hundreds.
PLAN = """
from datetime import timedelta
from django.db import transaction
from django.utils import timezone
from accounts.models import Chat, User
from posts import services
from posts.content import Place
now = timezone.now()
olga = User.objects.get(telegram_id={olga})
chats = list(Chat.objects.exclude(kind="private").exclude(title="").order_by("id"))
with transaction.atomic():
    for n in range({count}):
        places = [Place(chats[n % len(chats)])] if {each} else [Place(chat) for chat in chats]
        post = services.create_draft(olga, text=f"post {{n}}", places=places, via="test", now=now)
        at = now + timedelta(seconds={lead}, microseconds=n)
        services.schedule_post(post, at, by=olga, via="test", now=now)
print("planned", flush=True)
"""
PUBLISH = """
import threading
from django.db import connection
from django.utils import timezone
from accounts.models import User
from posts import services
from posts.models import Post
olga = User.objects.get(telegram_id={olga})
barrier = threading.Barrier({times})
def press():
    post = Post.objects.latest("created_at")
    barrier.wait()
    published = services.publish_post(post, by=olga, via="chat", now=timezone.now())
    # In one piece: these threads speak at the same time.
    print(f"published {{published}}\\n", end="", flush=True)
    connection.close()
threads = [threading.Thread(target=press) for _ in range({times})]
for thread in threads: thread.start()
for thread in threads: thread.join()
print("pressed", flush=True)
"""
SETTLE = """
from django.utils import timezone
from accounts.models import User
from posts import services
from posts.models import PostTarget
for target in PostTarget.objects.filter(state="unknown"):
    services.resolve(target, there={there}, by=User.objects.get(telegram_id={olga}), via="chat", now=timezone.now())
print("settled", flush=True)
"""


def let_chats_in(stage: Stage, groups: int = 0, *, channel: bool = True) -> list[int]:
    """The groups and the channel take posts; their numbers in order."""
    for number in range(groups):
        members = {str(OLGA): "creator"}
        stage.sandbox.post(
            "/chat", id=FIRST_GROUP - number, type="supergroup", title=f"Group {number}", members=members
        )
    code = CHATS.format(groups=groups, first=FIRST_GROUP, news=NEWS, channel=channel)
    assert stage.manage("shell", "-v0", "-c", code).wait() == 0
    return [*(FIRST_GROUP - number for number in range(groups)), *([NEWS] if channel else [])]


def plan(stage: Stage, count: int = 1, *, lead: float = 0.0, each: bool = True) -> None:
    """Return when the posts are on record. ``each``: to one chat in turn; else to all of them."""
    code = PLAN.format(count=count, lead=lead, each=each, olga=OLGA)
    stage.manage("shell", "-v0", "-c", code, POSTS_PER_AUTHOR="0").says("planned", 3 * PATIENCE)


def press_publish(stage: Stage, times: int = 1) -> str:
    """Publish the newest post, pressed so often at the same moment; what the presses gave."""
    process = stage.manage("shell", "-v0", "-c", PUBLISH.format(olga=OLGA, times=times))
    process.says("pressed")
    return process.output


def settle(stage: Stage, *, there: bool) -> None:
    """Say of what nobody knows whether it is there."""
    stage.manage("shell", "-v0", "-c", SETTLE.format(there=there, olga=OLGA)).says("settled")


def posts(stage: Stage) -> dict[str, int]:
    """How many posts are in which state."""
    return dict(stage.database.rows("SELECT state, count(*) FROM posts_post GROUP BY state"))


def targets(stage: Stage) -> dict[str, int]:
    return dict(stage.database.rows("SELECT state, count(*) FROM posts_posttarget GROUP BY state"))


def said(stage: Stage, chat_id: int) -> list[str]:
    """What is to be seen in a chat, but for what the service says; in a channel nobody is named."""
    chat = stage.sandbox.get("/state", chat_id=chat_id)["chats"][0]
    return [message["text"] for message in chat["messages"] if "text" in message]


def in_order(texts: Sequence[str]) -> bool:
    numbers = [int(text.split()[1]) for text in texts]
    return numbers == sorted(numbers)


def over(stage: Stage, count: int) -> bool:
    """Every post has come to its end, and nothing waits."""
    ended = sum(posts(stage).get(state, 0) for state in ("published", "partial", "error"))
    return ended == count and not stage.open_rows()
