"""The memory states of Part 6, 2.19, after errata: each leaves something in the memory of the station."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from voltbridge.conformance.configuration import Token
from voltbridge.conformance.station import charging_states
from voltbridge.conformance.station.csms import SimulatedCsms

__all__ = [
    "certificate_installed",
    "charging_profile_set",
    "id_token_cached",
    "id_tokens_in_local_list",
    "transaction_events_in_queue_ended",
]


async def id_token_cached(csms: SimulatedCsms, token: Token | None = None, *, group: Token | None = None) -> None:
    """The token is in the Authorization Cache, as the CSMS knows it; the station is idle again."""
    token = token or csms.configuration.tokens.valid
    with csms.stage("IdTokenCached"):
        if group is not None:
            csms.answers.groups[token.id_token] = group
        session = csms.session()
        session.token = token
        if csms.answers.token_info(token.id_token)["status"] == "Accepted":
            await charging_states.authorized(csms, token=token)
            await charging_states.ev_connected_pre_session(csms)
            await csms.transaction_duration()
            await csms.station.present(token, session.evse_id)
            await csms.quiet()
            await csms.station.unplug(session.evse_id, csms.connector_id)
        else:
            await charging_states.parking_bay_occupied(csms)
            await csms.station.present(token, session.evse_id)
            request = await csms.take(1, "Authorize")
            request.expect("idToken.idToken", token.id_token)
            request.expect("idToken.type", token.type)
            event = await csms.maybe(3, "TransactionEvent")
            if event is not None:
                event.expect("triggerReason", "EVConnectionLost", "EVCommunicationLost", "EVDetected")
        await csms.station.drive_out(session.evse_id)
        await csms.quiet()
    csms.sessions.clear()
    csms.session()
    csms.forget()


async def id_tokens_in_local_list(
    csms: SimulatedCsms, entries: Iterable[Mapping[str, Any]] | None = None, *, version: int = 1
) -> None:
    """The Local Authorization List has these entries (AuthorizationData), by default the valid token."""
    with csms.stage("IdTokenLocalAuthList"):
        await csms.configure("LocalAuthListCtrlr", "Enabled", "true")
        if entries is None:
            entries = [{"idToken": csms.configuration.tokens.valid.wire, "idTokenInfo": {"status": "Accepted"}}]
        payload = {"versionNumber": version, "updateType": "Full", "localAuthorizationList": list(entries)}
        (await csms.call(2, "SendLocalList", payload)).expect("status", "Accepted")


async def certificate_installed(csms: SimulatedCsms, use: str, pem: str) -> None:
    """The certificate is in the station's store, as one of this type (InstallCertificateUseEnumType)."""
    with csms.stage("CertificateInstalled"):
        request = {"certificateType": use, "certificate": pem}
        (await csms.call(2, "InstallCertificate", request)).expect("status", "Accepted")


async def charging_profile_set(csms: SimulatedCsms, evse_id: int, profile: Mapping[str, Any]) -> None:
    """The charging profile is at the station."""
    with csms.stage("SetChargingProfile"):
        response = await csms.call(2, "SetChargingProfile", {"evseId": evse_id, "chargingProfile": profile})
        response.expect("status", "Accepted")


async def transaction_events_in_queue_ended(csms: SimulatedCsms) -> int:
    """An ended transaction waits in the queue of a station that is offline, until ``csms.accept``.

    Returns the number of the connection it had.
    """
    with csms.stage("TransactionEventsInQueueEnded"):
        await csms.configure("TxCtrlr", "OfflineTxForUnknownIdEnabled", "true")
        await csms.configure("AuthCtrlr", "OfflineTxForUnknownIdEnabled", "true")
        before = await charging_states.start_offline_transaction(csms)
        session = csms.session()
        await csms.transaction_duration()
        await csms.station.present(session.token, session.evse_id)
        await csms.station.unplug(session.evse_id, csms.connector_id)
        await csms.station.drive_out(session.evse_id)
    session.in_bay = session.authorized = session.ev_connected = False
    return before
