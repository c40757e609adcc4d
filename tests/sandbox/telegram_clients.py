"""Plain HTTP clients for the Bot API and the control API."""

from typing import Any

import aiohttp

TOKEN = "1000:sandbox-token"


class Api:
    """The Bot API without a library: `await api("sendMessage", chat_id=…, text=…)` is the whole answer."""

    def __init__(self, url: str, session: aiohttp.ClientSession, token: str = TOKEN) -> None:
        self.url, self.session, self.token = url, session, token

    async def __call__(self, method: str, **params: Any) -> dict[str, Any]:
        return await self.post(method, json=params)

    async def post(self, method: str, **how: Any) -> dict[str, Any]:
        """POST in any form aiohttp knows (`json`, `data`, `params`); the answer, its status checked."""
        async with self.session.post(f"{self.url}/bot{self.token}/{method}", **how) as response:
            answer: dict[str, Any] = await response.json()
        assert response.status == answer.get("error_code", 200)
        return answer

    async def ok(self, method: str, **params: Any) -> Any:
        """The result of a call that must succeed."""
        answer = await self(method, **params)
        assert answer["ok"], answer
        return answer["result"]

    async def error(self, method: str, **params: Any) -> str:
        """The description of a call that must be refused."""
        answer = await self(method, **params)
        assert not answer["ok"], answer
        return str(answer["description"])


class Control:
    """The control API: `await control("message", chat_id=…, user_id=…, text=…)`."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url, self.session = f"{url}/_sandbox", session

    async def __call__(self, path: str, **body: Any) -> Any:
        async with self.session.post(f"{self.url}/{path}", json=body) as response:
            answer = await response.json()
        assert response.status == 200, answer
        return answer

    async def refused(self, path: str, **body: Any) -> str:
        """What is wrong with a call that cannot be done."""
        async with self.session.post(f"{self.url}/{path}", json=body) as response:
            answer = await response.json()
        assert response.status == 400, answer
        return str(answer["error"])

    async def get(self, path: str) -> Any:
        async with self.session.get(f"{self.url}/{path}") as response:
            assert response.status == 200
            return await response.json()

    async def delete(self, path: str) -> None:
        async with self.session.delete(f"{self.url}/{path}") as response:
            assert response.status == 200
