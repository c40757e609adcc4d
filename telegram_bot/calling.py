"""The bot as a client of Telegram's API: the library's, with our transport and our limiter.

A raw call (a delivery holds the call as the Bot API names it) goes a short way: the library takes each parameter apart,
packs lists and objects into texts of JSON of their own, and warns that it has a method of that name.
"""

import json
import warnings
from typing import Any

from django.conf import settings
from telegram import TelegramObject
from telegram.error import EndPointNotFound, InvalidToken, NetworkError, TimedOut
from telegram.ext import ExtBot
from telegram.request import BaseRequest, HTTPXRequest
from telegram.warnings import PTBUserWarning

from core.http import Client, JSONClient, is_timeout, is_transport, transport
from telegram_bot.limiter import Limiter

# A call with files goes the library's way, and is meant to be raw as well.
warnings.filterwarnings("ignore", category=PTBUserWarning, message="Please use 'Bot")

DEFAULT = BaseRequest.DEFAULT_NONE
_encode = json.JSONEncoder().encode


class Request(HTTPXRequest):
    """The library's request class, with our client inside, which also loads files."""

    @property
    def client(self) -> Client:
        found: Client = self._client  # type: ignore[assignment]  # the one that is built below
        return found

    def _build_client(self) -> Client:
        return JSONClient(**self._client_kwargs)

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: Any = None,
        read_timeout: Any = DEFAULT,
        write_timeout: Any = DEFAULT,
        connect_timeout: Any = DEFAULT,
        pool_timeout: Any = DEFAULT,
    ) -> tuple[int, bytes]:
        """As the library's; ``request_data`` may also be a body of JSON that is ready."""
        if not isinstance(request_data, bytes):
            timeouts = (read_timeout, write_timeout, connect_timeout, pool_timeout)
            return await super().do_request(url, method, request_data, *timeouts)
        client: JSONClient = self._client  # type: ignore[assignment]
        limits = client.timeout.as_dict()
        if read_timeout is not DEFAULT:
            limits["read"] = read_timeout
        try:
            return await client.exchange(url, request_data, self.USER_AGENT, limits)
        except Exception as error:
            if not is_transport(error):
                raise
            broken = TimedOut() if is_timeout(error) else NetworkError(f"{type(error).__name__}: {error}")
            raise broken from error


class Bot(ExtBot[str]):
    """The library's bot; ``do_api_request`` goes the short way where no file and no special wish goes along."""

    async def do_api_request(
        self,
        endpoint: str,
        api_kwargs: dict[str, Any] | None = None,
        return_type: type[TelegramObject] | None = None,
        *,
        read_timeout: Any = DEFAULT,
        write_timeout: Any = DEFAULT,
        connect_timeout: Any = DEFAULT,
        pool_timeout: Any = DEFAULT,
        rate_limit_args: str | None = None,
    ) -> Any:
        data = {name: value for name, value in (api_kwargs or {}).items() if value is not None}
        usual = return_type is None and write_timeout is connect_timeout is pool_timeout is DEFAULT
        body = _plain(data) if usual else None
        if body is None:
            return await super().do_api_request(
                endpoint,
                api_kwargs,
                return_type,
                read_timeout=read_timeout,
                write_timeout=write_timeout,
                connect_timeout=connect_timeout,
                pool_timeout=pool_timeout,
                rate_limit_args=rate_limit_args,
            )
        try:
            if endpoint == "getUpdates" or self.rate_limiter is None:
                return await self._call(endpoint, body, read_timeout)
            return await self.rate_limiter.process_request(
                self._call, (endpoint, body, read_timeout), {}, endpoint, data, rate_limit_args
            )
        except InvalidToken as error:
            if not self._bot_initialized:
                raise
            # Telegram knows the token, and says the same of a method that it does not know.
            raise EndPointNotFound(endpoint) from error

    async def _call(self, endpoint: str, body: bytes, read_timeout: Any) -> Any:
        request = self._request[0] if endpoint == "getUpdates" else self._request[1]
        return await request.post(f"{self.base_url}/{endpoint}", body, read_timeout)  # type: ignore[arg-type]


def _plain(data: dict[str, Any]) -> bytes | None:
    """The parameters as JSON, if they are nothing else: a file is not."""
    try:
        return _encode(data).encode()
    except TypeError:
        return None


def bot() -> Bot:
    """The bot of settings.BOT_TOKEN; the caller initializes it and shuts it down."""
    return Bot(
        settings.BOT_TOKEN,
        base_url=f"{settings.TELEGRAM_API_URL}/bot",
        base_file_url=f"{settings.TELEGRAM_API_URL}/file/bot",
        request=_request(256, pool_timeout=30.0, read_timeout=20.0),
        get_updates_request=_request(1, pool_timeout=5.0, read_timeout=settings.POLL_TIMEOUT_SEC + 10),
        rate_limiter=Limiter(settings.TELEGRAM_RATE_BOT, settings.TELEGRAM_RATE_CHAT, settings.TELEGRAM_RATE_GROUP),
    )


def _request(connections: int, *, pool_timeout: float, read_timeout: float) -> Request:
    return Request(
        connection_pool_size=connections,
        read_timeout=read_timeout,
        write_timeout=20.0,
        connect_timeout=10.0,
        pool_timeout=pool_timeout,
        media_write_timeout=120.0,
        httpx_kwargs={"transport": transport(connections)},
    )
