"""Whether a message of a group is meant for the bot."""

from telegram import Message
from telegram.ext import ExtBot


def replies_to(message: Message, user_id: int) -> bool:
    """In a topic, everything that replies to nothing stands as a reply to the message that created the topic."""
    replied = message.reply_to_message
    if replied is None or replied.from_user is None or replied.forum_topic_created is not None:
        return False
    return replied.from_user.id == user_id


def without_name(message: Message, bot: ExtBot[str]) -> str | None:
    """What is said beside the bot's name; None when it is not named."""
    said = message.text or message.caption or ""
    kinds: list[str | None] = ["mention", "text_mention"]
    for entity, part in (message.parse_entities(kinds) | message.parse_caption_entities(kinds)).items():
        if part.lower() == f"@{bot.username}".lower() or (entity.user is not None and entity.user.id == bot.id):
            return said.replace(part, "", 1).strip()
    return None
