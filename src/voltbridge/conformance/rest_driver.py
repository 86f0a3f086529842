"""Drives a Voltbridge CSMS through its REST API."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote

import aiohttp

from voltbridge.conformance.configuration import Configuration, Token
from voltbridge.conformance.drivers import Instruction
from voltbridge.conformance.failure import DriverFailed
from voltbridge.conformance.rest_answers import answers

__all__ = ["RestCsms"]

_LONG_AGO: Final = "2020-01-01T00:00:00Z"
_TIMEOUT_S: Final = 30.0
_NO_CONTENT: Final = 204
_TARIFF: Final = "conformance"


class RestCsms:
    """An asynchronous context manager. ``api`` is the base address, such as ``http://localhost:8080/api/v1``."""

    def __init__(self, url: str, api: str, key: str, *, timeout_s: float = _TIMEOUT_S) -> None:
        self._url = url.rstrip("/")
        self._api = api.rstrip("/")
        self._timeout_s = timeout_s
        self._key = key
        self._session: aiohttp.ClientSession | None = None
        self._last: Any = None
        self._action = ""
        """Of the last instruction."""
        self._commanded = False
        self._listed: set[str] = set()
        """The tokens of the local list, as far as it was selected."""
        self._lists: set[str] = set()
        """Stations with such a list, by their address."""
        """Whether it was given as a command."""

    @property
    def url(self) -> str:
        """Where stations connect."""
        return self._url

    @property
    def reaction_s(self) -> float:
        """A program needs no longer than a message may take."""
        return self._timeout_s

    async def prepare(self, configuration: Configuration) -> None:
        """Provision the station and the tokens, new or again."""
        known = f"/stations/{quote(configuration.station_id, safe='')}"
        password = {"password": configuration.password} if configuration.basic_auth else {}
        if await self._send("POST", "/stations", {"station_id": configuration.station_id, **password}, 409) == 409:
            await self._send("PATCH", known, {"registration": "Accepted"})
            if configuration.basic_auth:
                await self._send("PUT", f"{known}/password", password)
        tokens = configuration.tokens
        for token, properties in (
            (tokens.valid, _member_of(tokens.group)),
            (tokens.valid2, _member_of(tokens.group)),
            (tokens.master_pass, _member_of(tokens.master_pass_group)),
            (tokens.blocked, {"status": "Blocked"}),
            (tokens.expired, {"expires_at": _LONG_AGO}),
        ):
            path = f"/tokens/{quote(token.type, safe='')}/{quote(token.id_token, safe='')}"
            await self._send("PUT", path, {"status": "Accepted", **properties})

    async def price(self, station_id: str) -> None:
        """Make a tariff for the station that tells the running cost by messages of its own, as soon as it changes."""
        told = {"cost_in_responses": False, "cost_update_interval_s": 1}
        tariff = {"currency": "EUR", "energy": {"prices": [{"amount": "0.40"}]}, **told}
        await self._send("PUT", f"/tariffs/{_TARIFF}", tariff)
        await self._send("PUT", f"/tariff-assignments/{_TARIFF}", {"tariff_id": _TARIFF, "station_ids": [station_id]})

    async def send(self, instruction: Instruction) -> None:
        """Give the command, or send the message through the door; returns when the station has answered it."""
        station = f"/stations/{quote(instruction.station_id, safe='')}"
        path = f"{station}/ocpp/{instruction.action}"
        self._last = None
        self._action, self._commanded = instruction.action, instruction.command is not None
        timeout_s = self._timeout_s if instruction.timeout_s is None else instruction.timeout_s
        if instruction.command is not None:
            name, parameters = instruction.command
            if instruction.action == "SendLocalList":
                await self._select(station, instruction.payload)
            await self._send("POST", f"{station}/commands/{name}", {**parameters, "timeout_s": timeout_s})
            answer, error = self._last["answer"], self._last["error"]
            self._last = answer
            if answer is None:
                raise DriverFailed(f"{name}: {error['code']} {error['detail']}")
            return
        await self._send("POST", f"{path}?timeout_s={timeout_s:g}", instruction.payload)

    async def _select(self, station: str, payload: Mapping[str, Any]) -> None:
        """What the list of the station is to have, with or without what a message for it names."""
        if payload["updateType"] == "Full":
            self._listed.clear()
        for entry in payload.get("localAuthorizationList", ()):
            kept = "idTokenInfo" in entry or "idTagInfo" in entry
            named = entry["idTag"] if "idTag" in entry else entry["idToken"]["idToken"]
            (self._listed.add if kept else self._listed.discard)(named)
        selection = {"id_tokens": sorted(self._listed), "include_refused": True}
        await self._send("PUT", f"{station}/local-list", {"selection": selection, "automatic": False})
        self._lists.add(station)

    async def end(self) -> None:
        """Keep no local list any more: it would be looked after whenever the station boots."""
        for station in self._lists:
            await self._send("DELETE", f"{station}/local-list", None, 404)
        self._lists.clear()

    async def shows(self, response: Mapping[str, Any], question: str) -> bool:
        """Whether the door answered with this response, or the command with what it says."""
        if not self._commanded:
            return bool(self._last == response)
        return self._last is not None and answers(self._last, self._action, response)

    async def decide(self, station_id: str, registration: str) -> None:
        """Change the station's registration."""
        await self._send("PATCH", f"/stations/{quote(station_id, safe='')}", {"registration": registration})

    async def shows_variable(self, station_id: str, component: str, variable: str, value: str) -> bool:
        """Whether the station's variables are listed with this one."""
        named = f"component={quote(component, safe='')}&variable={quote(variable, safe='')}"
        await self._send("GET", f"/stations/{quote(station_id, safe='')}/variables?{named}")
        return [item["value"] for item in self._last["items"]] == [value]

    async def shows_monitor(
        self, station_id: str, component: str, evse_id: int | None, variable: str, type: str
    ) -> bool:
        """Whether the station's monitors are listed with one of this type."""
        named = f"component={quote(component, safe='')}&variable={quote(variable, safe='')}&type={quote(type, safe='')}"
        await self._send("GET", f"/stations/{quote(station_id, safe='')}/monitors?{named}")
        return any(item["component"]["evse_id"] == evse_id for item in self._last["items"])

    async def _send(self, method: str, path: str, body: Mapping[str, Any] | None = None, *allowed: int) -> int:
        """The status; raises DriverFailed for one of 400 or more that is not allowed."""
        assert self._session is not None, "the driver is used outside its context"
        try:
            async with self._session.request(method, self._api + path, json=body) as response:
                if response.status < 400:
                    self._last = await response.json() if response.status != _NO_CONTENT else None
                elif response.status not in allowed:
                    raise DriverFailed(f"{method} {path}: HTTP {response.status} {await response.text()}")
                return response.status
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise DriverFailed(f"{method} {self._api}{path}: {type(error).__name__} {error}") from error

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {self._key}"},
            # The API gives up first, and says why.
            timeout=aiohttp.ClientTimeout(total=self._timeout_s + 5),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._session is not None
        await self._session.close()


def _member_of(group: Token) -> dict[str, str]:
    return {"group_id_token": group.id_token, "group_type": group.type}
