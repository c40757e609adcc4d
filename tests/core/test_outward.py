"""Addresses that people or models give: only public ones are called, within bounds of time and size."""

import asyncio
import gzip
import socket
import ssl
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pytest_django import Settings

from core import outward
from core.outward import Answer, OutwardError, allow, checked, request

Write = Callable[[str], bytes]


@pytest.fixture
def neighbours(settings: Settings) -> None:
    """The servers of these tests are on this machine."""
    settings.OUTWARD_ALLOW_PRIVATE = True


@pytest.fixture(autouse=True)
def _strangers_only(settings: Settings) -> None:
    settings.OUTWARD_ALLOW_PRIVATE = False


class Server:
    """Answers each request with what ``write`` makes of its head; ``heads`` are those it got."""

    def __init__(self, write: Write, *, hangs: bool = False, tls: ssl.SSLContext | None = None) -> None:
        self.write, self.hangs, self.tls = write, hangs, tls
        self.heads: list[str] = []
        self.bodies: list[bytes] = []

    async def start(self) -> "Server":
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", 0, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next((int(line[15:]) for line in head.split("\r\n") if line.lower().startswith("content-length:")), 0)
        self.heads.append(head)
        self.bodies.append(await reader.readexactly(length))
        writer.write(self.write(head))
        try:
            await writer.drain()
            if self.hangs:
                await reader.read()
        except ConnectionError:
            pass
        writer.close()

    def close(self) -> None:
        self._server.close()


Start = Callable[..., Awaitable[Server]]


@pytest_asyncio.fixture
async def serve() -> AsyncIterator[Start]:
    """``await serve(write)``: a server on this machine."""
    servers: list[Server] = []

    async def start(write: Write, **more: Any) -> Server:
        servers.append(await Server(write, **more).start())
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def said(body: bytes = b"hi", status: str = "200 OK", **headers: str) -> bytes:
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *lines])
    return f"{head}\r\n\r\n".encode() + body


def moved(target: str, status: str = "302 Found") -> bytes:
    return said(b"", status, Location=target)


async def refusal(url: str, **more: Any) -> str:
    """The kind of the error that a request to ``url`` ends with."""
    with pytest.raises(OutwardError) as caught:
        await request(more.pop("method", "GET"), url, **more)
    assert str(caught.value).endswith(".")
    return caught.value.kind


# --- which addresses ------------------------------------------------------------------------------------------------

PRIVATE = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.0.9",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::7f00:1",
    "2002:7f00:1::",
    "2002:c0a8:101::1",
    "2001:0:7f00:1::1",
    "2001:db8::1",
    "3fff::1",
    "5f00::1",
    "4000::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "ff02::1",
]
PUBLIC = ["93.184.215.14", "8.8.8.8", "2606:2800:21f:cb07::1", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"]


@pytest.mark.parametrize("address", PRIVATE)
def test_address_that_is_not_public_is_refused(address: str) -> None:
    with pytest.raises(OutwardError) as caught:
        allow(address)
    assert caught.value.kind == "private"


@pytest.mark.parametrize("address", PUBLIC)
def test_public_address_is_allowed(address: str) -> None:
    allow(address)


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "100.64.0.1", "::1", "fd00::1", "::ffff:192.168.1.1"])
def test_neighbours_are_allowed_where_the_operator_says_so(neighbours: None, address: str) -> None:
    allow(address)


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1", "0.0.0.0", "::", "224.0.0.1", "255.255.255.255"])
def test_metadata_of_a_cloud_is_refused_even_among_neighbours(neighbours: None, address: str) -> None:
    with pytest.raises(OutwardError):
        allow(address)


BAD_FORM = [
    "",
    "example.com",
    "//example.com/",
    "/etc/passwd",
    "ftp://example.com/",
    "file:///etc/passwd",
    "gopher://example.com/",
    "data:text/plain,hi",
    "http://",
    "http:///path",
    "http://exa mple.com/",
    "http://example.com/\r\nHost: other",
    "http://example.com\\@127.0.0.1/",
    "http://example.com:port/",
    "http://example.com:99999/",
    "http://[::1",
    "http://user@example.com/",
    "http://user:word@example.com/",
    "http://:word@example.com/",
    "http://example.com:22/",
    "http://example.com:25/",
    "http://example.com:0/",
    "https://example.com:1023/",
    "http://example.com/" + "x" * 2048,
]


@pytest.mark.parametrize("url", BAD_FORM)
def test_what_is_no_address_to_be_called_is_refused(url: str) -> None:
    with pytest.raises(OutwardError) as caught:
        checked(url)
    assert (caught.value.kind, caught.value.permanent) == ("address", True)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com",
        "https://example.com:443/a?b=c",
        "HTTP://EXAMPLE.COM:80/",
        "https://пример.рф:8443/страница",
    ],
)
def test_ordinary_address_is_good(url: str) -> None:
    assert checked(url).scheme in ("http", "https")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://localhost/",
        "http://LOCALHOST./",
        "http://①②⑦.⓪.⓪.①/",
    ],
)
async def test_this_machine_is_not_called_however_it_is_written(url: str) -> None:
    assert await refusal(url) in ("private", "address", "dns")


async def test_server_on_this_machine_hears_nothing(serve: Start) -> None:
    server = await serve(lambda _head: said())

    assert await refusal(server.url) == "private"
    assert await refusal(f"http://localhost:{server.port}/") == "private"
    assert server.heads == []


async def test_name_that_stands_for_a_public_and_a_private_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    names(monkeypatch, ["93.184.215.14", "10.0.0.1"])

    assert await refusal("http://both.example/") == "private"


async def test_name_that_changes_what_it_stands_for_gains_nothing(
    monkeypatch: pytest.MonkeyPatch, serve: Start
) -> None:
    """The address that was looked at is the one that is called: the name is asked for once."""
    server = await serve(lambda _head: said())
    asked = names(monkeypatch, ["192.0.2.1"], ["127.0.0.1"])

    assert await refusal(f"http://rebinds.example:{server.port}/") == "private"
    assert (asked, server.heads) == (["rebinds.example"], [])


async def test_name_is_asked_for_once_and_stays_in_the_request(
    neighbours: None, monkeypatch: pytest.MonkeyPatch, serve: Start
) -> None:
    server = await serve(lambda _head: said())
    asked = names(monkeypatch, ["127.0.0.1"], ["127.0.0.1"])
    answer = await request("GET", f"http://inside.example:{server.port}/page")

    assert asked == ["inside.example"]
    assert f"Host: inside.example:{server.port}" in server.heads[0]
    assert answer.url == f"http://inside.example:{server.port}/page"


def names(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Let the system's resolver say, at each question, the next of ``answers``; the names it was asked for."""
    asked: list[str] = []

    def resolve(host: str, port: int, *_more: Any, **_named: Any) -> list[Any]:
        asked.append(host)
        kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
        return [(*kind, (address, port)) for address in answers[min(len(asked), len(answers)) - 1]]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return asked


async def test_unknown_name_is_said_to_be_unknown() -> None:
    assert await refusal("http://no-such-name.invalid/") == "dns"


async def test_proxy_of_the_environment_is_not_asked(
    neighbours: None, monkeypatch: pytest.MonkeyPatch, serve: Start
) -> None:
    proxy, server = await serve(lambda _head: said(b"proxy")), await serve(lambda _head: said(b"server"))
    monkeypatch.setenv("http_proxy", proxy.url)

    assert (await request("GET", server.url)).body == b"server"
    assert proxy.heads == []


# --- what is asked and answered -------------------------------------------------------------------------------------


async def test_answer_comes_home_with_status_headers_and_body(neighbours: None, serve: Start) -> None:
    server = await serve(lambda _head: said(b"gone", "410 Gone", X_Why="moved away"))
    answer = await request("GET", f"{server.url}/a?b=c#part")

    assert (answer.status, answer.body, answer.headers["x-why"]) == (410, b"gone", "moved away")
    assert answer.url == f"{server.url}/a?b=c"


async def test_method_headers_and_body_are_sent_as_given(neighbours: None, serve: Start) -> None:
    server = await serve(lambda _head: said())
    await request("POST", f"{server.url}/hook", headers={"webhook-id": "7"}, body=b"{}")

    assert server.heads[0].startswith("POST /hook HTTP/1.1\r\n")
    assert "webhook-id: 7" in server.heads[0]
    assert server.bodies == [b"{}"]


async def test_no_cookie_is_kept(neighbours: None, serve: Start) -> None:
    server = await serve(lambda _head: said(Set_Cookie="who=me"))
    await request("GET", server.url)
    await request("GET", server.url)

    assert not any("cookie:" in head.lower() for head in server.heads)


@pytest.mark.parametrize(("packing", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
async def test_packed_answer_is_unpacked(
    neighbours: None, serve: Start, packing: str, pack: Callable[[bytes], bytes]
) -> None:
    server = await serve(lambda _head: said(pack(b"hello"), Content_Encoding=packing))

    assert (await request("GET", server.url)).body == b"hello"


# --- redirects ------------------------------------------------------------------------------------------------------


async def test_redirect_is_followed_and_its_address_told(neighbours: None, serve: Start) -> None:
    server = await serve(lambda head: said(b"here") if head.startswith("GET /b") else moved("/b"))

    assert await request("GET", f"{server.url}/a") == Answer(200, {"content-length": "4"}, b"here", f"{server.url}/b")


async def test_redirect_to_what_is_not_public_is_refused(neighbours: None, serve: Start) -> None:
    for target in ("http://169.254.169.254/latest/meta-data/", "//0.0.0.0/"):
        server = await serve(lambda _head, target=target: moved(target))
        assert await refusal(server.url) == "private"


@pytest.mark.parametrize("target", ["file:///etc/passwd", "http://user@example.com/", "http://[", "ftp://example.com"])
async def test_redirect_to_what_is_no_address_is_refused(neighbours: None, serve: Start, target: str) -> None:
    server = await serve(lambda _head: moved(target))

    assert await refusal(server.url) == "address"


async def test_redirects_without_end_are_given_up(neighbours: None, serve: Start) -> None:
    server = await serve(lambda _head: moved("/again"))

    assert await refusal(server.url, redirects=3) == "redirects"
    assert len(server.heads) == 4


async def test_without_redirects_the_answer_that_redirects_is_given_back(neighbours: None, serve: Start) -> None:
    server = await serve(lambda _head: moved("/elsewhere"))

    assert (await request("POST", server.url, redirects=0)).status == 302
    assert len(server.heads) == 1


async def test_secrets_do_not_go_along_to_another_host(neighbours: None, serve: Start) -> None:
    other = await serve(lambda _head: said())
    server = await serve(lambda _head: moved(other.url))
    await request("GET", server.url, headers={"Authorization": "Bearer mine", "Accept": "text/html"})

    assert "Bearer mine" in server.heads[0]
    assert "Bearer mine" not in other.heads[0]
    assert "text/html" in other.heads[0]


async def test_form_that_was_taken_is_not_sent_a_second_time(neighbours: None, serve: Start) -> None:
    server = await serve(lambda head: said() if " /done" in head else moved("/done", "303 See Other"))
    await request("POST", server.url, body=b"order")

    assert server.heads[1].startswith("GET /done")
    assert server.bodies == [b"order", b""]


# --- bounds ---------------------------------------------------------------------------------------------------------


async def test_answer_that_is_too_large_is_given_up(neighbours: None, serve: Start) -> None:
    server = await serve(lambda _head: said(b"x" * 1001))

    assert await refusal(server.url, most_bytes=1000) == "too large"


async def test_answer_of_which_only_the_status_counts_may_be_of_any_length(neighbours: None, serve: Start) -> None:
    server = await serve(lambda _head: b"HTTP/1.1 202 Accepted\r\n\r\n" + b"x" * 3_000_000, hangs=True)
    answer = await request("POST", server.url, most_bytes=0)

    assert (answer.status, answer.body) == (202, b"")


async def test_answer_of_just_the_size_is_taken(neighbours: None, serve: Start) -> None:
    server = await serve(lambda _head: said(b"x" * 1000))

    assert len((await request("GET", server.url, most_bytes=1000)).body) == 1000


async def test_small_parcel_that_unpacks_to_a_large_one_is_given_up(neighbours: None, serve: Start) -> None:
    bomb = gzip.compress(b"0" * 50_000_000)
    server = await serve(lambda _head: said(bomb, Content_Encoding="gzip"))

    assert len(bomb) < 60_000
    assert await refusal(server.url) == "too large"


async def test_answer_without_end_is_given_up(neighbours: None, serve: Start) -> None:
    endless = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 3_000_000
    server = await serve(lambda _head: endless)

    assert await refusal(server.url) == "too large"


async def test_server_that_says_nothing_is_given_up_in_time(neighbours: None, serve: Start) -> None:
    server = await serve(lambda _head: b"", hangs=True)

    assert await refusal(server.url, timeout=0.2) == "timeout"


async def test_server_that_never_ends_its_answer_is_given_up_in_time(neighbours: None, serve: Start) -> None:
    server = await serve(lambda _head: b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhal", hangs=True)

    assert await refusal(server.url, timeout=0.2) == "timeout"


async def test_time_is_bounded_over_all_redirects(neighbours: None, serve: Start) -> None:
    slow = await serve(lambda _head: b"", hangs=True)
    server = await serve(lambda _head: moved(slow.url))

    assert await refusal(server.url, timeout=0.3) == "timeout"


@pytest.mark.parametrize(
    "written", [b"", b"no HTTP at all\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhal"]
)
async def test_server_that_breaks_off_is_said_to_do_so(neighbours: None, serve: Start, written: bytes) -> None:
    server = await serve(lambda _head: written)

    assert await refusal(server.url) == "line"


async def test_nobody_there_is_a_fault_of_the_line(neighbours: None) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        assert await refusal(f"http://127.0.0.1:{held.getsockname()[1]}/") == "line"


async def test_server_with_a_certificate_of_its_own_making_is_not_spoken_to(
    neighbours: None, serve: Start, tmp_path: Path
) -> None:
    server = await serve(lambda _head: said(), tls=self_signed(tmp_path))

    assert await refusal(f"https://localhost:{server.port}/") == "tls"
    assert server.heads == []


def self_signed(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    day = timedelta(days=1)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(datetime.now(UTC) - day).not_valid_after(datetime.now(UTC) + day)
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "server.pem"
    path.write_bytes(private + made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def test_only_a_bad_address_stays_bad() -> None:
    kinds = ("address", "private", "dns", "tls", "line", "timeout", "too large", "redirects")

    assert [kind for kind in kinds if outward.OutwardError(kind, "…").permanent] == ["address", "private"]
