"""Which way to the network a station takes: Ethernet, a modem, or none (interfaces: OCPPInterfaceEnumType of 2.x).

The modem is powered where ``BackendCtrlr.ConnectionType`` is GSM. Where both ways are there, the cable is taken. With
NoBackend no OCPP is spoken at all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from voltbridge.station.device_model import DeviceModel

__all__ = ["ETHERNET", "INTERFACES", "MODEM", "SETTING", "Uplinks", "Way", "chosen"]

ETHERNET: Final = "Wired0"
MODEM: Final = "Wireless0"
INTERFACES: Final = (ETHERNET, MODEM)
SETTING: Final = "BackendCtrlr.ConnectionType"
_ALLOWED: Final = {"Ethernet": (ETHERNET,), "GSM": (ETHERNET, MODEM), "NoBackend": ()}


class Way(Protocol):
    """What takes the way; ``connection.Connection`` does."""

    def uplink(self, up: bool) -> None:
        """There is a way to the network, or none."""

    def reconnect(self) -> None:
        """Connect anew: over another way."""


def chosen(connection_type: str, there: frozenset[str]) -> str:
    """The interface to use, of those that are there; empty: none."""
    return next((each for each in _ALLOWED[connection_type] if each in there), "")


class Uplinks:
    """Knows what is there, and tells the connection what it may use."""

    __slots__ = ("_changed", "_model", "_there", "_way", "in_use")

    def __init__(self, model: DeviceModel, way: Way, changed: Callable[[str], None]) -> None:
        """``changed``: called with the interface that is used from now on, empty for none."""
        self._model = model
        self._way = way
        self._changed = changed
        self._there = frozenset(INTERFACES)
        self.in_use = ETHERNET
        model.on_change(SETTING, lambda _: self._look())
        model.provide("BackendCtrlr.InterfaceInUse", lambda: self.in_use or "None")

    @property
    def has_backend(self) -> bool:
        """OCPP is to be spoken."""
        return self._model.get(SETTING) != "NoBackend"

    def start(self) -> None:
        """The station starts; until somebody says otherwise everything is there."""
        self.in_use = chosen(self._model.get(SETTING), self._there)
        if not self.in_use:
            self._way.uplink(False)

    def changed(self, up: bool, interface: str) -> None:
        """An interface got its network, or lost it; empty: all of them."""
        named = frozenset((interface,)) if interface else frozenset(INTERFACES)
        self._there = self._there | named if up else self._there - named
        self._look()

    def _look(self) -> None:
        before, self.in_use = self.in_use, chosen(self._model.get(SETTING), self._there)
        if before == self.in_use:
            return
        if not self.in_use or not before:
            self._way.uplink(bool(self.in_use))
        else:  # the connection over the other way is broken
            self._way.reconnect()
        self._changed(self.in_use)
