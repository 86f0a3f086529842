"""N: logs are uploaded; what is known of a customer is told and removed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from voltbridge.conformance.failure import StepFailed
from voltbridge.conformance.received import ABSENT
from voltbridge.conformance.station.case import station_case
from voltbridge.conformance.station.csms import SimulatedCsms
from voltbridge.conformance.station.memory import id_token_cached, id_tokens_in_local_list

__all__: list[str] = []

_RETRIES: Final = 3
_RETRY_INTERVAL_S: Final = 30
_FAILURES: Final = ("UploadFailure", "BadMessage", "PermissionDenied", "NotSupportedOperation")


async def _get_log(csms: SimulatedCsms, step: int, kind: str, status: str = "Accepted") -> int:
    number = csms.next_id()
    request = {"logType": kind, "requestId": number, "log": {"remoteLocation": csms.configuration.log_location}}
    response = await csms.call(step, "GetLog", request)
    response.expect("status", status)
    if response.at("filename") in (ABSENT, ""):
        raise StepFailed(csms.step(step), "filename", "none")
    return number


async def _status(csms: SimulatedCsms, step: int, status: str, number: int) -> None:
    told = await csms.take(step, "LogStatusNotification")
    told.expect("status", status)
    told.expect("requestId", number)


@station_case("TC_N_25_CS")
async def diagnostics_log(csms: SimulatedCsms) -> None:
    """The diagnostics log is uploaded."""
    number = await _get_log(csms, 2, "DiagnosticsLog")
    await _status(csms, 3, "Uploading", number)
    await _status(csms, 5, "Uploaded", number)


@station_case("TC_N_26_CS")
async def upload_failed(csms: SimulatedCsms) -> None:
    """An upload that fails is tried again three times, at an interval."""
    number = csms.next_id()
    place = csms.configuration.log_location + "_does.not.exist"
    request = {"logType": "DiagnosticsLog", "requestId": number, "log": {"remoteLocation": place}}
    retried = {"retries": _RETRIES, "retryInterval": _RETRY_INTERVAL_S}
    (await csms.call(2, "GetLog", request | retried)).expect("status", "Accepted")
    wait_s = _RETRY_INTERVAL_S + csms.configuration.message_timeout_s
    failures, began, last = 0, csms.clock.monotonic(), 0.0
    while failures <= _RETRIES:
        told = await csms.maybe(3, "LogStatusNotification", seconds=wait_s)
        if told is None:
            raise StepFailed(csms.step(5), f"{_RETRIES + 1} failures", str(failures))
        if not failures and last == 0.0:
            told.expect("status", "Uploading")
            began = csms.clock.monotonic()
        told.expect("requestId", number)
        told.expect("status", "Uploading", *_FAILURES)
        last = csms.clock.monotonic()
        failures += told.at("status") in _FAILURES
    allowed_s = csms.configuration.message_timeout_s
    if not 0 <= last - began - _RETRIES * _RETRY_INTERVAL_S <= allowed_s:
        raise StepFailed(csms.step(5), f"{_RETRIES * _RETRY_INTERVAL_S} s in all", f"{last - began:g} s")
    await csms.none(5, "LogStatusNotification", seconds=wait_s)


@station_case("TC_N_35_CS")
async def security_log(csms: SimulatedCsms) -> None:
    """The security log is uploaded."""
    number = await _get_log(csms, 2, "SecurityLog")
    await _status(csms, 3, "Uploading", number)
    await _status(csms, 5, "Uploaded", number)


@station_case("TC_N_36_CS")
async def second_request(csms: SimulatedCsms) -> None:
    """A second request takes the place of the first."""
    first = await _get_log(csms, 2, "DiagnosticsLog")
    await _status(csms, 3, "Uploading", first)
    second = await _get_log(csms, 6, "DiagnosticsLog", "AcceptedCanceled")
    (await csms.take(7, "LogStatusNotification")).expect("status", "AcceptedCanceled")
    await _status(csms, 9, "Uploading", second)
    await _status(csms, 11, "Uploaded", second)


async def _ask(
    csms: SimulatedCsms, step: int, customer: Mapping[str, Any] | None = None, **more: Any
) -> tuple[str, int]:
    """CustomerInformation, by default about the valid token; all that is told of it, and in how many parts."""
    number = csms.next_id()
    customer = customer or {"idToken": csms.configuration.tokens.valid.wire}
    request = {"requestId": number, "report": True, "clear": False, **customer}
    (await csms.call(step, "CustomerInformation", request | more)).expect("status", "Accepted")
    text, parts = "", 0
    while True:
        told = await csms.take(step + 1, "NotifyCustomerInformation")
        told.expect("requestId", number)
        told.expect("seqNo", parts)
        text += str(told.at("data"))
        parts += 1
        if told.at("tbc") is not True:
            return text, parts


async def _known(csms: SimulatedCsms) -> None:
    """The token is in the cache and in the list, where there are such."""
    await csms.configure("LocalAuthListCtrlr", "Enabled", "true")
    await csms.configure("AuthCtrlr", "LocalPreAuthorize", "true")
    if await csms.configure("AuthCacheCtrlr", "Enabled", "true"):
        await id_token_cached(csms)
    if await csms.value("LocalAuthListCtrlr", "Available") != "false":
        await id_tokens_in_local_list(csms)


def _something(csms: SimulatedCsms, step: int, text: str) -> None:
    if not text.strip():
        raise StepFailed(csms.step(step), "data about the customer", "none")


@station_case("TC_N_27_CS")
async def told(csms: SimulatedCsms) -> None:
    """What is known of a customer is told."""
    await _known(csms)
    text, _ = await _ask(csms, 2)
    _something(csms, 3, text)


@station_case("TC_N_28_CS")
async def nothing_told(csms: SimulatedCsms) -> None:
    """Of a customer of whom nothing is known one message tells that."""
    with csms.stage("preparation"):
        await _ask(csms, 2, clear=True)
    _, parts = await _ask(csms, 2)
    if parts != 1:
        raise StepFailed(csms.step(3), "one message", str(parts))


@station_case("TC_N_30_CS")
async def cleared_and_told(csms: SimulatedCsms) -> None:
    """What is known of a customer is told, and removed."""
    await _known(csms)
    text, _ = await _ask(csms, 2, clear=True)
    _something(csms, 3, text)
    _, parts = await _ask(csms, 6)
    if parts != 1:
        raise StepFailed(csms.step(7), "one message", str(parts))


@station_case("TC_N_31_CS")
async def nothing_to_clear(csms: SimulatedCsms) -> None:
    """Of a customer of whom nothing is known there is nothing to remove."""
    await _ask(csms, 2, clear=True)


@station_case("TC_N_32_CS")
async def cleared_without_report(csms: SimulatedCsms) -> None:
    """What is known of a customer is removed without a report."""
    await _ask(csms, 2, clear=True, report=False)


@station_case("TC_N_62_CS")
async def identifier_cleared(csms: SimulatedCsms) -> None:
    """What is known of a customer by an identifier of the operator's is told, and removed."""
    csms.needs("customer identifiers")
    customer = {"customerIdentifier": csms.configuration.customer_identifier}
    await csms.station.register_customer(csms.configuration.customer_identifier)
    text, _ = await _ask(csms, 2, customer, clear=True)
    _something(csms, 3, text)
    text, _ = await _ask(csms, 6, customer)
    if text:
        raise StepFailed(csms.step(7), "no data about the customer", text)
