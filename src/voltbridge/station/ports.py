"""What the engine needs of the world: the hardware of a station and a place to keep things. Time is ``domain.clock``.

A charge controller implements these for its hardware; ``station.simulation`` does for a car and a grid that are not
there. Every listener is called on the event loop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from voltbridge.domain.charging_profiles import ChargingSchedule
from voltbridge.domain.tokens import IdToken
from voltbridge.station.downloads import Download
from voltbridge.station.high_level import OfferedSchedule, VehicleNeeds
from voltbridge.station.readings import Reading

__all__ = [
    "BayChanged",
    "CarState",
    "CarStateChanged",
    "EvseHardware",
    "FaultCleared",
    "FaultOccurred",
    "Files",
    "HardwareEvent",
    "Installation",
    "LimitEntered",
    "NeedsTold",
    "Offer",
    "OperatorLoggedIn",
    "Plugged",
    "PowerLost",
    "ScheduleChosen",
    "SessionStopped",
    "StationHardware",
    "Store",
    "TokenPresented",
    "UnlockResult",
    "Unplugged",
    "UplinkChanged",
]


class CarState(StrEnum):
    """The state of the control pilot (IEC 61851-1)."""

    A = "A"
    """No vehicle."""
    B = "B"
    """A vehicle that does not ask for energy."""
    C = "C"
    """A vehicle that asks for energy."""
    D = "D"
    """As C, with ventilation."""
    E = "E"
    """The pilot is broken: short circuit."""
    F = "F"
    """The EVSE is not available."""

    @property
    def asks(self) -> bool:
        """The vehicle wants energy."""
        return self in (CarState.C, CarState.D)


@dataclass(frozen=True, slots=True)
class Plugged:
    """A cable was plugged in on both sides."""

    evse_id: int
    connector_id: int = 1
    cable_max_current_a: int | None = None


@dataclass(frozen=True, slots=True)
class Unplugged:
    """The cable is gone from either side."""

    evse_id: int
    connector_id: int = 1


@dataclass(frozen=True, slots=True)
class BayChanged:
    """The sensor of the parking bay sees a vehicle, or none. Where there is none, a cable that is in stands for it."""

    evse_id: int
    occupied: bool


@dataclass(frozen=True, slots=True)
class CarStateChanged:
    """The control pilot shows something else."""

    evse_id: int
    state: CarState


@dataclass(frozen=True, slots=True)
class NeedsTold:
    """A vehicle that speaks ISO 15118 says what it needs, first or anew (ChargeParameterDiscoveryReq).

    It waits for schedules (``EvseHardware.propose``) before it takes energy.
    """

    evse_id: int
    needs: VehicleNeeds


@dataclass(frozen=True, slots=True)
class ScheduleChosen:
    """It has chosen one of the schedules it was offered (PowerDeliveryReq). ``plan``: what it will take, if it says."""

    evse_id: int
    schedule_id: int
    plan: ChargingSchedule | None = None


@dataclass(frozen=True, slots=True)
class SessionStopped:
    """It ends the session for good (SessionStopReq with Terminate)."""

    evse_id: int


@dataclass(frozen=True, slots=True)
class FaultOccurred:
    """Something is broken. ``code`` is one of ChargePointErrorCode (1.6); EVSE 0 is the station.

    A fault that ``stops`` makes the connector Faulted and ends a transaction; another is only told.
    """

    evse_id: int
    code: str
    connector_id: int = 1
    info: str = ""
    vendor_error_code: str = ""
    stops: bool = True


@dataclass(frozen=True, slots=True)
class FaultCleared:
    """It works again: what was told with this code, and this code of the vendor's."""

    evse_id: int
    code: str
    connector_id: int = 1
    vendor_error_code: str = ""


@dataclass(frozen=True, slots=True)
class TokenPresented:
    """Somebody held a token to a reader, entered a PIN or pressed the start button (type NoAuthorization).

    ``evse_id`` is 0 when the reader serves all EVSEs and nothing was chosen.
    """

    id_token: IdToken
    evse_id: int = 0


@dataclass(frozen=True, slots=True)
class LimitEntered:
    """The driver has entered how much the running transaction may take, in names of TransactionLimitType (2.1)."""

    evse_id: int
    limits: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class OperatorLoggedIn:
    """Somebody logged into the station's own web interface, or tried to."""

    name: str
    accepted: bool = True


@dataclass(frozen=True, slots=True)
class UplinkChanged:
    """The network is there, or not: at one interface (OCPPInterfaceEnumType of 2.x), or at all; see ``uplinks``."""

    up: bool
    interface: str = ""


@dataclass(frozen=True, slots=True)
class PowerLost:
    """The mains are gone; what remains of the station's own energy is for a few words."""


HardwareEvent = (
    Plugged
    | Unplugged
    | BayChanged
    | CarStateChanged
    | NeedsTold
    | ScheduleChosen
    | SessionStopped
    | FaultOccurred
    | FaultCleared
    | TokenPresented
    | LimitEntered
    | OperatorLoggedIn
    | UplinkChanged
    | PowerLost
)


class UnlockResult(StrEnum):
    """What came of unlocking a connector (UnlockStatusEnumType)."""

    UNLOCKED = "Unlocked"
    UNLOCK_FAILED = "UnlockFailed"


@dataclass(frozen=True, slots=True)
class Offer:
    """What an EVSE may deliver. A current of 0 is a pause."""

    current_a: float
    """Per phase."""
    phases: int = 3
    power_w: float | None = None
    """All phases together, where the limit was given as power; None: what the current comes to."""
    discharge_power_w: float = 0.0
    """2.1: how much the vehicle may feed back."""


class Installation(StrEnum):
    """What came of installing a firmware image."""

    INSTALLED = "Installed"
    VERIFICATION_FAILED = "VerificationFailed"
    """Its own checksum, or whatever it brings to prove that it is whole, does not agree."""
    FAILED = "Failed"
    """It is none, it does not fit, or it could not be written."""


class EvseHardware(Protocol):
    """One EVSE: contactor, lock, pilot and meter."""

    def plugged_connector(self) -> int | None:
        """The connector a cable is in at this moment; None: none. Asked after a start."""

    def car_state(self) -> CarState:
        """What the control pilot shows at this moment."""

    async def close_contactor(self) -> bool:
        """Give power. False when the contactor did not close."""

    async def open_contactor(self) -> bool:
        """Take power away. False when the contactor did not open."""

    async def lock(self, connector_id: int) -> bool:
        """Hold the cable. False when it could not; True where there is nothing to hold."""

    async def unlock(self, connector_id: int) -> UnlockResult:
        """Let the cable go."""

    def offer(self, offer: Offer) -> None:
        """Tell the vehicle what it may take."""

    def propose(self, schedules: Sequence[OfferedSchedule]) -> None:
        """Have a vehicle that speaks ISO 15118 choose among one to three schedules.

        While it charges that is a renegotiation (2.0.1 K16.FR.02). ``ScheduleChosen`` follows; nothing does where no
        such vehicle is there.
        """

    def read(self) -> tuple[Reading, ...]:
        """All that the meter and the vehicle tell at this moment. A register that cannot be read is absent."""


class StationHardware(Protocol):
    """A whole station."""

    @property
    def evses(self) -> Sequence[EvseHardware]:
        """In the order of their ids, from 1."""

    @property
    def firmware_version(self) -> str:
        """The version that runs now; empty: the one of the station's configuration."""

    def attach(self, listener: Callable[[HardwareEvent], None]) -> None:
        """From now on tell this listener what happens; one at a time."""

    def read(self) -> tuple[Reading, ...]:
        """What the main meter tells; nothing where there is none."""

    async def reboot(self, reason: str) -> None:
        """Restart the controller. Returns when the engine may start again (a virtual station); hardware never returns.

        Reason is a BootReasonEnumType.
        """

    @property
    def fell_back(self) -> bool:
        """The firmware installed before the last reboot did not run; the one before it does again."""

    async def install(self, image: Path) -> Installation:
        """Install a firmware image, which runs from the next reboot on, or from ``activate``.

        The file is gone afterwards. It is whole, and was verified where signatures are. An OSError is a failure.
        """

    async def activate(self) -> bool:
        """Run what was installed without a reboot; False when it does not run, and the old one goes on.

        Asked only of a station that installs while it charges (``configuration.FirmwareAbilities``).
        """

    def display(self, text: str) -> None:
        """Show a text to whoever stands before the station; empty: nothing."""


class Store(Protocol):
    """What a station keeps over a restart: documents by name, and one queue in its order.

    Writing is remembered at once and on disk after ``committed``; many writes share one commit. What is written without
    a wait in between is on disk together or not at all: a message of a transaction, say, and what it leaves of it.
    """

    def put(self, namespace: str, key: str, value: bytes) -> None:
        """Keep a document in place of the one of that name."""

    def delete(self, namespace: str, key: str) -> None:
        """Forget a document; harmless when there is none."""

    def all(self, namespace: str) -> Mapping[str, bytes]:
        """All documents of a namespace."""

    def append(self, item: bytes) -> int:
        """Put an item at the end of the queue. Its number, which grows with every item."""

    def queue(self) -> Sequence[tuple[int, bytes]]:
        """The queue, oldest first. Asked once, after a start."""

    def replace(self, number: int, item: bytes) -> None:
        """Keep another content for an item that is still in the queue."""

    def remove(self, number: int) -> None:
        """Take an item out of the queue; harmless when it is gone."""

    async def committed(self) -> None:
        """Return when all that was written before is on disk. Raises OSError when the disk does not take it."""

    async def close(self) -> None:
        """Commit, and let go."""


class Files(Protocol):
    """Transfers of whole files, by the protocol the URL names. ``transfers.Transfers`` is one."""

    async def download(self, url: str, into: Download) -> None:
        """Fetch the content; behind what ``into`` has of it from an earlier try, where it is sure to be the same file.

        Raises OSError, best ``transfers.TransferFailed``, which tells whether another try may help; what has come stays
        for it.
        """

    async def upload(self, url: str, name: str, content: bytes | Path) -> None:
        """Store the content, or that of a file, under that name at that place.

        Raises OSError, best ``transfers.TransferFailed``.
        """
