"""What can be done to a virtual station from outside: by its REST API, its terminal and scenarios, in one table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

import msgspec

from voltbridge.domain.charging_profiles import ChargingSchedule, RateUnit, SchedulePeriod
from voltbridge.protocol.v16 import ChargePointErrorCode
from voltbridge.protocol.versions import Version
from voltbridge.station.assembly import Station
from voltbridge.station.breakdowns import FAULTS, ImpossibleFault, begin, mend
from voltbridge.station.faults import LineFaults
from voltbridge.station.simulation import CARS, Car, Talk, VirtualEvse, VirtualHardware, make_car

__all__ = ["ACTIONS", "Action", "ImpossibleAction", "describe", "do", "not_running"]

_Evse = Annotated[int, msgspec.Meta(ge=1)]
_Seconds = Annotated[float, msgspec.Meta(ge=0, le=86_400)]
_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
_LONGEST_TOKEN_OF_201: Final = 36
_Most = Annotated[float, msgspec.Meta(gt=0, le=1e9)]


class ImpossibleAction(Exception):
    """The station cannot do this now; the text says why."""


class _Arguments(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an action is told."""


class _AtEvse(_Arguments, frozen=True, kw_only=True):
    """An EVSE."""

    evse: _Evse = 1


class _PlugIn(_AtEvse, frozen=True, kw_only=True):
    """A car, and where it is plugged in."""

    connector: _Evse = 1
    capacity_kwh: Annotated[float, msgspec.Meta(gt=0, le=10_000)] = 60.0
    state_of_charge: _Share = 0.3
    max_current_a: Annotated[float, msgspec.Meta(gt=0, le=10_000)] = 16.0
    phases: Annotated[int, msgspec.Meta(ge=1, le=3)] = 3
    model: Annotated[str, msgspec.Meta(pattern=f"^({'|'.join(CARS)})$")] | None = None
    """A car of this name, whatever is told of capacity, current and phases."""
    iso15118: bool = False
    """It speaks ISO 15118, and negotiates."""
    cable_max_current_a: Annotated[int, msgspec.Meta(ge=6, le=1000)] | None = None


class _Limit(_Arguments, frozen=True, kw_only=True):
    """Amperes of each phase; None: no more. EVSE 0: the whole station."""

    evse: Annotated[int, msgspec.Meta(ge=0)] = 0
    amperes: Annotated[float, msgspec.Meta(ge=0, le=10_000)] | None = None
    source: Literal["EMS", "SO", "Other"] = "EMS"


class _Swipe(_Arguments, frozen=True, kw_only=True):
    """A token at the reader of an EVSE; 0: at the one of all."""

    id_token: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    type: Annotated[str, msgspec.Meta(min_length=1, max_length=20)] = "ISO14443"
    evse: Annotated[int, msgspec.Meta(ge=0)] = 0


class _Fault(_AtEvse, frozen=True, kw_only=True):
    """``stops``: the connector becomes Faulted."""

    code: ChargePointErrorCode = ChargePointErrorCode.GROUND_FAILURE
    stops: bool = True


class _PowerCut(_Arguments, frozen=True, kw_only=True):
    """How long the mains are gone."""

    seconds: _Seconds = 5.0


class _Uplink(_Arguments, frozen=True, kw_only=True):
    """Whether the network is there: at one interface (OCPPInterfaceEnumType), or at all."""

    up: bool
    interface: Literal["", "Wired0", "Wireless0"] = ""


class _TransactionLimit(_AtEvse, frozen=True, kw_only=True, rename="camel"):
    """TransactionLimitType: Wh, the currency of the station, seconds since the start, percent."""

    max_energy: _Most | None = None
    max_cost: _Most | None = None
    max_time: Annotated[int, msgspec.Meta(ge=1, le=31_536_000)] | None = None
    max_soc: Annotated[int, msgspec.Meta(ge=1, le=100)] | None = msgspec.field(default=None, name="maxSoC")


class _Login(_Arguments, frozen=True, kw_only=True):
    """Who, and whether they were let in."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=30)] = "operator"
    accepted: bool = True


class _Usb(_Arguments, frozen=True, kw_only=True):
    """Which device at a USB port, and whether it has failed."""

    device: Annotated[str, msgspec.Meta(min_length=1, max_length=30)] = "modem"
    broken: bool = True


class _Line(_Arguments, frozen=True, kw_only=True):
    """What goes wrong on the line to the CSMS, all of it anew; shares of the frames, seconds."""

    latency_s: _Seconds = 0.0
    jitter_s: _Seconds = 0.0
    drop: _Share = 0.0
    duplicate: _Share = 0.0
    reorder: _Share = 0.0
    cut: _Share = 0.0
    slow_reader_s: _Seconds = 0.0


class _Stick(_AtEvse, frozen=True, kw_only=True):
    """Whether it sticks."""

    stuck: bool = True


class _Tamper(_AtEvse, frozen=True, kw_only=True):
    """Value: the register is raised after it was signed; Signature: it is another; Key: another one signs."""

    how: Literal["None", "Value", "Signature", "Key"] = "Value"


class _Mend(_AtEvse, frozen=True, kw_only=True):
    """Which of the faults."""

    fault: str

    def __post_init__(self) -> None:
        """Raises ValueError for what cannot be mended."""
        lasting = [name for name, fault in FAULTS.items() if fault.end is not None]
        if self.fault not in lasting:
            raise ValueError(f"{self.fault} cannot be mended; these can: {', '.join(lasting)}")


class _Nothing(_Arguments, frozen=True, kw_only=True):
    """Nothing is told."""


@dataclass(frozen=True, slots=True)
class Action:
    """One row."""

    arguments: type[msgspec.Struct]
    run: Callable[[Station, Any], Awaitable[None]]
    help: str


def _hardware(station: Station) -> VirtualHardware:
    if not isinstance(station.hardware, VirtualHardware):
        raise ImpossibleAction("the hardware of this station is real")
    return station.hardware


def _evse(station: Station, evse_id: int) -> VirtualEvse:
    evses = _hardware(station).evses
    if not 1 <= evse_id <= len(evses):
        raise ImpossibleAction(f"the station has EVSE 1 to {len(evses)}, not {evse_id}")
    return evses[evse_id - 1]


async def _plug_in(station: Station, told: _PlugIn) -> None:
    evse = _evse(station, told.evse)
    if evse.car is not None:
        raise ImpossibleAction(f"a car is plugged in at EVSE {told.evse}")
    if not station.configuration.has(told.evse, told.connector):
        raise ImpossibleAction(f"EVSE {told.evse} has no connector {told.connector}")
    talk = Talk() if told.iso15118 else None
    if told.model is not None:
        car = make_car(told.model, state_of_charge=told.state_of_charge, talk=talk)
    else:
        car = Car(
            capacity_wh=1000 * told.capacity_kwh,
            state_of_charge=told.state_of_charge,
            max_current_a=told.max_current_a,
            phases=told.phases,
            talk=talk,
        )
    evse.plug_in(car, told.connector, told.cable_max_current_a)


async def _renegotiate(station: Station, told: _AtEvse) -> None:
    if not _evse(station, told.evse).renegotiate():
        raise ImpossibleAction(f"no car that speaks ISO 15118 is plugged in at EVSE {told.evse}")


async def _stop_session(station: Station, told: _AtEvse) -> None:
    if not _evse(station, told.evse).stop_session():
        raise ImpossibleAction(f"no car that speaks ISO 15118 is plugged in at EVSE {told.evse}")


async def _limit(station: Station, told: _Limit) -> None:
    if told.evse:
        _evse(station, told.evse)
    smart_charging = station.services.smart_charging
    if told.amperes is None:
        if not smart_charging.limit_released(told.source, told.evse):
            raise ImpossibleAction(f"{told.source} does not limit EVSE {told.evse}")
        return
    schedule = ChargingSchedule(RateUnit.A, (SchedulePeriod(0, round(told.amperes, 1)),))
    smart_charging.limit_from_outside(told.source, schedule, told.evse)


async def _unplug(station: Station, told: _AtEvse) -> None:
    evse = _evse(station, told.evse)
    if evse.car is None:
        raise ImpossibleAction(f"no car is plugged in at EVSE {told.evse}")
    if evse.locked:
        raise ImpossibleAction(f"the cable at EVSE {told.evse} is locked: show the token, or stop by the CSMS first")
    evse.unplug()


async def _swipe(station: Station, told: _Swipe) -> None:
    if told.evse:
        _evse(station, told.evse)
    if station.running and station.version is Version.V201 and len(told.id_token) > _LONGEST_TOKEN_OF_201:
        raise ImpossibleAction(f"tokens of OCPP 2.0.1 have at most {_LONGEST_TOKEN_OF_201} characters")
    _hardware(station).swipe(told.id_token, type=told.type, evse_id=told.evse)


async def _pause(station: Station, told: _AtEvse) -> None:
    _evse(station, told.evse).pause(True)


async def _resume(station: Station, told: _AtEvse) -> None:
    _evse(station, told.evse).pause(False)


async def _fault(station: Station, told: _Fault) -> None:
    _evse(station, told.evse).fault(told.code.value, stops=told.stops)


async def _repair(station: Station, told: _Fault) -> None:
    _evse(station, told.evse).repair(told.code.value)


async def _stick_contactor(station: Station, told: _Stick) -> None:
    _evse(station, told.evse).contactor_stuck = told.stuck


async def _stick_lock(station: Station, told: _Stick) -> None:
    _evse(station, told.evse).lock_stuck = told.stuck


async def _tamper(station: Station, told: _Tamper) -> None:
    from voltbridge.station.simulation.signing import SigningMeter, Tampering  # only where there is such a meter

    meter = _evse(station, told.evse).sign
    if not isinstance(meter, SigningMeter):
        raise ImpossibleAction(f"the meter of EVSE {told.evse} signs nothing")
    meter.tampering = Tampering(told.how)


async def _power_cut(station: Station, told: _PowerCut) -> None:
    await station.power_cut(told.seconds)


async def _uplink(station: Station, told: _Uplink) -> None:
    _hardware(station).uplink(told.up, told.interface)


async def _limit_transaction(station: Station, told: _TransactionLimit) -> None:
    hardware = _hardware(station)
    _evse(station, told.evse)
    if station.services.transactions.session(told.evse).transaction is None:
        raise ImpossibleAction(f"there is no transaction at EVSE {told.evse}")
    entered = {
        "maxEnergy": told.max_energy,
        "maxCost": told.max_cost,
        "maxTime": told.max_time,
        "maxSoC": told.max_soc,
    }
    limits = {name: value for name, value in entered.items() if value is not None}
    if not limits:
        raise ImpossibleAction(f"no limit is named: {', '.join(entered)}")
    hardware.enter_limit(told.evse, limits)


async def _login(station: Station, told: _Login) -> None:
    _hardware(station).login(told.name, accepted=told.accepted)


async def _usb(station: Station, told: _Usb) -> None:
    _hardware(station).usb(told.device, broken=told.broken)


async def _cut_line(station: Station, told: _Nothing) -> None:
    link = station.engine.connection.link
    if link is None:
        raise ImpossibleAction("the station has no connection")
    link.cut()


async def _line(station: Station, told: _Line) -> None:
    station.faults = LineFaults(**msgspec.structs.asdict(told))


async def _mend(station: Station, told: _Mend) -> None:
    mend(station, told.fault, told.evse)


def _breaks(name: str) -> Action:
    """A fault as an action."""

    async def run(station: Station, told: Any) -> None:
        begin(station, name, told)

    return Action(FAULTS[name].arguments, run, FAULTS[name].help)


ACTIONS: Final[Mapping[str, Action]] = MappingProxyType(
    {
        "plug": Action(_PlugIn, _plug_in, "A car comes and is plugged in."),
        "unplug": Action(_AtEvse, _unplug, "The car goes."),
        "swipe": Action(_Swipe, _swipe, "Somebody shows a token."),
        "pause": Action(_AtEvse, _pause, "The car wants no energy for now."),
        "resume": Action(_AtEvse, _resume, "The car wants energy again."),
        "renegotiate": Action(_AtEvse, _renegotiate, "The car tells new needs (ISO 15118)."),
        "stop-session": Action(_AtEvse, _stop_session, "The car ends its session (ISO 15118)."),
        "limit": Action(_Limit, _limit, "Somebody else than the CSMS limits the charging, or no more."),
        "fault": Action(_Fault, _fault, "Something breaks."),
        "repair": Action(_Fault, _repair, "It works again."),
        "stick-contactor": Action(_Stick, _stick_contactor, "The contactor neither closes nor opens."),
        "stick-lock": Action(_Stick, _stick_lock, "The lock does not let go."),
        "tamper-meter": Action(_Tamper, _tamper, "Somebody tampers with what the meter signs."),
        "power-cut": Action(_PowerCut, _power_cut, "The mains are gone for a while."),
        "uplink": Action(_Uplink, _uplink, "The network goes, or comes back."),
        "limit-transaction": Action(
            _TransactionLimit, _limit_transaction, "The driver enters how much the transaction may take."
        ),
        "web-login": Action(_Login, _login, "Somebody logs into the web interface, or tries to."),
        "usb": Action(_Usb, _usb, "A device at a USB port fails, or works again."),
        "cut-line": Action(_Nothing, _cut_line, "The connection breaks without a word."),
        "line": Action(_Line, _line, "The line is bad from now on."),
        "mend": Action(_Mend, _mend, "What was broken works again."),
        **{name: _breaks(name) for name in FAULTS},
    }
)
"""By name."""


async def do(station: Station, name: str, arguments: Mapping[str, Any]) -> None:
    """Do it. Raises LookupError for an unknown name, msgspec.ValidationError, and ImpossibleAction."""
    action = ACTIONS[name]
    told = msgspec.convert(dict(arguments), action.arguments)
    try:
        await action.run(station, told)
    except (RuntimeError, ImpossibleFault) as error:  # the former while the station restarts
        raise ImpossibleAction(str(error)) from error


def describe(station: Station) -> dict[str, Any]:
    """What the station is like now, for people and programs."""
    if not station.running:
        return not_running(station.configuration.identity)
    services, outbox = station.services, station.engine.outbox
    evses = []
    for evse_id, configuration in enumerate(station.configuration.evses, 1):
        session = services.transactions.session(evse_id)
        connectors = {
            str(number): services.availability.state(evse_id, number).value
            for number in range(1, len(configuration.connectors) + 1)
        }
        evse: dict[str, Any] = {
            "evse_id": evse_id,
            "connectors": connectors,
            "transaction_id": None if session.transaction is None else session.transaction.key,
            "id_token": None if session.driver is None else session.driver.token.id_token,
        }
        if isinstance(station.hardware, VirtualHardware):
            evse |= _physical(station.hardware.evses[evse_id - 1])
        evses.append(evse)
    return {
        "identity": station.configuration.identity,
        "running": True,
        "online": station.online,
        "registration": station.registration.value,
        "version": station.version.value,
        "queued": outbox.queued,
        "evses": evses,
    }


def not_running(identity: str) -> dict[str, Any]:
    """What can be said of a station that restarts, or whose process does."""
    return {"identity": identity, "running": False, "online": False, "evses": []}


def _physical(evse: VirtualEvse) -> dict[str, Any]:
    evse.read()
    return {
        "plugged_in": evse.car is not None,
        "locked": evse.locked,
        "power_w": round(evse.power_w, 1),
        "energy_wh": int(evse.register_wh),
        "state_of_charge": None if evse.car is None else round(evse.car.state_of_charge, 3),
        "offered_current_a": round(evse.offered.current_a, 2),
    }
