"""The REST API as a client of any make sees it: paths, JSON, statuses."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import aiohttp
import msgspec

__all__ = ["Answer", "Rest", "quoted"]

_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request was answered with."""

    status: int
    content_type: str
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


class Rest:
    """An asynchronous context manager over the API of one server."""

    def __init__(self, port: int, key: str) -> None:
        self._base = f"http://127.0.0.1:{port}"
        self._key = key
        self._session: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        headers = {"Authorization": f"Bearer {self._key}"}
        self._session = aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        data: bytes | None = None,
        accept: str = "application/json",
        **query: Any,
    ) -> Answer:
        """Send a request to a path below ``/api/v1``, or to an address that begins with ``//`` as it is after that."""
        address = self._base + (path[1:] if path.startswith("//") else f"/api/v1{path}")
        headers = {"Accept": accept}
        if data is not None or body is not None:
            headers["Content-Type"] = "application/json"
        async with self._session.request(
            method,
            address,
            data=data if body is None else msgspec.json.encode(body),
            params={name: str(value) for name, value in query.items()},
            headers=headers,
        ) as response:
            return Answer(response.status, response.content_type, await response.read())

    async def get(self, path: str, **query: Any) -> Any:
        """The JSON at a path; it must be there."""
        answer = await self.ask("GET", path, **query)
        assert answer.status == 200, (path, answer)
        return answer.json

    async def items(self, path: str, **query: Any) -> list[Any]:
        """All items of a list, however many pages it has."""
        return [item async for item in self._items(path, query)]

    async def send(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """Change something; it must succeed. The JSON of the answer, None where there is none."""
        answer = await self.ask(method, path, body, **query)
        assert answer.status < 300, (method, path, answer)
        return answer.json if answer.body else None

    async def post(self, path: str, body: Any = None, **query: Any) -> Any:
        return await self.send("POST", path, body, **query)

    async def event(self, type: str, station_id: str, *, after: str = "0") -> Any:
        """Wait for the first event of this type and station after the one of the id, as the stream tells it."""
        query = {"type": type, "station_id": station_id, "after": after}
        async with self._session.get(
            f"{self._base}/api/v1/events", params=query, headers={"Accept": "text/event-stream"}
        ) as stream:
            assert stream.status == 200, stream
            async for line in stream.content:
                if line.startswith(b"data: "):
                    return msgspec.json.decode(line[6:])
        raise AssertionError("the stream of events has ended")

    async def _items(self, path: str, query: Mapping[str, Any]) -> AsyncIterator[Any]:
        cursor: dict[str, str] = {}
        while True:
            page = await self.get(path, **{"limit": 500, **query, **cursor})
            for item in page["items"]:
                yield item
            if page["next"] is None:
                return
            cursor = {"cursor": page["next"]}


def quoted(identity: str) -> str:
    """An identity as a part of a path."""
    return quote(identity, safe="")
