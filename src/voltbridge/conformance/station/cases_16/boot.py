"""Cases about how a charge point of 1.6 registers and shows that it lives: BootNotification, Heartbeat (4.2, 4.6)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from voltbridge.conformance.failure import StepFailed
from voltbridge.conformance.station.answers import SILENCE, Refusal
from voltbridge.conformance.station.case import charge_point_case
from voltbridge.conformance.station.central_system import CentralSystem
from voltbridge.conformance.station.charging_16 import authorizes, booted, plugged_in, status_is
from voltbridge.protocol.datetimes import DateTime

__all__ = ["alone", "boots_with"]

_WAIT_S: Final = 30
_AHEAD: Final = timedelta(days=1)


async def boots_with(cs: CentralSystem, status: str, interval: int = _WAIT_S) -> int:
    """The charge point resets, and this is what its first BootNotificationRequest is answered.

    Returns how many requests had come before that.
    """
    with cs.stage("boots"):
        cs.answers.once("BootNotification", {"currentTime": cs.now(), "interval": interval, "status": status})
        before = cs.connections
        await cs.answered(1, "Reset", {"type": "Hard"})
        await cs.reconnected(2, after=before)
        count = sum(one.connection < cs.connections for one in cs.inbox.arrivals)
        await cs.take(2, "BootNotification", seconds=cs.configuration.reconnect_s)
    return count


def alone(cs: CentralSystem, step: int | str, count: int) -> None:
    """Raises StepFailed when the charge point has sent more than one BootNotificationRequest since ``count``."""
    told = [one.action for one in cs.inbox.arrivals[count:]]
    if told != ["BootNotification"]:
        raise StepFailed(cs.step(step), "one BootNotificationRequest only", ", ".join(told))


async def _registers_again(cs: CentralSystem, step: int, since: datetime, after_s: float) -> None:
    """The next BootNotificationRequest, no earlier than so many seconds after the first, and then the statuses."""
    await cs.take(step, "BootNotification", seconds=after_s + cs.configuration.reconnect_s)
    waited = (cs.clock.now() - since).total_seconds()
    if waited < after_s - 1:
        raise StepFailed(
            cs.step(step), f"the next BootNotificationRequest after {after_s:g} s", f"after {waited:.1f} s"
        )
    for number in (0, *cs.connectors):
        await status_is(cs, step + 1, "Available", number, past=())


@charge_point_case("TC16_B_Boot_Accepted_CS")
async def boot_accepted(cs: CentralSystem) -> None:
    """A charge point that boots registers before anything else, then tells all its statuses."""
    before = len(cs.inbox.arrivals)
    boot = await booted(cs)
    told = [one.action for one in cs.inbox.arrivals[before:] if one.connection == cs.connections]
    if told[0] != "BootNotification":
        raise StepFailed("1", "BootNotificationRequest first", told[0])
    for name in ("chargePointVendor", "chargePointModel"):
        if not boot.at(name):
            raise StepFailed("1", f"a {name}", "an empty one")


@charge_point_case("TC16_B_Boot_PowerUp_CS")
async def boot_after_power_loss(cs: CentralSystem) -> None:
    """A charge point that was without power registers again, and tells all its statuses."""
    before = cs.connections
    await cs.station.power_cycle()
    await cs.reconnected(1, after=before)
    await cs.take(1, "BootNotification", seconds=cs.configuration.reconnect_s)
    for number in (0, *cs.connectors):
        await status_is(cs, 2, "Available", number, past=())


@charge_point_case("TC16_B_Boot_Interval_CS")
async def boot_interval(cs: CentralSystem) -> None:
    """The interval of an accepted boot is that of the heartbeats."""
    await boots_with(cs, "Accepted", _WAIT_S)
    await cs.quiet()
    cs.forget("Heartbeat")
    await _beats(cs, 1, _WAIT_S)
    if (interval := await cs.key("HeartbeatInterval")) != str(_WAIT_S):
        raise StepFailed("2", f"HeartbeatInterval {_WAIT_S}", str(interval))


@charge_point_case("TC16_B_Boot_Clock_CS")
async def boot_sets_the_clock(cs: CentralSystem) -> None:
    """The clock is set by the answer to the boot."""
    cs.answers.always("BootNotification", _a_day_ahead(cs, status="Accepted", interval=300))
    cs.answers.always("Heartbeat", _a_day_ahead(cs))
    await booted(cs)
    cs.forget()
    await plugged_in(cs)
    await authorizes(cs)
    await _told_a_day_ahead(cs, 1)


@charge_point_case("TC16_B_Boot_Pending_CS")
async def boot_pending(cs: CentralSystem) -> None:
    """While it is pending a charge point sends nothing by itself, and answers what it is asked."""
    count = await boots_with(cs, "Pending")
    since = cs.clock.now()
    await cs.wait(1)
    if await cs.key("HeartbeatInterval") is None:
        raise StepFailed("1", "HeartbeatInterval", "no such key")
    await cs.wait(_WAIT_S / 2)
    alone(cs, 2, count)
    await _registers_again(cs, 3, since, _WAIT_S)


@charge_point_case("TC16_B_Boot_PendingRemote_CS")
async def boot_pending_remote(cs: CentralSystem) -> None:
    """While it is pending a charge point starts no transaction for the Central System."""
    await boots_with(cs, "Pending", 60)
    await cs.plug_in()
    start = {"idTag": cs.configuration.tokens.valid.id_token, "connectorId": cs.connector}
    await cs.answered(1, "RemoteStartTransaction", start, "Rejected")
    await cs.answered(2, "RemoteStopTransaction", {"transactionId": 1}, "Rejected")
    await cs.take(3, "BootNotification", seconds=60 + cs.configuration.reconnect_s)
    await status_is(cs, 4, "Preparing", past=())
    if cs.seen("StartTransaction"):
        raise StepFailed("4", "no transaction", "a StartTransactionRequest")


@charge_point_case("TC16_B_Boot_PendingTriggered_CS")
async def boot_pending_triggered(cs: CentralSystem) -> None:
    """While it is pending a charge point sends what it is told to, a boot before its time too."""
    await cs.needs_profile("RemoteTrigger")
    await boots_with(cs, "Pending", 300)
    await cs.answered(1, "TriggerMessage", {"requestedMessage": "Heartbeat"})
    await cs.take(2, "Heartbeat")
    await cs.answered(3, "TriggerMessage", {"requestedMessage": "BootNotification"})
    await cs.take(4, "BootNotification")
    for number in (0, *cs.connectors):
        await status_is(cs, 5, "Available", number, past=())


@charge_point_case("TC16_B_Boot_Rejected_CS")
async def boot_rejected(cs: CentralSystem) -> None:
    """A rejected charge point sends nothing, answers nothing, and tries again after the interval."""
    count = await boots_with(cs, "Rejected")
    since = cs.clock.now()
    await cs.wait(1)
    if cs.online:
        # Not answered within the rest of the interval, which is what is wanted.
        try:
            await cs.call(1, "GetConfiguration", {"key": ["HeartbeatInterval"]}, seconds=_WAIT_S / 3)
        except StepFailed as silence:
            cs.note(f"as it should be: {silence}")
        else:
            raise StepFailed("1", "no answer while the charge point is rejected", "GetConfigurationResponse")
    await cs.wait(_WAIT_S / 3)
    alone(cs, 2, count)
    await _registers_again(cs, 3, since, _WAIT_S)


@charge_point_case("TC16_B_Boot_IntervalZero_CS")
async def boot_rejected_without_interval(cs: CentralSystem) -> None:
    """Rejected without an interval, a charge point waits as long as it likes, but does not flood."""
    await boots_with(cs, "Rejected", 0)
    since = cs.clock.now()
    await _registers_again(cs, 1, since, cs.configuration.quiet_s + 1)


@charge_point_case("TC16_B_Boot_Refused_CS")
async def boot_refused(cs: CentralSystem) -> None:
    """A boot that fails is tried again, and nothing else is sent before it has succeeded."""
    cs.answers.once("BootNotification", SILENCE, Refusal("InternalError"))
    before = cs.connections
    await cs.answered(1, "Reset", {"type": "Hard"})
    await cs.reconnected(2, after=before)
    count = sum(one.connection < cs.connections for one in cs.inbox.arrivals)
    await cs.take(2, "BootNotification", seconds=cs.configuration.reconnect_s)
    patience_s = 600 + cs.configuration.reconnect_s
    await cs.take(3, "BootNotification", seconds=patience_s)
    await cs.take(4, "BootNotification", seconds=patience_s)
    told = [one.action for one in cs.inbox.arrivals[count:]][:3]
    if told != ["BootNotification"] * 3:
        raise StepFailed("4", "no request before registration", ", ".join(told))
    await status_is(cs, 5, "Available", 0, past=())


@charge_point_case("TC16_G_Heartbeat_Interval_CS")
async def heartbeat_interval(cs: CentralSystem) -> None:
    """Heartbeats come at the interval of HeartbeatInterval, from the change on."""
    await cs.needs_keys(HeartbeatInterval=str(_WAIT_S))
    cs.forget("Heartbeat")
    await _beats(cs, 1, _WAIT_S)
    await _beats(cs, 2, _WAIT_S)


@charge_point_case("TC16_G_Heartbeat_Clock_CS")
async def heartbeat_sets_the_clock(cs: CentralSystem) -> None:
    """The clock is set by the answer to a heartbeat."""
    await cs.needs_keys(HeartbeatInterval=str(_WAIT_S))
    cs.forget("Heartbeat")
    cs.answers.always("Heartbeat", _a_day_ahead(cs))
    await cs.take(1, "Heartbeat", seconds=_WAIT_S + cs.configuration.time_deviation_s)
    await cs.wait(1)
    cs.forget()
    await plugged_in(cs)
    await authorizes(cs)
    await _told_a_day_ahead(cs, 2)


async def _beats(cs: CentralSystem, step: int, interval_s: float) -> None:
    """The next HeartbeatRequest, with so much time since the last message before it."""
    since = max((one.at for one in cs.inbox.arrivals), default=cs.clock.now())
    since = max(since, cs.clock.now() - timedelta(seconds=interval_s))
    await cs.take(step, "Heartbeat", seconds=interval_s + cs.configuration.time_deviation_s)
    waited = (cs.clock.now() - since).total_seconds()
    if waited < interval_s - cs.configuration.time_deviation_s:
        raise StepFailed(cs.step(step), f"a HeartbeatRequest after {interval_s:g} s", f"after {waited:.1f} s")


def _a_day_ahead(cs: CentralSystem, **more: Any) -> Any:
    def answer(request: Mapping[str, Any]) -> dict[str, Any]:
        del request
        return {"currentTime": str(DateTime.of(cs.clock.now() + _AHEAD)), **more}

    return answer


async def _told_a_day_ahead(cs: CentralSystem, step: int) -> None:
    start = await cs.take(step, "StartTransaction")
    off = datetime.fromisoformat(start.at("timestamp")) - cs.clock.now() - _AHEAD
    allowed_s = cs.configuration.time_deviation_s + cs.configuration.message_timeout_s
    if abs(off.total_seconds()) > allowed_s:
        raise StepFailed(start.step, "a timestamp by the clock of the Central System", str(start.at("timestamp")))
