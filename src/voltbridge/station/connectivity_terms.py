"""The terms in which ``connectivity`` decides: what is known, what happens, what is to be done."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = [
    "Action",
    "AttemptFailed",
    "Close",
    "Closed",
    "Connect",
    "ConnectFailure",
    "Connected",
    "ConnectivitySettings",
    "ConnectivityState",
    "Event",
    "Phase",
    "Reboot",
    "Reconnect",
    "StartWatchdog",
    "Started",
    "StopWaiting",
    "StopWatchdog",
    "Stopped",
    "TellOffline",
    "TellOnline",
    "TellSecurity",
    "Trial",
    "TrialEnded",
    "UplinkChanged",
    "Wait",
    "WaitOver",
    "WatchdogExpired",
]


@dataclass(frozen=True, slots=True)
class ConnectivitySettings:
    """What the operator configured. Seconds; ``priority`` lists the slots that hold a profile, the best first."""

    priority: tuple[int, ...]
    """NetworkConfigurationPriority."""
    profile_attempts: int = 3
    """NetworkProfileConnectionAttempts; below 1 counts as 1 unless ``profile_timeout_s`` says when to go on."""
    profile_timeout_s: float | None = None
    """NetworkProfileConnectionTimeoutSec: how long one profile is tried before the next; None or 0: attempts count."""
    wait_minimum_s: float = 30.0
    """RetryBackOffWaitMinimum."""
    random_range_s: float = 10.0
    """RetryBackOffRandomRange."""
    repeat_times: int = 5
    """RetryBackOffRepeatTimes."""
    offline_threshold_s: float = 60.0
    """OfflineThreshold."""
    watchdog_s: float = 0.0
    """How long the CSMS may be unreachable before the controller restarts; 0: for ever."""


class Phase(StrEnum):
    """Where the connection stands."""

    STOPPED = "stopped"
    NO_UPLINK = "no uplink"
    WAITING = "waiting"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    CLOSING = "closing"
    """Closed by us; connected anew as soon as the old connection is gone (B10.FR.06)."""


class Trial(StrEnum):
    """What was changed and has to prove itself before the old one is forgotten."""

    PASSWORD = "password"
    SECURITY_PROFILE = "security profile"
    CERTIFICATE = "certificate"


class ConnectFailure(StrEnum):
    """Why an attempt failed."""

    UNREACHABLE = "unreachable"
    TIMED_OUT = "timed out"
    REFUSED = "refused"
    """Answered with something else than an upgrade."""
    UNAUTHORIZED = "unauthorized"
    UNKNOWN_STATION = "unknown station"
    SUBPROTOCOL = "subprotocol"
    """Upgraded to no version we asked for."""
    CERTIFICATE = "certificate"
    TLS_VERSION = "TLS version"
    TLS_CIPHERS = "TLS ciphers"


@dataclass(frozen=True, slots=True)
class ConnectivityState:
    """All that is known. Times are monotonic seconds."""

    phase: Phase = Phase.STOPPED
    slot: int | None = None
    """The profile that is connected or being tried."""
    route: tuple[int, ...] = ()
    """The profiles to try after it."""
    attempts: int = 0
    """Failed ones with ``slot`` since it was taken up."""
    slot_since: float = 0.0
    waits: int = 0
    """Since the last success."""
    last_connected: int | None = None
    """The profile of the last success; kept over restarts by the shell."""
    offline_since: float = 0.0
    trial: Trial | None = None
    previous: bool = False
    """Whether the next attempt uses what was in force before the trial."""
    told: frozenset[str] = frozenset()
    """Security events since the last success."""
    busy: bool = False
    """Whether there is a connection or an attempt, be it one that is being closed."""
    uplink_is_back: bool = False
    """Without an uplink: it came back while the connection before was still being closed."""


# What happens. ``at`` is the monotonic second.


@dataclass(frozen=True, slots=True)
class Started:
    """The station has started. ``last_connected`` is the kept slot; ``trial`` one that a restart interrupted."""

    at: float
    last_connected: int | None = None
    trial: Trial | None = None


@dataclass(frozen=True, slots=True)
class Stopped:
    """The station stops; nothing is tried any more."""

    at: float


@dataclass(frozen=True, slots=True)
class Connected:
    """The attempt succeeded: the WebSocket is open, in a version we speak."""

    at: float


@dataclass(frozen=True, slots=True)
class AttemptFailed:
    """The attempt failed."""

    at: float
    failure: ConnectFailure


@dataclass(frozen=True, slots=True)
class Closed:
    """The connection, or the attempt we broke off, is over."""

    at: float


@dataclass(frozen=True, slots=True)
class WaitOver:
    """The time of ``Wait`` has passed."""

    at: float


@dataclass(frozen=True, slots=True)
class WatchdogExpired:
    """The time of ``StartWatchdog`` has passed."""

    at: float


@dataclass(frozen=True, slots=True)
class UplinkChanged:
    """The hardware lost, or got back, its way to the network."""

    at: float
    up: bool


@dataclass(frozen=True, slots=True)
class Reconnect:
    """The station wants a new connection, because of what changed (``trial``) or simply so."""

    at: float
    trial: Trial | None = None


Event = Started | Stopped | Connected | AttemptFailed | Closed | WaitOver | WatchdogExpired | UplinkChanged | Reconnect


# What to do.


@dataclass(frozen=True, slots=True)
class Connect:
    """Try this profile; answer with Connected, AttemptFailed, or Closed after a ``Close``."""

    slot: int
    previous: bool = False
    """With what was in force before the trial."""


@dataclass(frozen=True, slots=True)
class Close:
    """End the connection, or the attempt; answer with Closed."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Say WaitOver after these seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class StopWaiting:
    """Say no WaitOver."""


@dataclass(frozen=True, slots=True)
class StartWatchdog:
    """Say WatchdogExpired after these seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class StopWatchdog:
    """Say no WatchdogExpired."""


@dataclass(frozen=True, slots=True)
class TellOnline:
    """The CSMS can be talked to."""

    slot: int
    offline_s: float
    register: bool
    """On another profile than before: a boot has to be told although there was none."""
    report_all: bool
    """The state of every connector is to be told."""


@dataclass(frozen=True, slots=True)
class TellOffline:
    """The CSMS can no longer be talked to."""


@dataclass(frozen=True, slots=True)
class TellSecurity:
    """A security event of this name happened."""

    event: str


@dataclass(frozen=True, slots=True)
class TrialEnded:
    """What was on trial is kept, or given up for what was before."""

    trial: Trial
    kept: bool


@dataclass(frozen=True, slots=True)
class Reboot:
    """The controller is to restart, for this BootReasonEnumType."""

    reason: str


Action = (
    Connect
    | Close
    | Wait
    | StopWaiting
    | StartWatchdog
    | StopWatchdog
    | TellOnline
    | TellOffline
    | TellSecurity
    | TrialEnded
    | Reboot
)
