"""A virtual EVSE: contactor, lock, pilot, and the vehicle before it; what flows there is its ``circuit``'s."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from typing import Final

from voltbridge.domain.clock import Cancel, Clock
from voltbridge.domain.tokens import IdToken
from voltbridge.station.configuration import EvseConfiguration
from voltbridge.station.high_level import OfferedSchedule
from voltbridge.station.ports import (
    BayChanged,
    CarState,
    CarStateChanged,
    FaultCleared,
    FaultOccurred,
    HardwareEvent,
    NeedsTold,
    Offer,
    Plugged,
    ScheduleChosen,
    SessionStopped,
    TokenPresented,
    UnlockResult,
    Unplugged,
)
from voltbridge.station.readings import Reading, SignedReading
from voltbridge.station.simulation.car import Car
from voltbridge.station.simulation.circuit import Circuit
from voltbridge.station.simulation.grid import Grid
from voltbridge.station.simulation.heat import Heat
from voltbridge.station.simulation.needs import max_rate, needs_of

__all__ = ["VirtualEvse"]

_LONGEST_WATCH_S: Final = 86_400.0
_SHORTEST_WATCH_S: Final = 1.0
_TALK_S: Final = 0.5
"""How long a vehicle takes to say something."""
_FAN_FROM_C: Final = 40.0
_FAN_RPM: Final = 1_800.0


class VirtualEvse:
    """One EVSE. Energy is counted whenever somebody looks, so that an EVSE at rest costs nothing."""

    __slots__ = (
        "_cancel_talk",
        "_cancel_watch",
        "_circuit",
        "_clock",
        "_configuration",
        "_connector_id",
        "_evse_id",
        "_keep",
        "_kept",
        "_listener",
        "_next_paused",
        "_paused_since",
        "_told",
        "contactor_stuck",
        "lock_stuck",
        "locked",
        "meter_failed",
        "sign",
    )

    def __init__(
        self,
        evse_id: int,
        configuration: EvseConfiguration,
        clock: Clock,
        *,
        register_wh: float = 0.0,
        keep: Callable[[float], None] = lambda register_wh: None,
        grid: Grid | None = None,
    ) -> None:
        """``register_wh``: where the meter stands; ``keep`` is told each value before anybody has seen it."""
        self._evse_id = evse_id
        self._configuration = configuration
        self._clock = clock
        self._listener: Callable[[HardwareEvent], None] = lambda event: None
        self._connector_id: int | None = None
        self._circuit = Circuit(configuration, clock, grid or Grid(), register_wh)
        self._cancel_watch: Cancel | None = None
        self._cancel_talk: Cancel | None = None
        self._next_paused = False
        self._paused_since: float | None = None
        self._told = CarState.A
        """What the listener knows of the pilot."""
        self._keep = keep
        self._kept = register_wh
        self.locked = False
        self.contactor_stuck = False
        """The contactor does neither close nor open."""
        self.lock_stuck = False
        self.meter_failed = False
        """Nothing can be read of the meter, which counts on."""
        self.sign: Callable[[float], SignedReading] | None = None
        """Signs the register (``signing.SigningMeter``); None: the meter does not."""

    def attach(self, listener: Callable[[HardwareEvent], None]) -> None:
        """Tell this listener what happens. To a vehicle that talks, a controller that starts anew is a new one."""
        self._listener = listener
        if self.car is not None and self.car.talk is not None:
            self._circuit.count()
            self.car.talk.agreed, self.car.talk.plan = False, None
            self._told = self.car_state()
            self._watch()
            self._say(self._tell_needs)

    # The port

    def plugged_connector(self) -> int | None:
        return self._connector_id

    def car_state(self) -> CarState:
        if self.car is None:
            return CarState.A
        return CarState.C if self.car.asks(self._clock.now()) else CarState.B

    async def close_contactor(self) -> bool:
        if self.contactor_stuck:
            return False
        self._circuit.count()
        self._circuit.closed = True
        self._watch()
        return True

    async def open_contactor(self) -> bool:
        self._circuit.count()
        if self.contactor_stuck and self._circuit.closed:
            return False
        self._circuit.closed = False
        self._watch()
        return True

    async def lock(self, connector_id: int) -> bool:
        del connector_id
        self.locked = not self.lock_stuck
        return self.locked

    async def unlock(self, connector_id: int) -> UnlockResult:
        del connector_id
        if self.lock_stuck:
            return UnlockResult.UNLOCK_FAILED
        self.locked = False
        return UnlockResult.UNLOCKED

    def offer(self, offer: Offer) -> None:
        self._circuit.count()
        self._circuit.offer = offer
        if self.car is not None:
            if not self._configuration.direct_current:
                self.car.offered(offer.current_a, self._circuit.phases())
            if self._circuit.offers_nothing():
                if self._paused_since is None:
                    self._paused_since = self._clock.monotonic()
            elif self._paused_since is not None:
                self._paused_since = None
                self._circuit.ready_at = self._clock.monotonic() + self.car.wake_up_s
        self._watch()

    def propose(self, schedules: Sequence[OfferedSchedule]) -> None:
        car = self.car
        if car is None or car.talk is None:
            return

        def answers() -> None:
            assert car.talk is not None
            car.talk.agreed = True
            rate = max_rate(car, self._configuration, schedules[0].unit)
            schedule_id, plan = car.talk.choose(schedules, rate)
            self._listener(ScheduleChosen(self._evse_id, schedule_id, plan))
            self._look()

        self._say(answers)

    def read(self) -> tuple[Reading, ...]:
        self._circuit.count()
        now = self._clock.now()
        flow = self._circuit.flow(now)
        register = self._circuit.meter.register_wh
        # What is signed and what is told must be the same number.
        if register != self._kept:
            self._kept = register
            self._keep(register)
        readable = not self.meter_failed
        signed = self.sign(register) if self.sign is not None and readable else None
        configuration, offered_a = self._configuration, self._circuit.offered_a(now)
        power_offered = offered_a * configuration.voltage_v * self._circuit.phases()
        temperature = round(self.heat.temperature_c, 1)
        readings = [
            *(
                self._circuit.meter.readings(flow, signed=signed, by_phase=configuration.phase_meter)
                if readable
                else ()
            ),
            Reading(round(power_offered, 1), "Power.Offered", unit="W"),
            Reading(round(offered_a, 2), "Current.Offered", unit="A"),
            Reading(temperature, "Temperature", location="Body", unit="Celsius"),
            Reading(_FAN_RPM if temperature > _FAN_FROM_C else 0.0, "RPM", location="Body", unit=""),
        ]
        if not configuration.direct_current:
            readings.append(Reading(round(self._circuit.grid.frequency(now), 2), "Frequency", unit="Hz"))
        if self.car is not None:
            readings.append(Reading(round(self.car.state_of_charge * 100, 1), "SoC", location="EV", unit="Percent"))
        return tuple(readings)

    # What happens to it

    @property
    def car(self) -> Car | None:
        """The vehicle that is connected."""
        return self._circuit.car

    @property
    def heat(self) -> Heat:
        """Of its electronics."""
        return self._circuit.heat

    @property
    def register_wh(self) -> float:
        """The import register, with its fractions."""
        return self._circuit.meter.import_wh

    @property
    def closed(self) -> bool:
        """The contactor gives power."""
        return self._circuit.closed

    @property
    def offered(self) -> Offer:
        """What the vehicle was last told it may take."""
        return self._circuit.offer

    @property
    def power_w(self) -> float:
        """What flows at this moment."""
        return self._circuit.power_w

    def plug_in(self, car: Car, connector_id: int = 1, cable_max_current_a: int | None = None) -> None:
        """A vehicle comes and is connected."""
        if self.car is not None:
            raise ValueError(f"EVSE {self._evse_id} has a vehicle already")
        self._circuit.count()
        self._circuit.car = car
        car.connected()
        car.paused = car.paused or self._next_paused
        self._next_paused = False
        self._connector_id = connector_id
        self._told = CarState.B
        self._paused_since = self._clock.monotonic() if self._circuit.offers_nothing() else None
        self._circuit.ready_at = -inf
        if car.talk is not None:
            car.talk.agreed, car.talk.plan = False, None
        self._listener(Plugged(self._evse_id, connector_id, cable_max_current_a))
        self._look()
        if car.talk is not None:
            self._say(self._introduce)

    def unplug(self) -> None:
        """The vehicle goes. Pulled under load, the pilot breaks first, so nothing flows."""
        if self.car is None:
            return
        self._circuit.count()
        connector_id = self._connector_id or 1
        if self._cancel_talk is not None:
            self._cancel_talk()
            self._cancel_talk = None
        self._circuit.car = None
        self._connector_id = None
        self._told = CarState.A
        self._watch()
        self._listener(Unplugged(self._evse_id, connector_id))

    def bay(self, occupied: bool) -> None:
        """A vehicle drives into the parking bay, or out of it, as its sensor sees it."""
        self._listener(BayChanged(self._evse_id, occupied))

    def pause(self, paused: bool) -> None:
        """The vehicle stops asking for energy, or asks again; without one, the next to come."""
        self._next_paused = paused and self.car is None
        if self.car is not None:
            self._circuit.count()
            self.car.paused = paused
            self.car.asleep = False
            self._watch()
            self._tell_state(self.car_state())

    def renegotiate(self) -> bool:
        """The vehicle tells its needs anew, unless it waits for an answer to them. False: it does not talk."""
        if self.car is None or self.car.talk is None:
            return False
        if self.car.talk.agreed:
            self._say(self._tell_needs)
        return True

    def stop_session(self) -> bool:
        """The vehicle ends the session for good (SessionStopReq with Terminate). False: it does not talk."""
        if self.car is None or self.car.talk is None:
            return False
        self._circuit.count()
        self.car.talk.agreed = False
        self._watch()
        self._listener(SessionStopped(self._evse_id))
        self._look()
        return True

    def fault(self, code: str, *, stops: bool = True, info: str = "") -> None:
        """Something breaks: one of ChargePointErrorCode."""
        self._listener(FaultOccurred(self._evse_id, code, self._connector_id or 1, info, stops=stops))

    def repair(self, code: str) -> None:
        """It works again."""
        self._listener(FaultCleared(self._evse_id, code, self._connector_id or 1))

    def lose_power(self) -> None:
        """The mains are gone: contactors fall open."""
        self._circuit.count()
        self._circuit.closed = False
        self._watch()

    # What the vehicle says

    def _say(self, what: Callable[[], None]) -> None:
        if self._cancel_talk is not None:
            self._cancel_talk()

        def now() -> None:
            self._cancel_talk = None
            what()

        self._cancel_talk = self._clock.call_later(_TALK_S, now)

    def _introduce(self) -> None:
        assert self.car is not None and self.car.talk is not None
        if self.car.talk.emaid is not None:
            self._listener(TokenPresented(IdToken(self.car.talk.emaid, "eMAID"), self._evse_id))
        self._tell_needs()

    def _tell_needs(self) -> None:
        self._circuit.count()
        assert self.car is not None
        self._listener(NeedsTold(self._evse_id, needs_of(self.car, self._configuration)))

    # What the vehicle does by itself

    def _tell_state(self, state: CarState) -> None:
        self._told = state
        self._listener(CarStateChanged(self._evse_id, state))

    def _watch(self) -> None:
        """Look again when the vehicle will have enough, or will want something else."""
        if self._cancel_watch is not None:
            self._cancel_watch()
            self._cancel_watch = None
        car = self.car
        if car is None:
            return
        now, moment = self._clock.now(), self._clock.monotonic()
        waits = []
        if self._circuit.closed:
            full_s = car.seconds_until_full(lambda charge: self._circuit.power_at(now, charge))
            if full_s is not None:
                waits.append(full_s + 1.0)
        if self._paused_since is not None and car.sleeps_after_s < inf and not car.asleep:
            waits.append(self._paused_since + car.sleeps_after_s - moment)
        if car.departs_at is not None and car.preconditioning_w:
            begins_s = (car.departs_at - now).total_seconds() - car.preconditioning_s
            waits += [each for each in (begins_s, begins_s + car.preconditioning_s) if each > 0]
        if waits:
            wait_s = min(max(min(waits), _SHORTEST_WATCH_S), _LONGEST_WATCH_S)
            self._cancel_watch = self._clock.call_later(wait_s, self._look)

    def _look(self) -> None:
        self._cancel_watch = None
        self._circuit.count()
        car = self.car
        if car is None:
            return
        if self._paused_since is not None and self._clock.monotonic() - self._paused_since >= car.sleeps_after_s:
            car.asleep = True
        state = self.car_state()
        self._watch()
        if state is not self._told:
            self._tell_state(state)
