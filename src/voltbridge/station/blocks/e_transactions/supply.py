"""Contactor and lock of one EVSE: brought to where they should be, one step at a time."""

from __future__ import annotations

from typing import Final, Protocol

import structlog

from voltbridge.station.context import Context
from voltbridge.station.ports import EvseHardware, Offer, UnlockResult

__all__ = ["LOCK_FAILURE", "SWITCH_FAILURE", "Supplied", "Supply"]

LOCK_FAILURE: Final = "ConnectorLockFailure"
SWITCH_FAILURE: Final = "PowerSwitchFailure"


class Supplied(Protocol):
    """Who decides what contactor and lock should do; the session does."""

    @property
    def connector_id(self) -> int: ...

    def wants_power(self) -> bool:
        """The contactor is to be closed."""

    def wants_lock(self) -> bool:
        """The cable is to be held."""

    def switched(self) -> None:
        """The contactor has closed or opened."""

    def broken(self, code: str, *, lasting: bool) -> None:
        """Something does not work. ``lasting``: another vehicle will not help."""

    def at_rest(self) -> None:
        """Nothing is left to be done."""


class Supply:
    """Does the hardware's work in one task at a time, started by ``act`` whenever something may have changed."""

    __slots__ = ("_acting", "_again", "_context", "_hardware", "_name", "_owner", "closed", "locked", "offer")

    def __init__(self, name: str, context: Context, hardware: EvseHardware, owner: Supplied, offer: Offer) -> None:
        self._name = name
        self._context = context
        self._hardware = hardware
        self._owner = owner
        self._acting = False
        self._again = False
        self.closed = False
        self.locked = False
        self.offer = offer
        """What the vehicle may take."""

    @property
    def busy(self) -> bool:
        return self._acting

    def act(self) -> None:
        """Let contactor and lock follow what is wanted."""
        if self._acting:
            self._again = True
        elif self.closed != self._owner.wants_power() or self.locked != self._owner.wants_lock():
            self._acting = True
            self._context.tasks.spawn(self._bring_about(), self._name)
        else:
            self._owner.at_rest()

    def may_be_locked(self) -> None:
        """After a restart a cable may be held from before; unless that is wanted, it is let go."""
        self.locked = True

    async def unlock(self) -> UnlockResult:
        """Unlock because somebody asks, whatever is wanted."""
        result = await self._hardware.unlock(self._owner.connector_id)
        if result is UnlockResult.UNLOCKED:
            self.locked = False
        return result

    def set_offer(self, offer: Offer) -> bool:
        """Tell the vehicle what it may take from now on. False when that is nothing new."""
        if offer == self.offer:
            return False
        self.offer = offer
        self._hardware.offer(offer)
        return True

    async def _bring_about(self) -> None:
        try:
            while await self._one_step():
                pass
        finally:
            self._acting = False
        if self._again:
            self._again = False
            self.act()
        else:
            self._owner.at_rest()

    async def _one_step(self) -> bool:
        """Do one thing that is not as it should be. False when there is none left, or it cannot be done."""
        owner = self._owner
        if owner.wants_lock() and not self.locked:
            if not await self._hardware.lock(owner.connector_id):
                self._broken(LOCK_FAILURE)
                return False
            self.locked = True
            return True
        wanted = owner.wants_power()
        if wanted != self.closed:
            return await self._switch(wanted)
        if self.locked and not owner.wants_lock():
            result = await self._hardware.unlock(owner.connector_id)
            self.locked = False  # a connector that stays stuck is told to whoever asks for it (UnlockConnector)
            return result is UnlockResult.UNLOCKED
        return False

    async def _switch(self, on: bool) -> bool:
        if on:
            self._hardware.offer(self.offer)
        done = await (self._hardware.close_contactor() if on else self._hardware.open_contactor())
        if not done:
            if not on:  # it may be welded: what is told of the energy ends here all the same
                self.closed = False
            self._broken(SWITCH_FAILURE, lasting=not on)
            return False
        self.closed = on
        self._owner.switched()
        return True

    def _broken(self, code: str, *, lasting: bool = False) -> None:
        log = structlog.get_logger("voltbridge.station").bind(station=self._context.configuration.identity)
        log.warning("hardware failed", code=code, what=self._name)
        self._owner.broken(code, lasting=lasting)
