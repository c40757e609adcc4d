"""Server-sent events, as far as model providers use them: bytes in, the ``data`` of each event out.

Our own and not httpx-sse, which takes twice the time for the same stream (3.6 against 1.9 microseconds an event, JSON
not counted) and drops an event that only the end of the body completes.
"""

from collections.abc import Iterator

MAX_LINE = 32 * 2**20  # bytes; a server that never ends its line must not fill the memory


class SSEReader:
    """Cuts a body that comes in pieces of any size into events.

    Lines end with LF or CRLF. They are cut as bytes, so a character that arrives in halves is whole again when its
    line is. Comments, other fields and blank lines yield nothing.
    """

    __slots__ = ("_data", "_rest")

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The data of every event that ``chunk`` completes. Raises ValueError for an endless line."""
        lines = (self._rest + chunk).split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > MAX_LINE:
            raise ValueError("a line of the stream is too long")
        for line in lines:
            yield from self._line(line)

    def end(self) -> Iterator[bytes]:
        """The event that the end of the body completes, if it was not closed by a blank line."""
        rest, self._rest = self._rest, b""
        yield from self._line(rest)
        yield from self._line(b"")

    def _line(self, line: bytes) -> Iterator[bytes]:
        if line[-1:] == b"\r":
            line = line[:-1]
        if line[:5] == b"data:":
            self._data.append(line[6:] if line[5:6] == b" " else line[5:])
        elif not line and self._data:
            data, self._data = self._data, []
            yield data[0] if len(data) == 1 else b"\n".join(data)
