"""Variables in the words of 1.6: GetConfiguration and ChangeConfiguration (5.3, 5.8)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from voltbridge.csms.blocks.b_provisioning.v16_keys import KEYS, attribute_of, key_of
from voltbridge.csms.blocks.b_provisioning.variable_parameters import Report, ReportKind
from voltbridge.csms.blocks.given import given
from voltbridge.csms.commands.kinds import Unsupported
from voltbridge.domain.configurations import DesiredValue
from voltbridge.domain.device_model import (
    Attribute,
    AttributeType,
    Characteristics,
    DataType,
    Mutability,
    ReadResult,
    ReadStatus,
    StationVariable,
    WriteResult,
    WriteStatus,
)
from voltbridge.protocol import v16
from voltbridge.protocol.structs import Payload

__all__ = [
    "ANSWERS_WITH_REPORT",
    "MOST_WRITTEN",
    "characteristics",
    "read_request",
    "read_results",
    "refusal",
    "report_request",
    "reported",
    "unknown",
    "write_request",
    "write_results",
    "written",
]

ANSWERS_WITH_REPORT: Final = True
MOST_WRITTEN: Final = 1
"""A ChangeConfiguration changes one key."""

_AUTHORIZATION_KEY: Final = re.compile(r"(?:[0-9A-Fa-f]{2}){16,20}")


def unknown(attribute: Attribute) -> ReadStatus | None:
    """Why no key can be this attribute, None when one can."""
    if key_of(attribute) is not None:
        return None
    if attribute.type is not AttributeType.ACTUAL:
        return ReadStatus.NOT_SUPPORTED_ATTRIBUTE_TYPE
    return ReadStatus.UNKNOWN_VARIABLE


def characteristics(attribute: Attribute) -> Characteristics | None:
    """What the specification says of a standard key."""
    standard = KEYS.get((key_of(attribute) or "").casefold())
    return None if standard is None else standard.characteristics


def refusal(value: DesiredValue) -> str | None:
    """Why a value cannot be sent. The AuthorizationKey is written as hexadecimal digits (whitepaper A00.FR.205)."""
    if len(value.value) > 500:
        return f"has {len(value.value)} characters, at most 500 can be sent"
    if _key(value.attribute) == "AuthorizationKey" and not _AUTHORIZATION_KEY.fullmatch(value.value):
        return "must be 32 to 40 hexadecimal digits"
    return None


def read_request(attributes: Sequence[Attribute]) -> Payload:
    """The keys of these attributes."""
    return v16.GetConfigurationRequest(key=[_key(attribute) for attribute in attributes])


def read_results(attributes: Sequence[Attribute], response: v16.GetConfigurationResponse) -> list[ReadResult]:
    """Each in the order asked for; a key that is neither told nor called unknown has no answer."""
    told = {one.key.casefold(): one for one in given(response.configuration_key) or ()}
    unknown_keys = {key.casefold() for key in given(response.unknown_key) or ()}
    results = []
    for attribute in attributes:
        key = _key(attribute).casefold()
        found = told.get(key)
        if found is not None:
            value = given(found.value)
            mutability = Mutability.READ_ONLY if found.readonly else Mutability.READ_WRITE
            _, standard = attribute_of(found.key)
            if value is not None:
                value = _normal(value, standard.characteristics if standard else None)
            results.append(ReadResult(attribute, ReadStatus.ACCEPTED, value, mutability=mutability))
        elif key in unknown_keys:
            results.append(ReadResult(attribute, ReadStatus.UNKNOWN_VARIABLE))
        else:
            results.append(ReadResult(attribute, ReadStatus.NOT_ANSWERED, reason="the answer leaves it out"))
    return results


def write_request(values: Sequence[DesiredValue]) -> Payload:
    """One key, whatever it is."""
    (value,) = values
    return v16.ChangeConfigurationRequest(key=_key(value.attribute), value=value.value)


_STATUSES: Final = {
    v16.ConfigurationStatus.ACCEPTED: WriteStatus.ACCEPTED,
    v16.ConfigurationStatus.REJECTED: WriteStatus.REJECTED,
    v16.ConfigurationStatus.REBOOT_REQUIRED: WriteStatus.REBOOT_REQUIRED,
    # The key is unknown (7.22).
    v16.ConfigurationStatus.NOT_SUPPORTED: WriteStatus.UNKNOWN_VARIABLE,
}


def write_results(values: Sequence[DesiredValue], response: v16.ChangeConfigurationResponse) -> list[WriteResult]:
    """The one result."""
    return [WriteResult(value.attribute, _STATUSES[response.status]) for value in values]


def written(request: v16.ChangeConfigurationRequest) -> list[DesiredValue]:
    """The one value."""
    attribute, _ = attribute_of(request.key)
    return [DesiredValue(attribute, request.value)]


def report_request(wanted: Report, request_id: int) -> Payload:
    """All keys: there is no report of some."""
    if wanted.kind not in (ReportKind.FULL_INVENTORY, ReportKind.CONFIGURATION_INVENTORY):
        raise Unsupported(
            f"OCPP 1.6 has no {wanted.kind} report; ask for FullInventory, or read single variables with read_variables"
        )
    return v16.GetConfigurationRequest()


def reported(response: v16.GetConfigurationResponse, station_id: str, at: datetime) -> list[StationVariable]:
    """Everything there is, in the answer itself."""
    found = []
    for told in given(response.configuration_key) or ():
        attribute, standard = attribute_of(told.key)
        characteristics = standard.characteristics if standard else None
        value = given(told.value)
        mutability = Mutability.READ_ONLY if told.readonly else Mutability.READ_WRITE
        if standard is not None and standard.mutability is Mutability.WRITE_ONLY:
            mutability = Mutability.WRITE_ONLY
        found.append(
            StationVariable(
                station_id=station_id,
                attribute=attribute,
                updated_at=at,
                value=None if value is None else _normal(value, characteristics),
                mutability=mutability,
                characteristics=characteristics,
            )
        )
    return _with_lengths(found)


def _with_lengths(found: list[StationVariable]) -> list[StationVariable]:
    """How many items a list takes stands in another key, ``...MaxLength``."""
    lengths = {
        (one.attribute.variable.component.name, one.attribute.variable.instance): one.value
        for one in found
        if one.attribute.variable.name == "MaxEntries"
    }
    known = []
    for one in found:
        variable = one.attribute.variable
        most = lengths.get((variable.component.name, variable.name))
        if one.characteristics is not None and most is not None and most.isdecimal() and int(most) > 0:
            one = replace(one, characteristics=replace(one.characteristics, max_elements=int(most)))
        known.append(one)
    return known


def _normal(value: str, characteristics: Characteristics | None) -> str:
    """The spelling the device model has: booleans in lower case, lists without spaces."""
    match characteristics.data_type if characteristics else None:
        case DataType.BOOLEAN:
            return value.strip().lower()
        case DataType.MEMBER_LIST:
            return ",".join(item.strip() for item in value.split(","))
    return value


def _key(attribute: Attribute) -> str:
    key = key_of(attribute)
    assert key is not None, f"{attribute} was refused before"
    return key
