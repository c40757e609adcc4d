"""The safe way to an address that a person or a model gave.

Whoever may name an address could otherwise have us call what only this machine reaches: its own ports, the router, the
metadata of a cloud. So only public addresses are called, over http and https; the check holds for every address that a
name stands for, for the one that is really connected to, and anew for each redirect. Time and bytes are bounded.
"""

import asyncio
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field

import yarl
from django.conf import settings
from django.utils.translation import gettext as _

from core import http

LONGEST_ADDRESS = 2048  # characters
ORDINARY_PORTS = (80, 443)
# Below it are the system's own services: mail, databases, remote shells.
FIRST_FREE_PORT = 1024
REDIRECTS = (301, 302, 303, 307, 308)
# What goes along to another host than the one it was meant for.
HARMLESS = ("accept", "accept-encoding", "accept-language", "user-agent", "content-type")
ALWAYS = {"User-Agent": "Sekretar", "Accept-Encoding": "gzip, deflate"}

IP = ipaddress.IPv4Address | ipaddress.IPv6Address
# Addresses of IPv6 that stand for one of IPv4 behind a translator (RFC 6052).
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# https://www.iana.org/assignments/ipv6-unicast-address-assignments: all that is public is in here.
PUBLIC_V6 = ipaddress.IPv6Network("2000::/3")
# Protocols' own and documentation, which Python's tables know in newer versions only
# (https://www.iana.org/assignments/iana-ipv4-special-registry and iana-ipv6-special-registry).
SPECIAL = [ipaddress.ip_network(net) for net in ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "3fff::/20")]


class OutwardError(Exception):
    """Nothing came back that could be used; the text says so to people, and does not repeat the address.

    ``kind``: "address" (it is none that may be called), "private" (it is not public), "dns", "tls", "line",
    "timeout", "too large", "redirects".
    """

    def __init__(self, kind: str, sentence: str) -> None:
        super().__init__(sentence)
        self.kind = kind

    @property
    def permanent(self) -> bool:
        """The same address will not do next time either."""
        return self.kind in ("address", "private")


@dataclass(frozen=True)
class Answer:
    """``headers`` have names in lower case; ``url`` is where the answer came from after all redirects."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    url: str = ""


async def request(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    timeout: float = 10.0,  # noqa: ASYNC109  # of the whole, redirects and all
    most_bytes: int = 1_000_000,
    redirects: int = 3,
) -> Answer:
    """Ask ``url``; raises ``OutwardError``. ``timeout``: seconds for the whole; ``most_bytes``: of the unpacked body,
    with 0 none of it is read; ``redirects``: how many are followed at most, with 0 the answer that redirects is given
    back."""
    address = checked(url)
    sent = {**ALWAYS, **(headers or {})}
    try:
        async with asyncio.timeout(timeout):
            return await _follow(method, address, sent, body, most_bytes, redirects)
    except TimeoutError:
        words = _("There was no answer within %(seconds)d s.") % {"seconds": round(timeout)}
        raise OutwardError("timeout", words) from None


async def _follow(
    method: str, url: yarl.URL, headers: Mapping[str, str], body: bytes | None, most_bytes: int, redirects: int
) -> Answer:
    for _step in range(redirects + 1):
        answer = await _once(method, url, headers, body, most_bytes)
        target = answer.headers.get("location", "")
        if answer.status not in REDIRECTS or not target or not redirects:
            return answer
        onward = _joined(url, target)
        if onward.origin() != url.origin():
            headers = {name: value for name, value in headers.items() if name.lower() in HARMLESS}
        if answer.status == 303 or (answer.status in (301, 302) and method == "POST"):
            method, body = "GET", None
        url = onward
    raise OutwardError("redirects", _("The page sends on from address to address without end."))


async def _once(method: str, url: yarl.URL, headers: Mapping[str, str], body: bytes | None, most_bytes: int) -> Answer:
    try:
        status, named, read = await http.exchange(
            method, url, headers=headers, body=body, allow=allow, most_bytes=most_bytes
        )
    except http.TooLarge:
        words = _("The answer is larger than %(kilobytes)d KB.") % {"kilobytes": most_bytes // 1000}
        raise OutwardError("too large", words) from None
    except http.Unanswered as error:
        raise OutwardError(error.kind, _unanswered(error.kind)) from None
    return Answer(status, named, read, str(url))


def _unanswered(kind: str) -> str:
    return {
        "address": _no_address(),
        "dns": _("Nobody knows this name on the Internet. Check how the address is written."),
        "tls": _("The server's certificate is not in order."),
        "line": _("The server does not answer, or broke off."),
    }[kind]


def checked(url: str) -> yarl.URL:
    """The parsed address when its form allows that it is called; raises ``OutwardError``.

    What its name stands for is only known, and checked, when it is called.
    """
    if len(url) > LONGEST_ADDRESS or any(c.isspace() or not c.isprintable() or c == "\\" for c in url):
        raise OutwardError("address", _no_address())
    try:
        parsed = yarl.URL(url)
        host, port = parsed.raw_host, parsed.port
    except ValueError:
        raise OutwardError("address", _no_address()) from None
    if parsed.scheme not in ("http", "https") or not host or port is None:
        raise OutwardError("address", _no_address())
    if parsed.raw_user is not None or parsed.raw_password is not None:
        raise OutwardError("address", _("An address with a name or a password in it is not called."))
    if port not in ORDINARY_PORTS and port < FIRST_FREE_PORT:
        raise OutwardError("address", _("Port %(port)d is not called.") % {"port": port})
    if _is_ip(host):
        allow(host)
    return parsed.with_fragment(None)


def _no_address() -> str:
    return _("This is no address that can be called. It must begin with http:// or https:// and name a host.")


def _joined(url: yarl.URL, target: str) -> yarl.URL:
    try:
        return checked(str(url.join(yarl.URL(target))))
    except ValueError:
        raise OutwardError("address", _("The page sends on to what is no address.")) from None


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def allow(address: str) -> None:
    """Raises ``OutwardError`` for an IP address that is not public (or, with OUTWARD_ALLOW_PRIVATE, not even that of
    a neighbour)."""
    ip = _real(ipaddress.ip_address(address))
    if is_public(ip) or (settings.OUTWARD_ALLOW_PRIVATE and _is_neighbour(ip)):
        return
    raise OutwardError("private", _("This address is not public, so it is not called."))


def _real(ip: IP) -> IP:
    """The address of IPv4 that one of IPv6 stands for, else itself."""
    if not isinstance(ip, ipaddress.IPv6Address):
        return ip
    if ip in NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else ip)


def is_public(ip: IP) -> bool:
    if ip.version == 6 and ip not in PUBLIC_V6:
        return False
    special = any(ip in network for network in SPECIAL)
    return ip.is_global and not (special or ip.is_multicast or ip.is_reserved or ip.is_unspecified)


def _is_neighbour(ip: IP) -> bool:
    """In a network of one's own. Link-local is none: there clouds keep what a machine may know of itself."""
    reserved = ip.is_reserved and not ip.is_loopback
    return not (ip.is_link_local or ip.is_multicast or ip.is_unspecified or reserved)
