"""The bot one would write in an evening: the library's own polling and transport, nothing stored, nothing limited.

It sets the mark for the product: one streamed question to a model, one message with the answer. Settings come
from BARE_TOKEN, BARE_TELEGRAM_URL, BARE_MODEL_URL and BARE_MODEL.
"""

import json
import os
from typing import Any

import httpx
from telegram import Update
from telegram.ext import Application, ApplicationBuilder, ContextTypes, MessageHandler, filters

# Above the 100 that httpx opens by itself, or 200 chats with a slow model would wait for one another.
CONNECTIONS = 256
TIMEOUT_SEC = 60.0

model = httpx.AsyncClient(
    timeout=TIMEOUT_SEC, limits=httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS)
)


async def ask(question: str) -> str:
    """The model's whole answer, read from the stream as it comes."""
    body = {
        "model": os.environ["BARE_MODEL"],
        "messages": [{"role": "user", "content": question}],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    url = f"{os.environ['BARE_MODEL_URL']}/chat/completions"
    answer = ""
    async with model.stream("POST", url, json=body, headers={"Authorization": "Bearer sandbox"}) as response:
        response.raise_for_status()
        async for line in response.aiter_lines():
            if line.startswith("data: ") and line != "data: [DONE]":
                answer += text_of(json.loads(line[6:]))
    return answer


def text_of(event: dict[str, Any]) -> str:
    """The words in one event of the stream; the first and the last events have none."""
    return "".join(choice["delta"].get("content") or "" for choice in event["choices"])


async def reply(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """One question, one answer."""
    message = update.effective_message
    assert message is not None
    assert message.text
    await context.bot.send_message(message.chat_id, await ask(message.text))


async def close(_application: Application[Any, Any, Any, Any, Any, Any]) -> None:
    """Close the connections to the model."""
    await model.aclose()


def main() -> None:
    """Poll until SIGTERM."""
    application = (
        ApplicationBuilder()
        .token(os.environ["BARE_TOKEN"])
        .base_url(f"{os.environ['BARE_TELEGRAM_URL']}/bot")
        .concurrent_updates(True)
        .post_shutdown(close)
        .build()
    )
    application.add_handler(MessageHandler(filters.TEXT, reply))
    application.run_polling()


if __name__ == "__main__":
    main()
