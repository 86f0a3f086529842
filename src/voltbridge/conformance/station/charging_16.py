"""Reusable states of a charge point of 1.6: what a driver, a car and the Central System do, and what is then said."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from voltbridge.conformance.configuration import Token
from voltbridge.conformance.failure import NotApplicable, StepFailed
from voltbridge.conformance.received import ABSENT, Received
from voltbridge.conformance.station.central_system import CentralSystem

__all__ = [
    "Transaction",
    "authorizes",
    "booted",
    "cached",
    "charging",
    "ended",
    "in_time",
    "listed",
    "offline",
    "online",
    "plugged_in",
    "register_of",
    "started",
    "status_is",
    "stopped_here",
    "unavailable",
]

_MOST_PATIENT = 10
_SUSPENDED = ("SuspendedEV", "SuspendedEVSE")


@dataclass(frozen=True, slots=True)
class Transaction:
    """One that has begun."""

    number: int
    start: Received

    @property
    def connector(self) -> int:
        return int(self.start.at("connectorId"))


def in_time(cs: CentralSystem, message: Received, path: str = "timestamp", *, ago_s: float = 0) -> None:
    """Raises StepFailed unless a timestamp is of now (or so many seconds ago), as well as clocks agree."""
    told = datetime.fromisoformat(message.at(path))
    off_s = (cs.clock.now() - told).total_seconds() - ago_s
    allowed_s = cs.configuration.time_deviation_s + cs.configuration.message_timeout_s
    if abs(off_s) > allowed_s:
        raise StepFailed(message.step, f"{message.name}.{path} within {allowed_s:g} s", f"{off_s:g} s off")


async def status_is(
    cs: CentralSystem,
    step: int | str,
    status: str,
    number: int | None = None,
    *,
    past: Iterable[str] = _SUSPENDED,
    seconds: float | None = None,
) -> Received:
    """The next status told of a connector, those in ``past`` apart, is this."""
    number = cs.connector if number is None else number
    wait_s = seconds or cs.configuration.message_timeout_s
    while True:
        told = await cs.maybe(step, "StatusNotification", {"connectorId": number}, seconds=wait_s)
        if told is None:
            raise StepFailed(cs.step(step), f"{status} for connector {number}", f"no status of it within {wait_s:g} s")
        if told.at("status") == status or told.at("status") not in past:
            cs.needed(told)
            told.expect("status", status)
            if status != "Faulted":
                told.expect("errorCode", "NoError")
            return told


async def plugged_in(cs: CentralSystem, number: int | None = None) -> None:
    """A car is connected; nobody is authorized."""
    with cs.stage("plugged in"):
        await cs.plug_in(number)
        await status_is(cs, 1, "Preparing", number)


async def authorizes(cs: CentralSystem, token: Token | None = None, number: int | None = None) -> Received:
    """A driver presents an idTag that the charge point has to ask about."""
    token = token or cs.configuration.tokens.valid
    with cs.stage("authorizes"):
        await cs.present(token, number)
        asked = await cs.take(1, "Authorize")
        asked.expect("idTag", token.id_token)
    return asked


async def started(
    cs: CentralSystem, token: Token | None = None, number: int | None = None, *, status: str | None = "Charging"
) -> Transaction:
    """The transaction that begins now, and the status it brings."""
    number = number or cs.connector
    with cs.stage("started"):
        start = await cs.take(1, "StartTransaction", {"connectorId": number})
        start.expect("idTag", (token or cs.configuration.tokens.valid).id_token)
        in_time(cs, start)
        if status is not None:
            await status_is(cs, 2, status, number, past=("Preparing", *_SUSPENDED))
    given = [one for one, connector in cs.running.items() if connector == number]
    return Transaction(given[-1] if given else -1, start)


async def charging(
    cs: CentralSystem, token: Token | None = None, number: int | None = None, *, asked: bool = True
) -> Transaction:
    """A car charges, by an idTag presented here; ``asked``: the charge point does not know it and asks."""
    await plugged_in(cs, number)
    if asked:
        await authorizes(cs, token, number)
    else:
        await cs.present(token, number)
    return await started(cs, token, number)


async def ended(cs: CentralSystem, transaction: Transaction, *reasons: object, status: str | None = None) -> Received:
    """The StopTransactionRequest of a transaction, for one of these reasons, and the status it brings."""
    with cs.stage("ended"):
        stop = await cs.take(1, "StopTransaction")
        stop.expect("transactionId", transaction.number)
        if reasons:
            stop.expect("reason", *reasons)
        in_time(cs, stop)
        if stop.at("meterStop") < transaction.start.at("meterStart"):
            raise StepFailed(stop.step, "meterStop of meterStart or more", str(stop.at("meterStop")))
        if status is not None:
            await status_is(cs, 2, status, transaction.connector, past=("Charging", *_SUSPENDED))
    return stop


async def stopped_here(cs: CentralSystem, transaction: Transaction, token: Token | None = None) -> Received:
    """The driver ends the transaction by the idTag that began it, which is not asked about, and drives away."""
    token = token or cs.configuration.tokens.valid
    await cs.present(token, transaction.connector)
    stop = await ended(cs, transaction, "Local", ABSENT, status="Finishing")
    stop.expect("idTag", token.id_token)
    await cs.unplug(transaction.connector)
    await status_is(cs, "unplugged", "Available", transaction.connector)
    return stop


async def booted(cs: CentralSystem, type: str = "Soft", **statuses: str) -> Received:
    """The charge point resets, registers and tells its statuses (E3.22), by default Available.

    ``statuses``: others, by ``connector_<number>``.
    """
    with cs.stage("booted"):
        before = cs.connections
        await cs.answered(1, "Reset", {"type": type})
        await cs.reconnected(2, after=before)
        boot = await cs.take(2, "BootNotification", seconds=cs.configuration.reconnect_s)
        for number in (0, *cs.connectors):
            await status_is(cs, 3, statuses.get(f"connector_{number}", "Available"), number, past=())
    return boot


async def offline(cs: CentralSystem) -> int:
    """The charge point has no connection until ``online``; the number of the one it had."""
    cs.note("the charge point goes offline")
    before = cs.connections
    await cs.close(refuse=True)
    await cs.wait(cs.configuration.quiet_s)  # until it has noticed
    return before


async def online(cs: CentralSystem, before: int) -> None:
    """It has one again."""
    cs.accept()
    # It may have tried in vain for so long that it waits for a while between two attempts.
    await cs.reconnected("online again", after=before, seconds=_MOST_PATIENT * cs.configuration.reconnect_s)


async def unavailable(cs: CentralSystem, number: int) -> None:
    """The connector (0: the charge point) is inoperative, and made operative after the case."""
    with cs.stage("unavailable"):
        cs.afterwards("ChangeAvailability", {"connectorId": number, "type": "Operative"})
        await cs.answered(1, "ChangeAvailability", {"connectorId": number, "type": "Inoperative"})
        for each in (0, *cs.connectors) if number == 0 else (number,):
            await status_is(cs, 2, "Unavailable", each)


async def cached(cs: CentralSystem, token: Token | None = None) -> None:
    """The Authorization Cache knows the idTag as the Central System does, from a transaction by it."""
    with cs.stage("cached"):
        await cs.needs_keys(AuthorizationCacheEnabled="true")
        token = token or cs.configuration.tokens.valid
        transaction = await charging(cs, token)
        await stopped_here(cs, transaction, token)
        cs.forget()


async def listed(cs: CentralSystem, *entries: tuple[Token, str], version: int = 1) -> None:
    """The Local Authorization List has these idTags with these statuses, and is in use."""
    with cs.stage("listed"):
        await cs.needs_profile("LocalAuthListManagement")
        await cs.needs_keys(LocalAuthListEnabled="true")
        cs.afterwards("SendLocalList", {"listVersion": version + 1, "updateType": "Full"})
        told = [{"idTag": token.id_token, "idTagInfo": {"status": status}} for token, status in entries]
        payload = {"listVersion": version, "updateType": "Full", "localAuthorizationList": told}
        await cs.answered(1, "SendLocalList", payload)


def register_of(message: Received, place: int = -1) -> float:
    """The imported energy that a MeterValuesRequest tells, in Wh; raises NotApplicable when it tells none."""
    for sample in message.payload["meterValue"][place]["sampledValue"]:
        plain = "phase" not in sample and sample.get("format", "Raw") == "Raw"
        if plain and sample.get("measurand", "Energy.Active.Import.Register") == "Energy.Active.Import.Register":
            return float(sample["value"]) * (1000 if sample.get("unit", "Wh") == "kWh" else 1)
    raise NotApplicable("the charge point does not meter Energy.Active.Import.Register")
