"""A virtual station: its EVSEs, its reader, its uplink and its mains."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from voltbridge.domain.clock import Clock
from voltbridge.domain.tokens import IdToken
from voltbridge.station.configuration import StationConfiguration
from voltbridge.station.downloads import chunks
from voltbridge.station.ports import (
    FaultCleared,
    FaultOccurred,
    HardwareEvent,
    Installation,
    LimitEntered,
    OperatorLoggedIn,
    PowerLost,
    Store,
    TokenPresented,
    UplinkChanged,
)
from voltbridge.station.readings import Reading
from voltbridge.station.simulation.evse import VirtualEvse
from voltbridge.station.simulation.grid import Grid

__all__ = ["VirtualHardware"]

_NAMESPACE: Final = "virtual-meters"
_FIRMWARE: Final = "virtual-firmware"
_MAGIC: Final = b"VOLTBRIDGE FIRMWARE "
_LONGEST_HEAD: Final = 4096
_VERSION: Final = re.compile(rb"[0-9A-Za-z][0-9A-Za-z.+_-]{0,49}")


class VirtualHardware:
    """Implements ``ports.StationHardware``.

    ``reboot_s``: how long the controller takes to start; ``store``: where meters keep their registers;
    ``grid``: the mains and the weather, ideal by default.

    A firmware image may begin with the line ``VOLTBRIDGE FIRMWARE <version> [<sha256>]``; it does not fit when that is
    no version, and is not whole when the digest, in hexadecimal digits, is not that of what follows the line. Of any
    other image the version is told from its content.
    """

    def __init__(
        self,
        configuration: StationConfiguration,
        clock: Clock,
        *,
        reboot_s: float = 5.0,
        store: Store | None = None,
        grid: Grid | None = None,
    ) -> None:
        self._clock = clock
        self._reboot_s = reboot_s
        self._store = store
        self._running = (store.all(_FIRMWARE) if store is not None else {}).get("version", b"").decode()
        self._installed = self._running
        self._new = False
        """Something was installed that has not run yet."""
        self._listener: Callable[[HardwareEvent], None] = lambda event: None
        kept = store.all(_NAMESPACE) if store is not None else {}
        self.evses = tuple(
            VirtualEvse(
                evse_id,
                evse,
                clock,
                register_wh=float(kept.get(str(evse_id), b"0")),
                keep=partial(_keep, store, str(evse_id)),
                grid=grid,
            )
            for evse_id, evse in enumerate(configuration.evses, 1)
        )
        for evse_id, (virtual, evse) in enumerate(zip(self.evses, configuration.evses, strict=True), 1):
            if evse.signed_meter:
                # Only whoever has such a meter needs the cryptography.
                from voltbridge.station.simulation.signing import SigningMeter

                virtual.sign = SigningMeter(f"{configuration.identity}-{evse_id}", clock, evse.tampering)
        self.reboots: list[str] = []
        """Reasons of restarts, oldest first."""
        self.text = ""
        """What stands on the display."""
        self.installed: list[str] = []
        """SHA-256 of firmware images in hexadecimal digits, oldest first."""
        self.new_firmware_fails = False
        """What is installed from now on does not start, so that the old firmware runs again."""
        self._fell_back = False

    def attach(self, listener: Callable[[HardwareEvent], None]) -> None:
        self._listener = listener
        for evse in self.evses:
            evse.attach(listener)

    def read(self) -> tuple[Reading, ...]:
        """The main meter counts what all EVSEs take."""
        for evse in self.evses:
            evse.read()
        return (
            Reading(float(sum(int(evse.register_wh) for evse in self.evses)), location="Inlet"),
            Reading(
                round(sum(evse.power_w for evse in self.evses), 1), "Power.Active.Import", location="Inlet", unit="W"
            ),
        )

    @property
    def firmware_version(self) -> str:
        return self._running

    async def reboot(self, reason: str) -> None:
        self.reboots.append(reason)
        await self._clock.sleep(self._reboot_s)
        self.start_anew()

    def start_anew(self) -> None:
        """The controller has power again: what was installed last runs, if it can."""
        self._fell_back = not self._runs_what_is_installed()

    @property
    def fell_back(self) -> bool:
        return self._fell_back

    async def install(self, image: Path) -> Installation:
        found = await asyncio.to_thread(_examined, image)
        version = _version_of(found)
        if version is None:
            return Installation.FAILED
        if not _is_whole(found):
            return Installation.VERIFICATION_FAILED
        self.installed.append(found.digest)
        self._installed = version
        self._new = True
        self._keep_version()
        return Installation.INSTALLED

    async def activate(self) -> bool:
        return self._runs_what_is_installed()

    def _runs_what_is_installed(self) -> bool:
        new, self._new = self._new, False
        starts = not (new and self.new_firmware_fails)
        if starts:
            self._running = self._installed
        else:
            self._installed = self._running
        self._keep_version()
        return starts

    def _keep_version(self) -> None:
        """That of the next start: a process that ends is a controller that restarts."""
        if self._store is not None:
            self._store.put(_FIRMWARE, "version", self._installed.encode())

    def display(self, text: str) -> None:
        self.text = text

    def swipe(self, id_token: str, *, type: str = "ISO14443", evse_id: int = 0) -> None:
        """Somebody holds a card to the reader."""
        self._listener(TokenPresented(IdToken(id_token, type), evse_id))

    def fault(self, code: str) -> None:
        """Something breaks that concerns the whole station. ``code``: ChargePointErrorCode (1.6)."""
        self._listener(FaultOccurred(0, code))

    def repair(self, code: str) -> None:
        """It works again."""
        self._listener(FaultCleared(0, code))

    def uplink(self, up: bool, interface: str = "") -> None:
        """The network goes, or comes back: at one interface (``uplinks.INTERFACES``), or at all."""
        self._listener(UplinkChanged(up, interface))

    def enter_limit(self, evse_id: int, limits: Mapping[str, float]) -> None:
        """The driver enters how much the transaction may take, in names of TransactionLimitType (2.1)."""
        self._listener(LimitEntered(evse_id, limits))

    def login(self, name: str, *, accepted: bool = True) -> None:
        """Somebody logs into the web interface of the station, or tries to."""
        self._listener(OperatorLoggedIn(name, accepted))

    def usb(self, device: str, *, broken: bool) -> None:
        """A device at a USB port fails, or works again."""
        code = f"USB_{device}"
        if broken:
            self._listener(FaultOccurred(0, "OtherError", info=f"{device} at USB", vendor_error_code=code, stops=False))
        else:
            self._listener(FaultCleared(0, "OtherError", vendor_error_code=code))

    def lose_power(self) -> None:
        """The mains go: contactors fall open, and the controller has a moment left."""
        for evse in self.evses:
            evse.lose_power()
        self._listener(PowerLost())


def _keep(store: Store | None, evse_id: str, register_wh: float) -> None:
    if store is not None:
        store.put(_NAMESPACE, evse_id, str(register_wh).encode())


@dataclass(frozen=True, slots=True)
class _Image:
    """What is to know of an image, which may be too large to be held."""

    head: bytes
    """Its first line, or the beginning of it."""
    digest: str
    content: str
    """The digest of what follows the head."""


def _examined(path: Path) -> _Image:
    """Blocks. Raises OSError."""
    with path.open("rb") as file:
        head = file.readline(_LONGEST_HEAD)
    whole, content, skip = hashlib.sha256(), hashlib.sha256(), len(head)
    for chunk in chunks(path):
        whole.update(chunk)
        content.update(chunk[skip:])
        skip = max(0, skip - len(chunk))
    return _Image(head, whole.hexdigest(), content.hexdigest())


def _version_of(image: _Image) -> str | None:
    if not image.head.startswith(_MAGIC):
        return f"0-{image.digest[:12]}" if image.head else None
    named = _words(image)[0]
    return named.decode() if _VERSION.fullmatch(named) else None


def _words(image: _Image) -> list[bytes]:
    """Those of its first line after what every image begins with; one at least."""
    return image.head[len(_MAGIC) :].split() or [b""]


def _is_whole(image: _Image) -> bool:
    if not image.head.startswith(_MAGIC) or len(_words(image)) < 2:
        return True
    return image.content.encode() == _words(image)[1].lower()
