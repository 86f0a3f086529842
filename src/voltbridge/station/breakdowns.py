"""Faults on demand: what can be broken at a virtual station, on its line and in its memory, and how it is mended.

One table, ``FAULTS``, behind the REST API, the terminal, scenarios, the file of a fleet and Python:

await inflict(station, "ground-fault", {"evse": 1, "seconds": 60})
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from types import MappingProxyType
from typing import Annotated, Any, Final
from weakref import WeakKeyDictionary

import msgspec

from voltbridge.station.assembly import Station
from voltbridge.station.faults import LineFaults
from voltbridge.station.simulation import VirtualEvse, VirtualHardware
from voltbridge.station.station_clock import StationClock

__all__ = ["FAULTS", "Fault", "ImpossibleFault", "Inflicted", "Lasting", "begin", "inflict", "mend"]

_Seconds = Annotated[float, msgspec.Meta(ge=0, le=86_400)]
_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
_Evse = Annotated[int, msgspec.Meta(ge=1)]
_HOT_C: Final = 95.0
_QUEUE: Final = "BackendCtrlr.QueueCapacity"


class ImpossibleFault(Exception):
    """This cannot break now, or not at this station; the text says why."""


class Inflicted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a fault is told."""


class Lasting(Inflicted, frozen=True, kw_only=True):
    """How long it lasts."""

    seconds: Annotated[float, msgspec.Meta(gt=0, le=31_536_000)] | None = None
    """After so long it is over by itself; None: when it is mended."""


class _AtEvse(Lasting, frozen=True, kw_only=True):
    """Where it is broken."""

    evse: _Evse = 1


class _Latency(Lasting, frozen=True, kw_only=True):
    """How late each frame comes."""

    latency_s: _Seconds = 1.0
    jitter_s: _Seconds = 0.0
    """Added at random; frames stay in their order."""


class _OfFrames(Lasting, frozen=True, kw_only=True):
    """Of how many frames."""

    share: _Share = 0.1


class _Reorder(_OfFrames, frozen=True, kw_only=True):
    """How long a frame waits at most for one to overtake it."""

    reorder_s: _Seconds = 1.0


class _SlowReader(Lasting, frozen=True, kw_only=True):
    """The pause after each message that is read."""

    pause_s: _Seconds = 5.0


class _Skew(Inflicted, frozen=True, kw_only=True):
    """How wrong the clock is; negative: behind."""

    skew_s: Annotated[float, msgspec.Meta(ge=-315_360_000, le=315_360_000)] = -3600.0


class _Memory(Lasting, frozen=True, kw_only=True):
    """How much room is left."""

    messages: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 1


class _PowerLoss(Inflicted, frozen=True, kw_only=True):
    """How long the mains are gone."""

    seconds: _Seconds = 5.0


@dataclass(frozen=True, slots=True)
class Fault:
    """One row. ``end`` is None for what is over by itself."""

    arguments: type[Inflicted]
    begin: Callable[[Station, Any], None]
    end: Callable[[Station, Any], None] | None
    help: str
    effect: str
    """What can be seen of it."""


def _hardware(station: Station) -> VirtualHardware:
    if not isinstance(station.hardware, VirtualHardware):
        raise ImpossibleFault("the hardware of this station is real")
    return station.hardware


def _evse(station: Station, evse_id: int) -> VirtualEvse:
    evses = _hardware(station).evses
    if not 1 <= evse_id <= len(evses):
        raise ImpossibleFault(f"the station has EVSE 1 to {len(evses)}, not {evse_id}")
    return evses[evse_id - 1]


# The line


def _spoil(**fields: Callable[[Any], float]) -> tuple[Callable[[Station, Any], None], Callable[[Station, Any], None]]:
    """What sets these fields of the line's faults, beside those that are there, and what takes them back."""

    def begin(station: Station, told: Any) -> None:
        station.faults = replace(station.faults or LineFaults(), **{name: get(told) for name, get in fields.items()})

    def end(station: Station, told: Any) -> None:
        good = LineFaults()
        left = replace(station.faults or good, **{name: getattr(good, name) for name in fields})
        station.faults = None if left == good else left

    return begin, end


def _cut(station: Station, told: Any) -> None:
    link = station.engine.connection.link
    if link is None:
        raise ImpossibleFault("the station has no connection")
    link.cut()


# The hardware


def _broken(code: str, *, stops: bool = True) -> tuple[Callable[[Station, Any], None], Callable[[Station, Any], None]]:
    def begin(station: Station, told: _AtEvse) -> None:
        _evse(station, told.evse).fault(code, stops=stops)

    def end(station: Station, told: _AtEvse) -> None:
        _evse(station, told.evse).repair(code)

    return begin, end


def _overheat(station: Station, told: _AtEvse) -> None:
    evse = _evse(station, told.evse)
    evse.heat.temperature_c = _HOT_C
    evse.fault("HighTemperature")


def _cool_down(station: Station, told: _AtEvse) -> None:
    evse = _evse(station, told.evse)
    evse.heat.temperature_c = min(evse.heat.temperature_c, evse.heat.derates_from_c)
    evse.repair("HighTemperature")


def _lose_meter(station: Station, told: _AtEvse) -> None:
    evse = _evse(station, told.evse)
    evse.meter_failed = True
    evse.fault("PowerMeterFailure")


def _find_meter(station: Station, told: _AtEvse) -> None:
    evse = _evse(station, told.evse)
    evse.meter_failed = False
    evse.repair("PowerMeterFailure")


def _stick(part: str, stuck: bool) -> Callable[[Station, Any], None]:
    def act(station: Station, told: _AtEvse) -> None:
        setattr(_evse(station, told.evse), part, stuck)

    return act


def _uplink(up: bool) -> Callable[[Station, Any], None]:
    def act(station: Station, told: Any) -> None:
        _hardware(station).uplink(up)

    return act


_CUTS: set[asyncio.Task[None]] = set()


def _power_loss(station: Station, told: _PowerLoss) -> None:
    if not station.running:
        raise ImpossibleFault("the station does not run just now")
    cut = asyncio.get_running_loop().create_task(station.power_cut(told.seconds), name="power loss")
    _CUTS.add(cut)
    cut.add_done_callback(_CUTS.discard)


# Clock and memory


def _skew(station: Station, told: _Skew) -> None:
    clock = station.services.context.clock
    assert isinstance(clock, StationClock)
    clock.set_to(clock.now() + timedelta(seconds=told.skew_s))


def _fill_disk(full: bool) -> Callable[[Station, Any], None]:
    def act(station: Station, told: Any) -> None:
        if not hasattr(station.store, "full"):
            raise ImpossibleFault("the store of this station cannot be full")
        station.store.full = full

    return act


_ROOM: WeakKeyDictionary[Station, str] = WeakKeyDictionary()
"""Of stations whose memory is full: how much they had."""


def _fill_memory(station: Station, told: _Memory) -> None:
    model = station.services.context.device_model
    _ROOM.setdefault(station, model.get(_QUEUE))
    model.set(_QUEUE, str(told.messages), persist=False)


def _free_memory(station: Station, told: Any) -> None:
    room = _ROOM.pop(station, None)
    if room is not None:
        station.services.context.device_model.set(_QUEUE, room, persist=False)


def _row(
    arguments: type[Inflicted],
    pair: tuple[Callable[[Station, Any], None], Callable[[Station, Any], None] | None],
    help: str,
    effect: str,
) -> Fault:
    return Fault(arguments, *pair, help, effect)


FAULTS: Final[Mapping[str, Fault]] = MappingProxyType(
    {
        "latency": _row(
            _Latency,
            _spoil(latency_s=lambda told: told.latency_s, jitter_s=lambda told: told.jitter_s),
            "Frames come late, in both directions.",
            "answers and requests come later; beyond the message time-out they count as lost",
        ),
        "drop": _row(
            _OfFrames,
            _spoil(drop=lambda told: told.share),
            "Some frames are lost.",
            "transaction messages come again after their time-out (E13; 1.6 3.7.1)",
        ),
        "duplicate": _row(
            _OfFrames,
            _spoil(duplicate=lambda told: told.share),
            "Some frames come twice.",
            "the same message id comes twice; answers nobody waits for are ignored",
        ),
        "reorder": _row(
            _Reorder,
            _spoil(reorder=lambda told: told.share, reorder_s=lambda told: told.reorder_s),
            "Some frames are overtaken by the next.",
            "answers and requests of both sides cross in another order",
        ),
        "cuts": _row(
            _OfFrames,
            _spoil(cut=lambda told: told.share),
            "Some frames break the connection instead of passing.",
            "the station connects again with back-off, and tells what was queued",
        ),
        "slow-reader": _row(
            _SlowReader,
            _spoil(slow_reader_s=lambda told: told.pause_s),
            "The station pauses after each message that it reads.",
            "what the CSMS sends piles up on its side",
        ),
        "cut": _row(Inflicted, (_cut, None), "The connection breaks, without a word.", "the station connects again"),
        "no-network": _row(
            Lasting,
            (_uplink(False), _uplink(True)),
            "The network is gone.",
            "the station is offline, charges on, and tells everything afterwards",
        ),
        "ground-fault": _row(
            _AtEvse,
            _broken("GroundFailure"),
            "The residual current device trips.",
            "Faulted, GroundFailure; the transaction ends with reason GroundFault (1.6: Other)",
        ),
        "over-current": _row(
            _AtEvse,
            _broken("OverCurrentFailure"),
            "The vehicle takes more than it may.",
            "Faulted, OverCurrentFailure; the transaction ends with reason OvercurrentFault (1.6: Other)",
        ),
        "under-voltage": _row(
            _AtEvse,
            _broken("UnderVoltage"),
            "The voltage is too low.",
            "Faulted, UnderVoltage; the transaction ends with reason PowerQuality (1.6: Other)",
        ),
        "over-voltage": _row(
            _AtEvse,
            _broken("OverVoltage"),
            "The voltage is too high.",
            "Faulted, OverVoltage; the transaction ends with reason PowerQuality (1.6: Other)",
        ),
        "over-temperature": _row(
            _AtEvse,
            (_overheat, _cool_down),
            "The electronics are too hot.",
            "Faulted, HighTemperature, and the temperature in meter values; the transaction ends with reason Other",
        ),
        "meter-failure": _row(
            _AtEvse,
            (_lose_meter, _find_meter),
            "The meter cannot be read.",
            "Faulted, PowerMeterFailure, no energy in meter values; the transaction ends with the last register known",
        ),
        "reader-failure": _row(
            _AtEvse,
            _broken("ReaderFailure", stops=False),
            "The card reader is broken.",
            "ReaderFailure is told (1.6); charging goes on",
        ),
        "contactor-stuck": _row(
            _AtEvse,
            (_stick("contactor_stuck", True), _stick("contactor_stuck", False)),
            "The contactor neither closes nor opens.",
            "Faulted, PowerSwitchFailure, once it is to move",
        ),
        "lock-stuck": _row(
            _AtEvse,
            (_stick("lock_stuck", True), _stick("lock_stuck", False)),
            "The lock neither holds nor lets go of the cable.",
            "Faulted, ConnectorLockFailure, once a cable is to be locked; UnlockConnector: UnlockFailed",
        ),
        "power-loss": _row(
            _PowerLoss,
            (_power_loss, None),
            "The mains are gone.",
            "no word; after it a boot with reason PowerUp, and the end of the transaction with reason PowerLoss",
        ),
        "clock-skew": _row(
            _Skew,
            (_skew, None),
            "The clock of the station is wrong.",
            "timestamps are, until the CSMS tells the time again (B04, G02)",
        ),
        "disk-full": _row(
            Lasting,
            (_fill_disk(True), _fill_disk(False)),
            "The disk takes no more.",
            "settings and lists of the CSMS are refused with InternalError; transactions go on and are told",
        ),
        "memory-full": _row(
            _Memory,
            (_fill_memory, _free_memory),
            "There is room for few messages.",
            "of what happens offline, meter values in between are dropped (1.6 3.7; E04.FR.07)",
        ),
    }
)
"""By name."""


def begin(station: Station, name: str, told: Any) -> None:
    """Break it; ``told`` are the arguments of the fault. Raises ImpossibleFault, and RuntimeError while the station
    restarts.
    """
    fault = FAULTS[name]
    fault.begin(station, told)
    if fault.end is not None and told.seconds is not None:
        station.clock.call_later(told.seconds, lambda: _over(station, fault, told))


def inflict(station: Station, name: str, arguments: Mapping[str, Any]) -> None:
    """Break it. Raises LookupError for an unknown name, msgspec.ValidationError, and as ``begin``."""
    begin(station, name, msgspec.convert(dict(arguments), _named(name).arguments))


def mend(station: Station, name: str, evse: int = 1) -> None:
    """It works again. Raises as ``inflict``; what is over by itself cannot be mended."""
    fault = _named(name)
    if fault.end is None:
        raise ImpossibleFault(f"{name} is over by itself")
    fault.end(station, _AtEvse(evse=evse))


def _named(name: str) -> Fault:
    if name not in FAULTS:
        raise LookupError(f"there is no fault {name}: {', '.join(FAULTS)}")
    return FAULTS[name]


def _over(station: Station, fault: Fault, told: Any) -> None:
    assert fault.end is not None
    with contextlib.suppress(RuntimeError):  # while the station restarts nothing of it lasts
        fault.end(station, told)
