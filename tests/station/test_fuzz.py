"""Whatever a CSMS sends, a station answers it once, in the words of the version, and goes on.

An InternalError would be a handler that raised: that is a mistake of ours whatever was asked.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject
from tests.station.plain_csms import ANSWERS, PlainCsms, Visit
from tests.strategies.oracle import dump, messages, parse, validator
from tests.strategies.payloads import mutated, valid

from voltbridge.protocol.versions import Version
from voltbridge.station.assembly import Station
from voltbridge.station.configuration import EvseConfiguration, StationConfiguration
from voltbridge.station.dispatch import ROUTES
from voltbridge.station.network import Network
from voltbridge.station.virtual_clock import VirtualClock, run

REQUESTS = {version: sorted(route.action for route in ROUTES if route.version is version) for version in Version}
OF_16: dict[str, Any] = {
    "Authorize": {"idTagInfo": {"status": "Accepted"}},
    "StartTransaction": {"transactionId": 1, "idTagInfo": {"status": "Accepted"}},
}


def requests(version: Version) -> st.SearchStrategy[tuple[str, bytes]]:
    """An action with a payload, sound or not."""

    def of(action: str) -> st.SearchStrategy[tuple[str, bytes]]:
        schema = messages(version)[f"{action}Request"]
        payloads = valid(schema) | valid(schema).flatmap(lambda value: mutated(schema, value))
        return payloads.map(lambda payload: (action, dump(payload)))

    return st.sampled_from(REQUESTS[version]).flatmap(of)


def frames() -> st.SearchStrategy[str]:
    """What is hardly a message, as a text."""
    anything = st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=8,
    )
    heads = st.tuples(st.integers(0, 9), st.text(max_size=40), st.text(max_size=12), anything).map(list)
    return (anything | heads).map(json.dumps) | st.text(max_size=60)


class Conversation:
    """A CSMS that asks one thing after the other, wherever the station reconnects meanwhile."""

    def __init__(self, csms: PlainCsms, version: Version) -> None:
        self._csms = csms
        self._version = version
        self._visit: Visit | None = None
        self._made = 0
        self._restarts = False

    async def visit(self) -> Visit:
        """The connection, once the station has registered on it."""
        while self._visit is None or self._visit.ended.is_set():
            self._visit = await self._csms.visits.get()
            await self._visit.frames.get()
        return self._visit

    async def ask(self, action: str, payload: bytes) -> None:
        """Hold the answer against the schema."""
        visit = await self.visit()
        self._made += 1
        await visit.send(f'[2,"{self._made}","{action}",{payload.decode()}]')
        answer = asyncio.ensure_future(visit.replies.get())
        ended = asyncio.ensure_future(visit.ended.wait())
        await asyncio.wait((answer, ended), return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        if not answer.done():
            answer.cancel()
            assert self._restarts, f"no answer to {action} {payload.decode()}"
            self._restarts = False
            await self.ask(action, payload)  # it came while the connection was being closed
            return
        frame = answer.result()
        assert frame[1] == str(self._made)
        self._restarts |= action == "Reset"
        if frame[0] == 4:
            assert frame[2] != "InternalError", f"{action} {payload.decode()}: {frame}"
        else:
            schema = messages(self._version)[f"{action}Response"]
            told = parse(dump(frame[2]))  # numbers as the validator knows them
            problems = [error.message for error in validator(schema).iter_errors(told)]
            assert problems == [], f"{action} {payload.decode()}: {frame[2]}"


def answering(action: str, payload: dict[str, Any], version: Version) -> Any:
    return (OF_16 if version is Version.V16 else {}).get(action, ANSWERS.get(action, {}))


@pytest.mark.parametrize("version", list(Version))
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_request_gets_one_answer_of_the_schema(version: Version, data: DataObject) -> None:
    asked = data.draw(st.lists(requests(version), min_size=5, max_size=25))
    noise = data.draw(st.lists(frames(), max_size=5))

    async def live(clock: VirtualClock) -> None:
        async with (
            PlainCsms(lambda action, payload: answering(action, payload, version)) as csms,
            Network(clock, holds_clock=False) as network,
        ):
            configuration = StationConfiguration("CP-1", csms.url, (version,), evses=(EvseConfiguration(),) * 2)
            async with Station(configuration, network=network) as station:
                await station.connected()
                conversation = Conversation(csms, version)
                visit = station.plug_in()
                await visit.__aenter__()
                await visit.swipe("04A2B3C4")
                for action, payload in asked:
                    await conversation.ask(action, payload)
                line = await conversation.visit()
                for text in noise:
                    await line.send(text)
                await clock.sleep(60)
                while not line.replies.empty():
                    line.replies.get_nowait()
                await clock.sleep(60)
                await conversation.ask("ClearCache", b"{}")

    async def soon(clock: VirtualClock) -> None:
        try:
            async with asyncio.timeout(60):
                await live(clock)
        except TimeoutError:
            raise AssertionError(f"no end at {clock.now()}, {clock.monotonic()}: {asked}") from None

    run(soon)
