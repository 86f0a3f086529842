"""A virtual EVSE: contactor, lock, pilot and a meter whose register only ever rises, over all restarts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from math import inf
from typing import Final

from voltbridge.domain.charging_profiles import RateUnit
from voltbridge.domain.clock import Cancel, Clock
from voltbridge.domain.tokens import IdToken
from voltbridge.station.configuration import EvseConfiguration
from voltbridge.station.high_level import OfferedSchedule, VehicleNeeds
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
from voltbridge.station.simulation.grid import Grid
from voltbridge.station.simulation.heat import Heat
from voltbridge.station.simulation.meter import Flow, Meter

__all__ = ["VirtualEvse"]

_LONGEST_STEP_S: Final = 60.0
_RAMP_STEP_S: Final = 0.5
_LONGEST_WATCH_S: Final = 86_400.0
_SHORTEST_WATCH_S: Final = 1.0
_TALK_S: Final = 0.5
"""How long a vehicle takes to say something."""
_FAN_FROM_C: Final = 40.0
_FAN_RPM: Final = 1_800.0
_AC_MODES: Final = {1: "AC_single_phase", 2: "AC_two_phase", 3: "AC_three_phase"}


class VirtualEvse:
    """One EVSE. Energy is counted whenever somebody looks, so that an EVSE at rest costs nothing."""

    __slots__ = (
        "_amperes",
        "_cancel_talk",
        "_cancel_watch",
        "_clock",
        "_closed",
        "_configuration",
        "_connector_id",
        "_counted_at",
        "_evse_id",
        "_keep",
        "_kept",
        "_listener",
        "_meter",
        "_next_paused",
        "_offer",
        "_paused_since",
        "_ready_at",
        "_told",
        "car",
        "contactor_stuck",
        "grid",
        "heat",
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
        self._closed = False
        self._offer = Offer(configuration.max_current_a, configuration.phases)
        self._counted_at = clock.monotonic()
        self._cancel_watch: Cancel | None = None
        self._cancel_talk: Cancel | None = None
        self._next_paused = False
        self._amperes = 0.0
        """What the battery takes of each phase at the moment counted last."""
        self._ready_at = -inf
        """Since when a vehicle that was offered nothing is awake again."""
        self._paused_since: float | None = None
        self._told = CarState.A
        """What the listener knows of the pilot."""
        self._meter = Meter(import_wh=register_wh)
        self._keep = keep
        self._kept = register_wh
        self.grid = grid or Grid()
        self.heat = Heat(temperature_c=self.grid.ambient(clock.now()), rise_c=8.0)
        """Of its electronics, which offers less when it gets too hot."""
        self.car: Car | None = None
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
            self._count()
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
        self._count()
        self._closed = True
        self._watch()
        return True

    async def open_contactor(self) -> bool:
        self._count()
        if self.contactor_stuck and self._closed:
            return False
        self._closed = False
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
        self._count()
        self._offer = offer
        if self.car is not None:
            if not self._configuration.direct_current:
                self.car.offered(offer.current_a, self._phases())
            if self._offers_nothing():
                if self._paused_since is None:
                    self._paused_since = self._clock.monotonic()
            elif self._paused_since is not None:
                self._paused_since = None
                self._ready_at = self._clock.monotonic() + self.car.wake_up_s
        self._watch()

    def propose(self, schedules: Sequence[OfferedSchedule]) -> None:
        car = self.car
        if car is None or car.talk is None:
            return

        def answers() -> None:
            assert car.talk is not None
            car.talk.agreed = True
            rate = self._max_rate(car, schedules[0].unit)
            schedule_id, plan = car.talk.choose(schedules, rate)
            self._listener(ScheduleChosen(self._evse_id, schedule_id, plan))
            self._look()

        self._say(answers)

    def read(self) -> tuple[Reading, ...]:
        self._count()
        now = self._clock.now()
        flow = self._flow(now)
        register = self._meter.register_wh
        # What is signed and what is told must be the same number.
        if register != self._kept:
            self._kept = register
            self._keep(register)
        readable = not self.meter_failed
        signed = self.sign(register) if self.sign is not None and readable else None
        configuration, offered_a = self._configuration, self._offered_a(now)
        power_offered = offered_a * configuration.voltage_v * self._phases()
        temperature = round(self.heat.temperature_c, 1)
        readings = [
            *(self._meter.readings(flow, signed=signed, by_phase=configuration.phase_meter) if readable else ()),
            Reading(round(power_offered, 1), "Power.Offered", unit="W"),
            Reading(round(offered_a, 2), "Current.Offered", unit="A"),
            Reading(temperature, "Temperature", location="Body", unit="Celsius"),
            Reading(_FAN_RPM if temperature > _FAN_FROM_C else 0.0, "RPM", location="Body", unit=""),
        ]
        if not configuration.direct_current:
            readings.append(Reading(round(self.grid.frequency(now), 2), "Frequency", unit="Hz"))
        if self.car is not None:
            readings.append(Reading(round(self.car.state_of_charge * 100, 1), "SoC", location="EV", unit="Percent"))
        return tuple(readings)

    # What happens to it

    @property
    def register_wh(self) -> float:
        """The import register, with its fractions."""
        return self._meter.import_wh

    @property
    def closed(self) -> bool:
        """The contactor gives power."""
        return self._closed

    @property
    def offered(self) -> Offer:
        """What the vehicle was last told it may take."""
        return self._offer

    @property
    def power_w(self) -> float:
        """What flows at this moment."""
        self._count()
        return self._flow(self._clock.now()).power_w

    def plug_in(self, car: Car, connector_id: int = 1, cable_max_current_a: int | None = None) -> None:
        """A vehicle comes and is connected."""
        if self.car is not None:
            raise ValueError(f"EVSE {self._evse_id} has a vehicle already")
        self._count()
        self.car = car
        car.connected()
        car.paused = car.paused or self._next_paused
        self._next_paused = False
        self._connector_id = connector_id
        self._told = CarState.B
        self._paused_since = self._clock.monotonic() if self._offers_nothing() else None
        self._ready_at = -inf
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
        self._count()
        connector_id = self._connector_id or 1
        if self._cancel_talk is not None:
            self._cancel_talk()
            self._cancel_talk = None
        self.car = None
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
            self._count()
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
        self._count()
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
        self._count()
        self._closed = False
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
        self._count()
        assert self.car is not None
        self._listener(NeedsTold(self._evse_id, self._needs(self.car)))

    def _needs(self, car: Car) -> VehicleNeeds:
        talk, configuration = car.talk, self._configuration
        assert talk is not None
        energy_wh = max(0.0, (car.wants_until - car.state_of_charge) * car.capacity_wh / car.efficiency)
        if not configuration.direct_current:
            phases = min(car.phases, configuration.phases)
            return VehicleNeeds(
                mode=_AC_MODES[phases],
                max_current_a=car.max_current_a,
                min_current_a=car.min_current_a,
                max_voltage_v=round(configuration.voltage_v * (3**0.5 if phases > 1 else 1.0)),
                energy_wh=energy_wh,
                departure_at=car.departs_at,
                max_periods=talk.max_periods,
                edition_20=talk.edition_20,
                dynamic=talk.dynamic,
            )
        high_v = car.battery_v[1] if car.battery_v is not None else configuration.voltage_v
        curve_w = max((power for _, power in car.dc_curve), default=car.max_current_a * high_v)
        return VehicleNeeds(
            mode="DC",
            max_current_a=self._max_direct_a(car),
            max_voltage_v=high_v,
            max_power_w=curve_w,
            energy_wh=energy_wh,
            state_of_charge=int(car.state_of_charge * 100),
            capacity_wh=car.capacity_wh,
            full_soc=int(car.wants_until * 100),
            bulk_soc=int(car.taper_from * 100),
            departure_at=car.departs_at,
            max_periods=talk.max_periods,
            edition_20=talk.edition_20,
            dynamic=talk.dynamic,
        )

    def _max_rate(self, car: Car, unit: RateUnit) -> float:
        """The most it can take, in the unit of a schedule."""
        if not self._configuration.direct_current:
            phases = min(car.phases, self._configuration.phases)
            return car.max_current_a * (1.0 if unit is RateUnit.A else phases * self._configuration.voltage_v)
        power_w = max((power for _, power in car.dc_curve), default=car.max_current_a * self._configuration.voltage_v)
        return power_w if unit is RateUnit.W else power_w / self._configuration.voltage_v

    # What flows

    def _phases(self) -> int:
        return min(self._offer.phases, self._configuration.phases)

    def _offers_nothing(self) -> bool:
        least = 0.0 if self._configuration.direct_current else (self.car.min_current_a if self.car else 0.0)
        return self._offer.current_a < least or self._offer.current_a <= 0

    def _offered_a(self, now: datetime) -> float:
        """Per phase, after what the station itself holds back and the vehicle's own plan."""
        configuration, offer = self._configuration, self._offer
        offered = min(offer.current_a, configuration.max_current_a * self.heat.share)
        phases = self._phases()
        if offer.power_w is not None:
            used = max(1, min(phases, self.car.phases if self.car is not None else phases))
            offered = min(offered, offer.power_w / (configuration.voltage_v * used))
        return offered

    def _max_direct_a(self, car: Car) -> float:
        """The current of a vehicle with a curve follows from its power and the voltage of its battery."""
        if not car.dc_curve:
            return car.max_current_a
        return round(max(power for _, power in car.dc_curve) / car.voltage_v(self._configuration.voltage_v), 1)

    def _target_a(self, now: datetime, charge: float | None = None) -> float:
        """What the battery takes of each phase once it has followed; negative: it feeds back."""
        car, configuration = self.car, self._configuration
        if car is None or not self._closed or not car.asks(now) or self._clock_of(now) < self._ready_at:
            return 0.0
        volts = configuration.voltage_v
        phases = 1 if configuration.direct_current else max(1, min(self._phases(), car.phases))
        if self._offers_nothing():
            feeds_w = min(car.discharges_w, self._offer.discharge_power_w)
            return -feeds_w / (volts * phases) if feeds_w > 0 and car.state_of_charge > car.keeps else 0.0
        offered = self._offered_a(now)
        if car.talk is not None and (planned := car.talk.allows_a(now, volts, phases)) is not None:
            offered = min(offered, planned)
        if not configuration.direct_current:
            if charge is None:
                return car.current_a(offered)
            full = min(offered, car.max_current_a * car.heat.share)
            return full * car.share(charge) if offered >= car.min_current_a else 0.0
        battery_v = car.voltage_v(volts)
        most_a = min(configuration.max_current_a * self.heat.share, self._max_direct_a(car))
        return car.power_w(min(offered * volts, most_a * battery_v), charge) / battery_v

    def _flow(self, now: datetime, amperes: float | None = None) -> Flow:
        """What flows while the battery takes so much; None: what it takes now."""
        car, configuration = self.car, self._configuration
        battery_a = self._amperes if amperes is None else amperes
        powered = car is not None and self._closed and not self._offers_nothing() and car.asks(now)
        other_w = car.other_w(now) if car is not None and powered else 0.0
        factor = car.power_factor if car is not None else 1.0
        if configuration.direct_current:
            volts = car.voltage_v(configuration.voltage_v) if car is not None else configuration.voltage_v
            most = max(battery_a, self._offered_a(now) * configuration.voltage_v / volts)
            return Flow((volts,), (min(battery_a + other_w / volts, most),), 1.0, direct=True)
        voltages = tuple(
            self.grid.voltage_v(configuration.voltage_v, phase, now) for phase in range(1, configuration.phases + 1)
        )
        used = 0 if car is None else min(self._phases(), car.phases)
        currents = []
        for phase in range(configuration.phases):
            current = battery_a * car.phase_shares[phase] if car is not None and phase < used else 0.0
            if phase == 0 and other_w:
                current = max(current, min(current + other_w / (voltages[0] * factor), self._offered_a(now)))
            currents.append(current)
        return Flow(voltages, tuple(currents), factor)

    def _clock_of(self, now: datetime) -> float:
        """The monotonic moment of a moment."""
        return self._clock.monotonic() - (self._clock.now() - now).total_seconds()

    def _follow(self, target: float, seconds: float) -> float:
        """Where the current is after so long on its way to the target."""
        car, before = self.car, self._amperes
        if car is None or not self._closed or target == before:
            return target
        step = (car.ramp_up_a_per_s if target > before else car.ramp_down_a_per_s) * seconds
        return target if step >= abs(target - before) else before + (step if target > before else -step)

    def _at_once(self, target: float) -> bool:
        """Whether there is no ramp on the way to this."""
        car = self.car
        if car is None or not self._closed:
            return True
        return (car.ramp_up_a_per_s if target > self._amperes else car.ramp_down_a_per_s) == inf

    def _count(self) -> None:
        """Bring the registers, the battery and the temperatures up to now."""
        until, now = self._clock.monotonic(), self._clock.now()
        while True:
            left_s = until - self._counted_at
            at = now - timedelta(seconds=max(0.0, left_s))
            target = self._target_a(at)
            if self._at_once(target):
                self._amperes = target
            if left_s <= 0:
                break
            if self.car is None or not self._closed:
                self.heat.pass_time(left_s, self.grid.ambient(at), 0.0)
                self._counted_at = until
                continue
            step_s = min(left_s, self._step_s(at, target))
            after = self._follow(target, step_s)
            flow = self._flow(at, (self._amperes + after) / 2)
            self._meter.count(flow, step_s)
            other_wh = self.car.other_w(at) * step_s / 3600.0
            energy_wh = flow.power_w * step_s / 3600.0
            self.car.take(energy_wh if energy_wh < 0 else max(0.0, energy_wh - other_wh))
            load = min(1.0, abs(self._amperes) / self._configuration.max_current_a)
            self.heat.pass_time(step_s, self.grid.ambient(at), load)
            self.car.heat.pass_time(step_s, self.grid.ambient(at), load)
            self._amperes = after
            self._counted_at += step_s

    def _step_s(self, at: datetime, target: float) -> float:
        """For how long what flows can be taken as constant, or its change as even."""
        steps = [_LONGEST_STEP_S]
        if target != self._amperes:
            steps.append(_RAMP_STEP_S)
        moment = self._clock_of(at)
        if moment < self._ready_at:
            steps.append(self._ready_at - moment)
        if self.car is not None and self.car.talk is not None:
            change_s = self.car.talk.next_change_s(at)
            if change_s is not None:
                steps.append(change_s)
        return max(min(steps), 0.001)

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
        if self._closed:
            full_s = car.seconds_until_full(lambda charge: self._power_at(now, charge))
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

    def _power_at(self, now: datetime, charge: float) -> float:
        """What the battery would take at another state of charge, with the offer of now."""
        target = self._target_a(now, charge)
        return self._flow(now, target).power_w if target > 0 else 0.0

    def _look(self) -> None:
        self._cancel_watch = None
        self._count()
        car = self.car
        if car is None:
            return
        if self._paused_since is not None and self._clock.monotonic() - self._paused_since >= car.sleeps_after_s:
            car.asleep = True
        state = self.car_state()
        self._watch()
        if state is not self._told:
            self._tell_state(state)
