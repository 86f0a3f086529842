"""Late, repeated and offline messages: the same transaction and the same energy, in every version.

A session is described once and told in the words of each version. Hypothesis permutes what is told, repeats it, and
lets the server forget its memory in between.
"""

from __future__ import annotations

import asyncio
import random as random_module
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.csms.blocks.charging import V16, V21, V201, Charging, contents, stamp

from voltbridge.domain.transactions import Transaction
from voltbridge.protocol.versions import Version

Message = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Session:
    """A charging session: minutes and register readings in Wh, the first and last of them at start and stop."""

    readings: tuple[tuple[int, int], ...]
    token: str | None
    stop_token: str | None
    reason: str | None
    evse_late: bool
    numbered_from: int


@st.composite
def sessions(draw: st.DrawFn, *, steady: bool) -> Session:
    steps = draw(st.lists(st.tuples(st.integers(1, 30), st.integers(0, 3000)), min_size=1, max_size=6))
    minute, wh = 0, draw(st.integers(0, 5000))
    readings = [(minute, wh)]
    for pause, rise in steps:
        minute += pause
        wh = wh + rise if steady else draw(st.integers(0, 9000))
        readings.append((minute, wh))
    return Session(
        tuple(readings),
        draw(st.sampled_from(["CARD1", "GHOST"])),
        draw(st.sampled_from([None, "CARD1", "CARD2"])),
        draw(st.sampled_from([None, "Remote", "EVDisconnected", "PowerLoss"])),
        draw(st.booleans()),
        draw(st.sampled_from([0, 0, 17])),
    )


def meter_value(minute: int, wh: int, context: str, number: Callable[[int], Any]) -> dict[str, Any]:
    return {
        "timestamp": stamp(minute),
        "sampledValue": [
            {"value": number(wh), "context": context},
            {"value": number(230), "measurand": "Voltage", "phase": "L1-N", "context": context},
        ],
    }


def told_2(session: Session) -> list[Message]:
    """The session as TransactionEvents, each with a reading, the end with all of them."""
    events = []
    evse = {"id": 1, "connectorId": 1}
    last = len(session.readings) - 1
    values = [
        meter_value(minute, wh, {0: "Transaction.Begin", last: "Transaction.End"}.get(place, "Sample.Periodic"), float)
        for place, (minute, wh) in enumerate(session.readings)
    ]
    for place, (minute, _) in enumerate(session.readings):
        kind = "Started" if place == 0 else "Ended" if place == last else "Updated"
        event: dict[str, Any] = {
            "eventType": kind,
            "timestamp": stamp(minute),
            "triggerReason": {"Started": "Authorized", "Ended": "StopAuthorized"}.get(kind, "MeterValuePeriodic"),
            "seqNo": session.numbered_from + place,
            "transactionInfo": {"transactionId": "T1", "chargingState": ["Charging", "SuspendedEV"][place % 2]},
            "meterValue": values if kind == "Ended" else [values[place]],
            "offline": place % 3 == 0,
        }
        if kind == "Started":
            event["idToken"] = {"idToken": session.token, "type": "ISO14443"}
        if place == (1 if session.evse_late else 0):
            event["evse"] = evse
        if kind == "Ended":
            if session.stop_token:
                event["idToken"] = {"idToken": session.stop_token, "type": "ISO14443"}
            if session.reason:
                event["transactionInfo"]["stoppedReason"] = session.reason
        events.append(("TransactionEvent", event))
    return events


def told_16(session: Session, number: int) -> tuple[Message, list[Message]]:
    """The session's start, and what follows once its number is known; the stop repeats all samples."""
    (begin, first), *during, (end, final) = session.readings
    start = {"connectorId": 1, "idTag": session.token, "meterStart": first, "timestamp": stamp(begin)}
    samples = [meter_value(minute, wh, "Sample.Periodic", str) for minute, wh in during]
    stop: dict[str, Any] = {
        "transactionId": number,
        "meterStop": final,
        "timestamp": stamp(end),
        "transactionData": [
            meter_value(begin, first, "Transaction.Begin", str),
            *samples,
            meter_value(end, final, "Transaction.End", str),
        ],
    }
    if session.stop_token:
        stop["idTag"] = session.stop_token
    if session.reason:
        stop["reason"] = session.reason
    following: list[Message] = [
        ("MeterValues", {"connectorId": 1, "transactionId": number, "meterValue": [sample]}) for sample in samples
    ]
    return ("StartTransaction", start), [*following, ("StopTransaction", stop)]


@dataclass(frozen=True)
class Result:
    transactions: list[Transaction]
    samples: list[Any]


def tell(version: Version, messages: Sequence[Message], forget: Callable[[], bool] = lambda: False) -> Result:
    """Send the messages in this order; the server forgets its memory where ``forget`` says so."""

    async def run() -> Result:
        charging = Charging()
        await charging.token("CARD1")
        await charging.token("CARD2")
        live = charging.connect()
        for action, payload in messages:
            if forget():
                charging.restart()
                live = charging.connect()
            await charging.send(live, version, action, **payload)
        names = {each.id: each.transaction_id for each in charging.stored()}
        samples = [
            (each.at_ms, each.transaction_id and names[each.transaction_id], each.values) for each in charging.records()
        ]
        return Result(contents(await charging.shown()), sorted(samples, key=repr))

    return asyncio.run(run())


def mixed(messages: Sequence[Message], random: random_module.Random) -> list[Message]:
    """Any order, some messages twice."""
    shuffled = [*messages, *random.sample(messages, k=random.randint(0, len(messages)))]
    random.shuffle(shuffled)
    return shuffled


@pytest.mark.parametrize("version", [V201, V21])
@given(session=sessions(steady=True), random=st.randoms(use_true_random=False))
@settings(max_examples=100)
def test_events_in_any_order_with_the_memory_lost_in_between(
    version: Version, session: Session, random: random_module.Random
) -> None:
    events = told_2(session)
    assert tell(version, mixed(events, random), lambda: random.random() < 0.2) == tell(version, events)


@given(session=sessions(steady=False), random=st.randoms(use_true_random=False))
@settings(max_examples=100)
def test_events_in_any_order_whatever_the_meter_says(session: Session, random: random_module.Random) -> None:
    events = told_2(session)
    assert tell(V201, mixed(events, random)) == tell(V201, events)


@given(session=sessions(steady=True), random=st.randoms(use_true_random=False))
@settings(max_examples=100)
def test_1_6_after_its_start_in_any_order_with_the_memory_lost_in_between(
    session: Session, random: random_module.Random
) -> None:
    start, following = told_16(session, 1)
    told = [start, *mixed([start, *following], random)]
    assert tell(V16, told, lambda: random.random() < 0.2) == tell(V16, [start, *following])


@given(session=sessions(steady=False), random=st.randoms(use_true_random=False))
@settings(max_examples=100)
def test_1_6_after_its_start_in_any_order_whatever_the_meter_says(
    session: Session, random: random_module.Random
) -> None:
    start, following = told_16(session, 1)
    assert tell(V16, [start, *mixed(following, random)]) == tell(V16, [start, *following])


@given(session=sessions(steady=True), random=st.randoms(use_true_random=False))
@settings(max_examples=100)
def test_1_6_of_a_number_that_was_never_given_in_any_order(session: Session, random: random_module.Random) -> None:
    _, following = told_16(session, 4711)
    told = tell(V16, mixed(following, random), lambda: random.random() < 0.2)
    assert told == tell(V16, following)
    (kept,) = told.transactions
    assert (kept.transaction_id, kept.started_at, kept.stop_reason) == ("4711", None, session.reason or "Local")
    assert kept.energy_wh == session.readings[-1][1] - session.readings[0][1]


@given(session=sessions(steady=True), random=st.randoms(use_true_random=False))
@settings(max_examples=50)
def test_every_version_tells_of_the_same_transaction(session: Session, random: random_module.Random) -> None:
    start, following = told_16(session, 1)
    old = tell(V16, [start, *mixed(following, random)]).transactions[0]
    for version in (V201, V21):
        new = tell(version, mixed(told_2(session), random)).transactions[0]
        for name in ("state", "evse_id", "connector_id", "started_at", "stopped_at", "stop_reason", "energy_wh"):
            assert getattr(new, name) == getattr(old, name), name
        assert new.energy_problems == old.energy_problems
        assert (new.first_reading, new.last_reading) == (old.first_reading, old.last_reading)
        assert new.id_token is not None and old.id_token is not None and new.id_token.key == old.id_token.key
        assert (new.stop_id_token and new.stop_id_token.key) == (old.stop_id_token and old.stop_id_token.key)
    assert old.energy_wh == session.readings[-1][1] - session.readings[0][1]
