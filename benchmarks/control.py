"""The sandbox's control API, seen from a measurement."""

import time
from typing import Any

import httpx

from benchmarks.answers import QUESTION, Json

LOOK_SECONDS = 0.1
# One request waits no longer than this; the client gives it as much again before it calls the sandbox dead.
WAIT_SECONDS = 10.0


class Control:
    """Plays the people and asks what became of it. Raises httpx.HTTPError, and TimeoutError where it waits."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = httpx.Client(base_url=f"{url}/_sandbox", timeout=2 * WAIT_SECONDS)

    def get(self, path: str, **query: Any) -> Any:
        return self.http.get(path, params=query).raise_for_status().json()

    def post(self, path: str, **body: Any) -> Any:
        return self.http.post(path, json=body).raise_for_status().json()

    def answer_how(self, **behaviour: Any) -> None:
        """From now on every model answers so (`delay`, `slow`, `pace`, … of the sandbox's rules)."""
        self.http.delete("llm/rules").raise_for_status()
        self.post("llm/rules", rules=[behaviour])

    def forget(self) -> None:
        """Forget the calls so far, of the bot and of the models."""
        for path in ("calls", "llm/calls"):
            self.http.delete(path).raise_for_status()

    def ask(self, first: int, chats: int, per_chat: int = 1, text: str = QUESTION) -> Json:
        """Let people write; {"began", "ended"} are in seconds since the epoch."""
        found: Json = self.post("burst", first_id=first, chats=chats, per_chat=per_chat, text=text)
        return found

    def counts(self, **query: Any) -> dict[str, int]:
        """Successful calls by method."""
        found: dict[str, int] = self.get("counts", **query)
        return found

    def wait_for(self, method: str, least: int, seconds: float) -> None:
        """Return once so many calls succeeded. TimeoutError."""
        end, found = time.monotonic() + seconds, -1
        while found < least:
            left = end - time.monotonic()
            if found >= 0 and left <= 0:
                raise TimeoutError(f"{found} of {least} calls of {method} within {seconds:.0f} s")
            wait = max(0.0, min(left, WAIT_SECONDS))
            found = self.counts(method=method, at_least=least, timeout=wait).get(method, 0)

    def wait_for_calm(self, quiet: float = 0.4, seconds: float = 30.0) -> None:
        """Return once the bot called nothing for `quiet` seconds. TimeoutError."""
        end, last, since = time.monotonic() + seconds, self.counts(), time.monotonic()
        while time.monotonic() - since < quiet:
            if time.monotonic() > end:
                raise TimeoutError(f"the bot did not come to rest within {seconds:.0f} s")
            time.sleep(LOOK_SECONDS)
            if (now := self.counts()) != last:
                last, since = now, time.monotonic()

    def calls(self, method: str = "") -> list[Json]:
        """What the bot called since `forget`, oldest first; a poll that still waits is not among it."""
        found: list[Json] = self.get("calls", **({"method": method} if method else {}))
        return found

    def model_calls(self) -> list[Json]:
        """What the models were asked since `forget`."""
        found: list[Json] = self.get("llm/calls")
        return found

    def chats(self) -> list[Json]:
        """Every chat with its messages."""
        found: list[Json] = self.get("state")["chats"]
        return found

    def messages(self, chat_id: int) -> list[Json]:
        """The messages of one chat."""
        found: list[Json] = self.get("state", chat_id=chat_id)["chats"][0]["messages"]
        return found

    def close(self) -> None:
        self.http.close()
