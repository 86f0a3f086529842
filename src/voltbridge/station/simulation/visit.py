"""A driver's visit: come, plug in, show a card, wait, and go again."""

from __future__ import annotations

from types import TracebackType
from typing import Final, Self

from voltbridge.domain.clock import Clock
from voltbridge.station.simulation.car import Car
from voltbridge.station.simulation.evse import VirtualEvse
from voltbridge.station.simulation.hardware import VirtualHardware

__all__ = ["Visit"]

_LOOK_S: Final = 1.0
_MOST_LOOKS: Final = 120
_SHORTEST_LOOK_S: Final = 0.01
_LONGEST_LOOK_S: Final = 60.0


class Visit:
    """What one driver does at one EVSE. Used as an asynchronous context manager: plugged in inside, gone after it."""

    def __init__(self, hardware: VirtualHardware, clock: Clock, evse_id: int, car: Car, connector_id: int = 1) -> None:
        self._hardware = hardware
        self._clock = clock
        self._evse_id = evse_id
        self._connector_id = connector_id
        self._token: str | None = None
        self.car = car
        self.began_wh = 0.0

    @property
    def evse(self) -> VirtualEvse:
        """Where the driver is."""
        return self._hardware.evses[self._evse_id - 1]

    async def __aenter__(self) -> Self:
        self.began_wh = self.evse.register_wh
        self.evse.plug_in(self.car, self._connector_id)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            await self.leave()
        else:
            self.evse.unplug()

    async def swipe(self, id_token: str) -> None:
        """Show a card to the reader of this EVSE."""
        self._token = id_token
        self._hardware.swipe(id_token, evse_id=self._evse_id)

    async def charging(self) -> None:
        """Return when energy flows."""
        while self.evse.power_w <= 0:
            await self._clock.sleep(_LOOK_S)

    async def charged(self, kwh: float) -> None:
        """Return when so much energy has been delivered since the driver came."""
        while True:
            self.evse.read()
            missing_wh = kwh * 1000 - (self.evse.register_wh - self.began_wh)
            if missing_wh <= 0:
                return
            power_w = self.evse.power_w
            # Just as long as it takes at this power, if that lasts; looking every second would cost a week its speed.
            seconds = missing_wh / power_w * 3600 if power_w > 0 else _LOOK_S
            await self._clock.sleep(min(max(seconds, _SHORTEST_LOOK_S), _LONGEST_LOOK_S))

    async def leave(self) -> None:
        """Unlock the cable with the card that was shown, if it is held, and drive away.

        Raises RuntimeError when the station keeps the cable: it broke down, or the card ends nothing.
        """
        if self.evse.locked and self._token is not None:
            self._hardware.swipe(self._token, evse_id=self._evse_id)
            looks = 0
            while self.evse.locked:
                if looks == _MOST_LOOKS:
                    raise RuntimeError(f"EVSE {self._evse_id} does not let the cable go for {self._token!r}")
                looks += 1
                await self._clock.sleep(_LOOK_S)
        self.evse.unplug()
