"""Cases about Local Authorization Lists of 1.6 (3.5.2, 5.10, 5.15)."""

from __future__ import annotations

from typing import Any

from voltbridge.conformance.configuration import Token
from voltbridge.conformance.failure import NotApplicable, StepFailed
from voltbridge.conformance.station.answers import SILENCE
from voltbridge.conformance.station.case import charge_point_case
from voltbridge.conformance.station.central_system import CentralSystem
from voltbridge.conformance.station.charging_16 import (
    authorizes,
    booted,
    charging,
    listed,
    plugged_in,
    started,
    stopped_here,
)

__all__: list[str] = []


async def _version(cs: CentralSystem, step: int, wanted: int) -> None:
    (await cs.call(step, "GetLocalListVersion", {})).expect("listVersion", wanted)


def _entry(token: Token, status: str | None = "Accepted", **more: Any) -> dict[str, Any]:
    return {"idTag": token.id_token, **({"idTagInfo": {"status": status, **more}} if status else {})}


async def _send(cs: CentralSystem, step: int, version: int, *entries: dict[str, Any], full: bool, **want: str) -> None:
    kind = "Full" if full else "Differential"
    payload = {"listVersion": version, "updateType": kind, "localAuthorizationList": list(entries)}
    await cs.answered(step, "SendLocalList", payload, want.get("status", "Accepted"))


async def _starts_unasked(cs: CentralSystem, token: Token, number: int | None = None) -> None:
    """The list is enough for the idTag: the Central System does not answer."""
    with cs.stage("starts unasked"):
        cs.answers.always("Authorize", SILENCE)
        await plugged_in(cs, number)
        await cs.present(token, number)
        await started(cs, token, number)
        cs.answers.usual("Authorize")


async def _is_asked(cs: CentralSystem, token: Token, number: int | None = None) -> None:
    """The list does not know the idTag: the Central System is asked, and nothing starts without its answer."""
    with cs.stage("is asked"):
        cs.answers.always("Authorize", SILENCE)
        await plugged_in(cs, number)
        await authorizes(cs, token, number)
        await cs.none(2, "StartTransaction")
        cs.answers.usual("Authorize")


@charge_point_case("TC16_D_List_Full_CS")
async def full(cs: CentralSystem) -> None:
    """A full list replaces the one before, with its version, and who is on it charges unasked."""
    tokens = cs.configuration.tokens
    await cs.needs_keys(LocalPreAuthorize="true")
    await listed(cs, (tokens.valid2, "Accepted"), version=3)
    await _version(cs, 1, 3)
    await _send(cs, 2, 7, _entry(tokens.valid), full=True)
    await _version(cs, 3, 7)
    await _starts_unasked(cs, tokens.valid)
    await _is_asked(cs, tokens.valid2, cs.other_connector)


@charge_point_case("TC16_D_List_Differential_CS")
async def differential(cs: CentralSystem) -> None:
    """A differential update adds and removes what it names, and leaves the rest."""
    tokens = cs.configuration.tokens
    await cs.needs_keys(LocalPreAuthorize="true")
    await listed(cs, (tokens.valid, "Accepted"), (tokens.valid2, "Accepted"))
    await _send(cs, 1, 2, _entry(tokens.valid2, None), full=False)
    await _version(cs, 2, 2)
    await _starts_unasked(cs, tokens.valid)
    await _is_asked(cs, tokens.valid2, cs.other_connector)


@charge_point_case("TC16_D_List_Changed_CS")
async def changed(cs: CentralSystem) -> None:
    """A differential update changes the status of what is on the list."""
    tokens = cs.configuration.tokens
    await cs.needs_keys(LocalPreAuthorize="true")
    await listed(cs, (tokens.valid, "Blocked"))
    await _send(cs, 1, 2, _entry(tokens.valid), full=False)
    await _starts_unasked(cs, tokens.valid)


@charge_point_case("TC16_D_List_Mismatch_CS")
async def mismatch(cs: CentralSystem) -> None:
    """A differential update with a version that is not later does not fit, and changes nothing."""
    tokens = cs.configuration.tokens
    await listed(cs, (tokens.valid, "Accepted"), version=5)
    await _send(cs, 1, 4, _entry(tokens.valid2), full=False, status="VersionMismatch")
    await _version(cs, 2, 5)


@charge_point_case("TC16_D_List_Empty_CS")
async def empty(cs: CentralSystem) -> None:
    """A full update without entries empties the list, whose version is 0 then."""
    tokens = cs.configuration.tokens
    await cs.needs_keys(LocalPreAuthorize="true")
    await listed(cs, (tokens.valid, "Accepted"))
    await cs.answered(1, "SendLocalList", {"listVersion": 2, "updateType": "Full"})
    await _version(cs, 2, 0)
    await _is_asked(cs, tokens.valid)


@charge_point_case("TC16_D_List_Kept_CS")
async def kept(cs: CentralSystem) -> None:
    """The list outlasts a reset."""
    tokens = cs.configuration.tokens
    await cs.needs_keys(LocalPreAuthorize="true")
    await listed(cs, (tokens.valid, "Accepted"), version=9)
    await booted(cs, "Hard")
    await cs.quiet()
    await _version(cs, 1, 9)
    await _starts_unasked(cs, tokens.valid)


@charge_point_case("TC16_D_List_Disabled_CS")
async def disabled(cs: CentralSystem) -> None:
    """Without LocalAuthListEnabled the list counts for nothing."""
    tokens = cs.configuration.tokens
    await cs.needs_keys(LocalPreAuthorize="true")
    await listed(cs, (tokens.valid, "Accepted"))
    await cs.needs_keys(LocalAuthListEnabled="false")
    await _is_asked(cs, tokens.valid)
    await cs.needs_keys(LocalAuthListEnabled="true")


@charge_point_case("TC16_D_List_TooLong_CS")
async def too_long(cs: CentralSystem) -> None:
    """More entries than SendLocalListMaxLength are not taken, and the list stays."""
    tokens = cs.configuration.tokens
    await listed(cs, (tokens.valid, "Accepted"), version=5)
    most = int(await cs.key("SendLocalListMaxLength") or 0)
    if most > 1000:
        raise NotApplicable(f"the charge point takes {most} entries at once")
    entries = [_entry(Token(id_token=f"VB{number:06}")) for number in range(most + 1)]
    payload = {"listVersion": 6, "updateType": "Full", "localAuthorizationList": entries}
    await cs.turned_down(1, "SendLocalList", payload, "Failed", "NotSupported")
    await _version(cs, 2, 5)


@charge_point_case("TC16_D_List_Priority_CS")
async def priority(cs: CentralSystem) -> None:
    """What the list says of an idTag counts before what the cache says."""
    tokens = cs.configuration.tokens
    await cs.needs_keys(LocalPreAuthorize="true", AuthorizationCacheEnabled="true")
    cs.answers.statuses[tokens.valid.id_token] = "Blocked"
    await plugged_in(cs)
    await authorizes(cs)
    await cs.quiet()
    await cs.unplug()
    cs.forget()
    await listed(cs, (tokens.valid, "Accepted"))
    await cs.quiet()
    cs.forget()
    await _starts_unasked(cs, tokens.valid)


@charge_point_case("TC16_D_List_NotCached_CS")
async def not_cached(cs: CentralSystem) -> None:
    """Who is on the list is not cached: off the list again, the idTag has to be asked about."""
    tokens = cs.configuration.tokens
    await cs.needs_keys(LocalPreAuthorize="true", AuthorizationCacheEnabled="true")
    await cs.answered(1, "ClearCache", {})
    await listed(cs, (tokens.valid, "Accepted"))
    transaction = await charging(cs, tokens.valid, asked=False)
    await stopped_here(cs, transaction, tokens.valid)
    await _send(cs, 2, 2, _entry(tokens.valid2), full=True)
    cs.forget()
    await _is_asked(cs, tokens.valid)


@charge_point_case("TC16_D_List_Conflict_CS")
async def conflict(cs: CentralSystem) -> None:
    """A Central System that contradicts the list is told of the conflict, for connector 0."""
    tokens = cs.configuration.tokens
    await cs.needs_keys(LocalPreAuthorize="true", StopTransactionOnInvalidId="true")
    await listed(cs, (tokens.valid, "Accepted"))
    cs.answers.statuses[tokens.valid.id_token] = "Blocked"
    await plugged_in(cs)
    await cs.present(tokens.valid)
    await cs.take(1, "StartTransaction")
    told = await cs.take(2, "StatusNotification", {"connectorId": 0})
    told.expect("errorCode", "LocalListConflict")


@charge_point_case("TC16_D_List_Expired_CS")
async def expired(cs: CentralSystem) -> None:
    """An entry whose expiryDate has passed is no entry to charge by."""
    tokens = cs.configuration.tokens
    await cs.needs_keys(LocalPreAuthorize="true")
    await listed(cs, (tokens.valid2, "Accepted"))
    await _send(cs, 1, 4, _entry(tokens.valid, expiryDate=cs.in_a_while(60)), full=True)
    await cs.wait(70)
    await _is_asked(cs, tokens.valid)


@charge_point_case("TC16_D_Version_Zero_CS")
async def version_of_nothing(cs: CentralSystem) -> None:
    """A list that nobody has sent has the version 0; where there are none it is -1."""
    response = await cs.call(1, "GetLocalListVersion", {})
    profiles = await cs.key("SupportedFeatureProfiles") or ""
    if "LocalAuthListManagement" not in profiles:
        response.expect("listVersion", -1)
        return
    await cs.answered(2, "SendLocalList", {"listVersion": 1, "updateType": "Full"})
    await _version(cs, 3, 0)
    transaction = await charging(cs)  # nobody is on the list, and all is as without one
    if transaction.number < 0:
        raise StepFailed("4", "a transaction", "none")
