"""Variables as the CSMS reads, sets and has them reported (2.0.1 B05 to B08; 1.6 GetConfiguration)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from voltbridge.domain.device_model import Attribute, Component, Mutability, Variable
from voltbridge.protocol.errors import ErrorCode, OcppError
from voltbridge.station.context import Context
from voltbridge.station.device_model import Entry, Read, Written
from voltbridge.station.facts import ReportedVariable, ReportFact
from voltbridge.station.keys_v16 import KeyValue, keys_of, read_key, write_key

__all__ = ["Criterion", "ReportBase", "ReportStatus", "Selected", "Variables"]

_PART: Final = 40
"""Variables in one part of a report."""


class ReportBase(StrEnum):
    """What a base report tells (B07)."""

    CONFIGURATION = "ConfigurationInventory"
    FULL = "FullInventory"
    SUMMARY = "SummaryInventory"


class ReportStatus(StrEnum):
    """GenericDeviceModelStatusEnumType."""

    ACCEPTED = "Accepted"
    REJECTED = "Rejected"
    NOT_SUPPORTED = "NotSupported"
    EMPTY = "EmptyResultSet"


class Criterion(StrEnum):
    """What components have in common (B08.FR.07 to FR.10)."""

    ACTIVE = "Active"
    AVAILABLE = "Available"
    ENABLED = "Enabled"
    PROBLEM = "Problem"


@dataclass(frozen=True, slots=True)
class Selected:
    """Variables a report is about; what is None does not matter (B08.FR.20 to FR.25)."""

    component: Component
    variable: str | None = None
    instance: str | None = None

    def names(self, entry: Entry) -> bool:
        """Whether it means this variable."""
        wanted, found = self.component, entry.variable.component
        return (
            wanted.name.casefold() == found.name.casefold()
            and _fits(wanted.instance, found.instance)
            and wanted.evse_id in (None, found.evse_id)
            and wanted.connector_id in (None, found.connector_id)
            and _fits(self.variable, entry.variable.name)
            and _fits(self.instance, entry.variable.instance)
        )


def _fits(wanted: str | None, found: str | None) -> bool:
    return wanted is None or (found is not None and wanted.casefold() == found.casefold())


_SUMMARY: Final = frozenset({"availabilitystate", "available", "problem", "enabled", "active"})


class Variables:
    """The device model as the CSMS sees it."""

    __slots__ = ("_context",)

    def __init__(self, context: Context) -> None:
        self._context = context

    def read(self, attributes: list[Attribute], size: int) -> list[Read]:
        """One result for each (B06.FR.01). Raises OcppError when there are too many of them (B06.FR.16, FR.17)."""
        self._check_size("GetVariables", len(attributes), size)
        return [self._context.device_model.read(attribute) for attribute in attributes]

    async def write(self, values: list[tuple[Attribute, str]], size: int) -> list[Written]:
        """One result for each, on disk before it is told (B05.FR.01). Raises OcppError when there are too many."""
        self._check_size("SetVariables", len(values), size)
        written = [self._context.device_model.write(attribute, value) for attribute, value in values]
        await self._context.store.committed()
        return written

    def read_keys(self, names: list[str]) -> tuple[list[KeyValue], list[str]]:
        """Keys of 1.6, all of them when none is named; and the names there are no keys of."""
        model, configuration = self._context.device_model, self._context.configuration
        known = keys_of(model, configuration)
        keys = [known.get(name.casefold()) for name in dict.fromkeys(names)] if names else list(known.values())
        unknown = [name for name in dict.fromkeys(names) if name.casefold() not in known]
        return [read_key(key, model, configuration) for key in keys if key is not None], unknown

    async def write_key(self, name: str, value: str) -> Written | None:
        """Set a key of 1.6, on disk before it is told; None when there is no such key."""
        model = self._context.device_model
        key = keys_of(model, self._context.configuration).get(name.casefold())
        if key is None:
            return None
        written = write_key(key, value, model)
        await self._context.store.committed()
        return written

    # Reports

    def base_report(self, base: ReportBase, request_id: int) -> tuple[ReportStatus, Callable[[], None]]:
        """The status, and what sends the report once that was told (B07)."""
        entries: Iterable[Entry] = self._context.device_model.entries
        match base:
            case ReportBase.CONFIGURATION:
                entries = [entry for entry in entries if entry.definition.mutability is not Mutability.READ_ONLY]
            case ReportBase.SUMMARY:
                entries = [entry for entry in entries if entry.variable.name.casefold() in _SUMMARY]
        return self._report(list(entries), request_id)

    def report(
        self, criteria: frozenset[Criterion], selected: list[Selected], request_id: int, size: int
    ) -> tuple[ReportStatus, Callable[[], None]]:
        """As ``base_report``, of what was selected (B08). Raises OcppError when too much is (B08.FR.17, FR.18)."""
        self._check_size("GetReport", len(selected), size)
        entries: Iterable[Entry] = self._context.device_model.entries
        if selected:
            entries = [entry for entry in entries if any(each.names(entry) for each in selected)]
        if criteria and selected:
            entries = list(self._meeting(criteria, entries))
        elif criteria:  # alone, they are asked for themselves (TC_B_16)
            entries = [entry for entry in entries if self._is_criterion(entry, criteria)]
        return self._report(list(entries), request_id)

    def _report(self, entries: list[Entry], request_id: int) -> tuple[ReportStatus, Callable[[], None]]:
        if not entries:
            return ReportStatus.EMPTY, lambda: None
        reported = [self._context.device_model.reported(entry) for entry in entries]
        return ReportStatus.ACCEPTED, lambda: self._send(reported, request_id)

    def _send(self, reported: list[ReportedVariable], request_id: int) -> None:
        generated_at = self._context.clock.now()
        for sequence, start in enumerate(range(0, len(reported), _PART)):
            self._context.outbox.tell(
                ReportFact(
                    request_id=request_id,
                    generated_at=generated_at,
                    sequence=sequence,
                    to_be_continued=start + _PART < len(reported),
                    variables=tuple(reported[start : start + _PART]),
                ),
                triggered=True,
            )

    def _is_criterion(self, entry: Entry, criteria: frozenset[Criterion]) -> bool:
        name = entry.variable.name.casefold()
        met = any(name == criterion.value.casefold() for criterion in criteria)
        return met and self._context.device_model.get_key(entry.variable.key) == "true"

    def _meeting(self, criteria: frozenset[Criterion], entries: Iterable[Entry]) -> Iterator[Entry]:
        """Those whose component meets one of the criteria; a variable that is missing counts, but for Problem."""
        model = self._context.device_model
        verdicts: dict[Component, bool] = {}
        for entry in entries:
            component = entry.variable.component
            if component not in verdicts:
                verdicts[component] = False
                for criterion in criteria:
                    found = model.find(Variable(component, criterion.value))
                    if found is None:
                        verdicts[component] |= criterion is not Criterion.PROBLEM
                    else:
                        verdicts[component] |= model.get_key(found.variable.key) == "true"
            if verdicts[component]:
                yield entry

    def _check_size(self, message: str, items: int, size: int) -> None:
        settings = self._context.settings
        most = settings.number(f"DeviceDataCtrlr.ItemsPerMessage[{message}]")
        if items > most:
            raise OcppError(ErrorCode.OCCURRENCE_CONSTRAINT_VIOLATION, f"{items} items, at most {most} are taken")
        largest = settings.number(f"DeviceDataCtrlr.BytesPerMessage[{message}]")
        if size > largest:
            raise OcppError(ErrorCode.FORMAT_VIOLATION, f"{size} bytes, at most {largest} are taken")
