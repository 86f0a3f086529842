"""An authorization service of the operator's own, asked by HTTP whether a token may charge.

It is sent ``{"id_token", "type", "additional_info", "station_id", "known_status"}`` by POST and answers 200 with
``{"status", ...}`` as in ``Verdict``; any other answer, and none in time, is no answer. Only so many are asked at a
time; the others wait for room within their own time. Waiting holds up the station that asked and no other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final

import aiohttp
import msgspec
import structlog

from voltbridge.domain.clock import Clock
from voltbridge.domain.tokens import AuthorizationStatus, IdToken

__all__ = ["ExternalAuthorization", "Verdict"]

_log = structlog.stdlib.get_logger(__name__)

_LARGEST_ANSWER: Final = 65_536
"""Bytes."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What the service says of a token. Fields it may add besides are not looked at."""

    status: AuthorizationStatus
    group_id_token: str | None = None
    group_type: str | None = None
    expires_at: datetime | None = None
    """Until when a station may remember the answer; with an offset."""
    allow_concurrent: bool = False
    language: str | None = None
    personal_message: str | None = None


class _Unusable(Exception):
    """An answer that is none."""


class ExternalAuthorization:
    """Asks the service at ``url``, at most ``timeout_s`` for each answer and ``at_once`` questions at a time."""

    def __init__(
        self,
        url: str,
        clock: Clock,
        *,
        timeout_s: float,
        at_once: int,
        session: Callable[[], aiohttp.ClientSession] = aiohttp.ClientSession,
    ) -> None:
        self._url = url
        self._clock = clock
        self._timeout_s = timeout_s
        self._room = asyncio.Semaphore(at_once)
        self._make_session = session
        self._session: aiohttp.ClientSession | None = None

    async def ask(self, id_token: IdToken, station_id: str, known: AuthorizationStatus) -> Verdict | None:
        """The verdict; None when there is none to be had."""
        question = {
            "id_token": id_token.id_token,
            "type": id_token.type,
            "additional_info": [{"additional_id_token": text, "type": type} for text, type in id_token.additional_info],
            "station_id": station_id,
            "known_status": known.value,
        }
        asking = asyncio.create_task(self._post(msgspec.json.encode(question)))

        def give_up() -> None:
            asking.cancel()

        stop_waiting = self._clock.call_later(self._timeout_s, give_up)
        try:
            await asyncio.wait([asking])
        finally:
            stop_waiting()
            asking.cancel()
        if asking.cancelled():
            why = f"no answer within {self._timeout_s:g} s"
        elif (error := asking.exception()) is None:
            return asking.result()
        elif isinstance(error, _Unusable | aiohttp.ClientError | OSError):
            why = str(error) or type(error).__name__
        else:
            raise error
        _log.warning("the authorization service is of no use", why=why, station=station_id)
        return None

    async def close(self) -> None:
        """End the connections to the service."""
        if self._session is not None:
            await self._session.close()

    async def _post(self, question: bytes) -> Verdict:
        async with self._room:
            if self._session is None:
                # The clock says when it is too late; redirects could take a token to somebody else.
                self._session = self._make_session()
            headers = {"Content-Type": "application/json"}
            async with self._session.post(
                self._url,
                data=question,
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=None),
            ) as response:
                if response.status != 200:
                    raise _Unusable(f"HTTP status {response.status}")
                body = bytearray()
                async for chunk in response.content.iter_chunked(_LARGEST_ANSWER):
                    body += chunk
                    if len(body) > _LARGEST_ANSWER:
                        raise _Unusable(f"an answer of more than {_LARGEST_ANSWER} bytes")
        try:
            verdict = msgspec.json.decode(body, type=Verdict)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise _Unusable(f"an answer that is no verdict: {error}") from None
        if verdict.expires_at is not None and verdict.expires_at.tzinfo is None:
            raise _Unusable("an answer whose expires_at has no offset")
        return verdict
