"""Block N: what a station knows of a customer, told and forgotten."""

from __future__ import annotations

from typing import Any, Final

from voltbridge.conformance.case import csms_case
from voltbridge.conformance.csms.station import Asked, SimulatedStation
from voltbridge.conformance.failure import StepFailed
from voltbridge.conformance.received import ABSENT

__all__: list[str] = []

_IDENTIFIER: Final = "OpenChargeAlliance"
_LIST_VERSION: Final = 1
_SOME: Final = "idToken on the list of this station; 3 transactions"
_NONE: Final = "no data of this customer"


@csms_case("TC_N_27_CSMS")
async def told(station: SimulatedStation) -> None:
    """The station tells what it knows of a customer."""
    await _whole(station, _SOME)


@csms_case("TC_N_28_CSMS")
async def told_nothing(station: SimulatedStation) -> None:
    """The station knows nothing of a customer."""
    await _whole(station, _NONE)


@csms_case("TC_N_29_CSMS")
async def rejected(station: SimulatedStation) -> None:
    """The station cannot tell now."""
    asked = await _by_token(station)
    await asked.answer({"status": "Rejected"}, seen="Does the CSMS show that the station rejected the request?")


@csms_case("TC_N_30_CSMS")
async def told_and_cleared(station: SimulatedStation) -> None:
    """The station tells what it knows of a customer, and forgets it."""
    await _whole(station, _SOME, clear=True)


@csms_case("TC_N_31_CSMS")
async def nothing_to_clear(station: SimulatedStation) -> None:
    """The station has nothing to tell and to forget of a customer."""
    await _whole(station, _NONE, clear=True)


@csms_case("TC_N_32_CSMS")
async def cleared(station: SimulatedStation) -> None:
    """The station forgets a customer and tells only that."""
    await _whole(station, "cleared", report=False, clear=True)


@csms_case("TC_N_62_CSMS")
async def by_identifier(station: SimulatedStation) -> None:
    """A customer is named by an identifier."""
    asked = await _asked(
        station,
        f"the customer {_IDENTIFIER}",
        {"customerIdentifier": _IDENTIFIER},
        {"customer_identifier": _IDENTIFIER},
    )
    asked.expect("customerIdentifier", _IDENTIFIER)
    asked.expect("idToken", ABSENT)
    asked.expect("customerCertificate", ABSENT)
    await _tell(station, asked, _SOME)


@csms_case("TC_N_63_CSMS")
async def by_certificate(station: SimulatedStation) -> None:
    """A customer is named by the hash of a certificate."""
    hash = station.configuration.customer_certificate
    asked = await _asked(
        station,
        f"the customer with the certificate {hash.serial_number} ({hash.hash_algorithm}, issuer "
        f"{hash.issuer_name_hash}, key {hash.issuer_key_hash})",
        {"customerCertificate": hash.wire},
        {"certificate": hash.parameters},
    )
    asked.expect("customerCertificate", hash.wire)
    await _tell(station, asked, _SOME)


@csms_case("TC_N_46_CSMS")
async def off_the_local_list(station: SimulatedStation) -> None:
    """A customer who is forgotten is taken off the local list too."""
    # No command for the list: a CSMS that keeps one takes the customer off by itself, and has nothing to send then.
    token = station.configuration.tokens.valid.wire
    with station.stage("Memory state"):
        entry = {"idToken": token, "idTokenInfo": {"status": "Accepted"}}
        payload = {"versionNumber": _LIST_VERSION, "updateType": "Full", "localAuthorizationList": [entry]}
        text = f"send the station a local list (Full, version {_LIST_VERSION}) with the idToken {token['idToken']}"
        await (await station.asked(1, text, "SendLocalList", payload)).answer({"status": "Accepted"})
    await _tell(station, await _by_token(station, clear=True), _SOME)
    payload = {
        "versionNumber": _LIST_VERSION + 1,
        "updateType": "Differential",
        "localAuthorizationList": [{"idToken": token}],
    }
    text = f"unless the CSMS does it by itself: take the idToken {token['idToken']} off the station's local list"
    asked = await station.asked(5, text, "SendLocalList", payload)
    entries = asked.request.payload.get("localAuthorizationList", [])
    if asked.request.at("updateType") == "Differential":
        holds = entries == [{"idToken": token}]
        wanted = "with the idToken alone, without idTokenInfo"
    else:
        holds = all(entry["idToken"] != token for entry in entries)
        wanted = "without the idToken"
    if not holds:
        raise StepFailed(asked.request.step, f"{asked.request.name}.localAuthorizationList {wanted}", str(entries))
    version = asked.request.at("versionNumber")
    if version <= _LIST_VERSION:
        raise StepFailed(asked.request.step, f"{asked.request.name}.versionNumber above {_LIST_VERSION}", str(version))
    await asked.answer({"status": "Accepted"})


async def _whole(station: SimulatedStation, data: str, *, report: bool = True, clear: bool = False) -> None:
    await _tell(station, await _by_token(station, report=report, clear=clear), data)


async def _by_token(station: SimulatedStation, *, report: bool = True, clear: bool = False) -> Asked:
    token = station.configuration.tokens.valid
    asked = await _asked(
        station,
        f"the customer with the idToken {token.id_token} ({token.type})",
        {"idToken": token.wire},
        {"id_token": {"id_token": token.id_token, "type": token.type}},
        report=report,
        clear=clear,
    )
    asked.expect("idToken.idToken", token.id_token)
    asked.expect("idToken.type", token.type)
    return asked


async def _asked(
    station: SimulatedStation,
    customer: str,
    wire: dict[str, Any],
    parameters: dict[str, Any],
    *,
    report: bool = True,
    clear: bool = True,
) -> Asked:
    what = " and ".join([*(["tell what it knows of"] if report else []), *(["forget"] if clear else [])])
    payload = {"requestId": 1, "report": report, "clear": clear, **wire}
    command = ("customer_information", {"report": report, "clear": clear, **parameters})
    asked = await station.asked(
        1, f"have the station {what} {customer}", "CustomerInformation", payload, command=command
    )
    asked.expect("report", report)
    if clear:
        asked.expect("clear", True)
    return asked


async def _tell(station: SimulatedStation, asked: Asked, data: str) -> None:
    await asked.answer({"status": "Accepted"})
    part = {"requestId": asked.request.at("requestId"), "generatedAt": station.now(), "seqNo": 0, "data": data}
    await station.call(3, "NotifyCustomerInformation", part)
