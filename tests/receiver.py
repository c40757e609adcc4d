"""A program of somebody else that takes calls of webhooks."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager


class Receiver:
    """Answers each call with the next of ``answers``, the last one again and again. None: never."""

    def __init__(self, *answers: int | None) -> None:
        self.answers, self.body = list(answers), b""
        self.heads: list[dict[str, str]] = []
        self.bodies: list[bytes] = []
        self.busy = self.busiest = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/hook"

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        head = {name.lower(): value for name, _colon, value in (line.partition(": ") for line in lines[1:] if line)}
        self.heads.append(head)
        self.bodies.append(await reader.readexactly(int(head["content-length"])))
        self.busy += 1
        self.busiest = max(self.busiest, self.busy)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        await (asyncio.sleep(0.05) if answer is not None else reader.read())
        self.busy -= 1
        length = len(self.body)
        writer.write(f"HTTP/1.1 {answer or 500} X\r\nContent-Length: {length}\r\nLocation: /else\r\n\r\n".encode())
        writer.write(self.body)
        writer.close()

    def close(self) -> None:
        self._server.close()


Receive = Callable[..., Awaitable[Receiver]]


@asynccontextmanager
async def receiving() -> AsyncIterator[Receive]:
    """``await receive(200, 500)``: a receiver that answers so."""
    receivers: list[Receiver] = []

    async def start(*answers: int | None) -> Receiver:
        receivers.append(Receiver(*(answers or (204,))))
        await receivers[-1].start()
        return receivers[-1]

    yield start
    for receiver in receivers:
        receiver.close()
