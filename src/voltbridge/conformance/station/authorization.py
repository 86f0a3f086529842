"""What the cases about idTokens have in common: who is asked about a token, what a token starts and stops."""

from __future__ import annotations

from voltbridge.conformance.configuration import Token
from voltbridge.conformance.failure import NotApplicable, StepFailed
from voltbridge.conformance.received import Received
from voltbridge.conformance.station import charging_states
from voltbridge.conformance.station.csms import SimulatedCsms
from voltbridge.conformance.station.session import State

__all__ = [
    "asks",
    "authorization_enabled",
    "cache_enabled",
    "comes_back_after_a_while",
    "local_list_enabled",
    "names",
    "nothing_said",
    "stopped_by",
    "unasked",
    "without",
]


def without(csms: SimulatedCsms, feature: str) -> None:
    """Raises NotApplicable when the station is configured to have this feature."""
    if feature in csms.configuration.features:
        raise NotApplicable(f"the station has a {feature}")


async def authorization_enabled(csms: SimulatedCsms) -> None:
    """Configuration State: drivers need an authorization, and the CSMS may be asked for it."""
    await csms.configure("AuthCtrlr", "Enabled", "true")
    await csms.configure("AuthCtrlr", "DisableRemoteAuthorization", "false")


async def cache_enabled(csms: SimulatedCsms) -> None:
    """Configuration State: the station has an Authorization Cache and goes by it; raises NotApplicable without one."""
    if await csms.value("AuthCacheCtrlr", "Available") != "true":
        raise NotApplicable("the station has no Authorization Cache")
    await csms.configure("AuthCacheCtrlr", "Enabled", "true")
    await csms.configure("AuthCtrlr", "LocalPreAuthorize", "true")


async def local_list_enabled(csms: SimulatedCsms) -> None:
    """Configuration State: as ``cache_enabled``, with the Local Authorization List."""
    if await csms.value("LocalAuthListCtrlr", "Available") != "true":
        raise NotApplicable("the station has no Local Authorization List")
    await csms.configure("LocalAuthListCtrlr", "Enabled", "true")
    await csms.configure("AuthCtrlr", "LocalPreAuthorize", "true")


async def comes_back_after_a_while(csms: SimulatedCsms) -> None:
    """Configuration State: an offline station tries to come back soon, well before OfflineThreshold."""
    await csms.configured("OCPPCommCtrlr", "OfflineThreshold", str(csms.configuration.back_off_s + 60))
    await csms.configured("OCPPCommCtrlr", "RetryBackOffWaitMinimum", str(csms.configuration.back_off_s))
    await csms.configured("OCPPCommCtrlr", "RetryBackOffRandomRange", "0")


async def asks(csms: SimulatedCsms, step: int, token: Token) -> Received:
    """The station asks about this token."""
    request = await csms.take(step, "Authorize")
    names(request, token)
    return request


async def unasked(csms: SimulatedCsms, step: int) -> None:
    """Raises StepFailed when the station has asked about a token that it knows.

    Where the CSMS itself starts, the station may ask whatever it knows (AuthorizeRemoteStart).
    """
    if not csms.configuration.remote_authorization:
        await csms.none(step, "Authorize")


async def nothing_said(csms: SimulatedCsms, step: int) -> None:
    """Raises StepFailed when a TransactionEventRequest comes within the message timeout."""
    await csms.none(step, "TransactionEvent", seconds=csms.configuration.message_timeout_s)


def names(request: Received, token: Token) -> None:
    """Raises StepFailed unless the request is about this token."""
    request.expect("idToken.idToken", token.id_token)
    request.expect("idToken.type", token.type)


async def stopped_by(csms: SimulatedCsms, step: int, token: Token) -> None:
    """StopAuthorized by this token, which need not be the one that started, and is named."""
    session = csms.session()
    session.token = token
    await charging_states.stop_authorized(csms, remote=False)
    stops = csms.seen("TransactionEvent", {"triggerReason": "StopAuthorized"})
    if not stops:
        raise StepFailed(csms.step(step), "a TransactionEventRequest with StopAuthorized", "none")
    names(Received(csms.step(step), stops[-1].name, stops[-1].payload), token)
    session.state = State.STOP_AUTHORIZED
