"""The registry of components, variables and attributes of every station, and the reports it was filled from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Boolean, Column, Connection, Table, Text, delete, func, select
from sqlalchemy import Row as ResultRow

from voltbridge.domain.device_model import (
    Attribute,
    AttributeType,
    Characteristics,
    Component,
    Mutability,
    StationReportParts,
    StationVariable,
    Variable,
    VariableFilter,
)
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.sequences import add_sequence
from voltbridge.storage.bulk import insert_rows
from voltbridge.storage.cursors import cut, read_cursor
from voltbridge.storage.sessions import Sessions
from voltbridge.storage.sql.schema import Row, Upsert, metadata
from voltbridge.storage.sql.station_reports import forget_old_reports, newest_reports, of_report, report_table
from voltbridge.storage.times import from_ms, optional_from_ms, optional_to_ms, to_ms

__all__ = ["Variables", "delete_variables", "variable_reports", "variables"]

variables = Table(
    "variables",
    metadata,
    Column("station_id", Text, primary_key=True),
    Column("attribute_key", Text, primary_key=True),
    Column("component", Text, nullable=False),
    Column("component_instance", Text),
    Column("evse_id", BigInteger),
    Column("connector_id", BigInteger),
    Column("variable", Text, nullable=False),
    Column("variable_instance", Text),
    Column("attribute", Text, nullable=False),
    Column("value", Text),
    Column("mutability", Text),
    Column("persistent", Boolean),
    Column("constant", Boolean),
    Column("characteristics", Text),
    Column("updated_at_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

variable_reports = report_table("variable_reports", kind=Column("kind", Text), counted="variables")

_KEPT_REPORTS = 20
"""Of each station; older ones are forgotten."""

_reported = Upsert.replacing(variables)
# An answer tells the value only: what a report told besides stays.
_valued = Upsert(
    variables,
    update=["value", "updated_at_ms"],
    expressions={
        name: f"COALESCE(excluded.{name}, variables.{name})"
        for name in ("mutability", "persistent", "constant", "characteristics")
    },
)
_report = Upsert.replacing(variable_reports)


class Variables:
    """What stations have told of themselves."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def list(self, wanted: VariableFilter, page: PageRequest) -> Page[StationVariable]:
        """By component and variable; raises InvalidCursor."""
        after = read_cursor("variables", page, (str,))

        def read(connection: Connection) -> Page[StationVariable]:
            query = select(variables).where(variables.c.station_id == wanted.station_id)
            if after:
                query = query.where(variables.c.attribute_key > after[0])
            for column, value in (
                (func.lower(variables.c.component), wanted.component and wanted.component.lower()),
                (func.lower(variables.c.variable), wanted.variable and wanted.variable.lower()),
                (variables.c.evse_id, wanted.evse_id),
                (variables.c.attribute, wanted.attribute and wanted.attribute.value),
                (variables.c.mutability, wanted.mutability and wanted.mutability.value),
            ):
                if value is not None:
                    query = query.where(column == value)
            rows = connection.execute(query.order_by(variables.c.attribute_key).limit(page.limit + 1)).all()
            return cut("variables", [((row.attribute_key,), _variable(row)) for row in rows], page.limit)

        return await self._sessions.read(read)

    async def known(self, station_id: str, attributes: Iterable[Attribute]) -> dict[str, StationVariable]:
        """What is known of these attributes, by their keys."""
        keys = sorted({attribute.key for attribute in attributes})

        def read(connection: Connection) -> dict[str, StationVariable]:
            found: dict[str, StationVariable] = {}
            for start in range(0, len(keys), 500):
                query = select(variables).where(
                    variables.c.station_id == station_id, variables.c.attribute_key.in_(keys[start : start + 500])
                )
                for row in connection.execute(query):
                    found[row.attribute_key] = _variable(row)
            return found

        return await self._sessions.read(read)

    async def put_values(self, values: Sequence[StationVariable]) -> None:
        """Note values; what was known besides stays where it is not told anew."""
        rows = list({row[:2]: row for row in map(_row, values)}.values())
        await self._sessions.write(lambda connection: insert_rows(connection, _valued, rows))

    async def note_values(self, station_id: str, values: Sequence[StationVariable], most: int) -> None:
        """As ``put_values``; what is not known yet is left out where the station has so many attributes."""
        rows = {row[1]: row for row in map(_row, values)}

        def note(connection: Connection) -> None:
            insert_rows(connection, _valued, _within(connection, station_id, rows, most))

        await self._sessions.write(note)

    async def put_all(self, station_id: str, values: Sequence[StationVariable]) -> None:
        """Note everything there is; what is stored and not among it is forgotten."""
        rows = list({row[:2]: row for row in map(_row, values)}.values())

        def put(connection: Connection) -> None:
            connection.execute(delete(variables).where(variables.c.station_id == station_id))
            insert_rows(connection, _reported, rows)

        await self._sessions.write(put)

    async def expect_report(self, report: StationReportParts) -> None:
        """Note that a report was asked for; the oldest beyond a number are forgotten."""

        def put(connection: Connection) -> None:
            insert_rows(connection, _report, [_report_row(report)])
            forget_old_reports(connection, variable_reports, report.station_id, _KEPT_REPORTS)

        await self._sessions.write(put)

    async def forget_report(self, station_id: str, request_id: int) -> None:
        """No such report will come."""
        where = of_report(variable_reports, station_id, request_id)

        def forget(connection: Connection) -> None:
            connection.execute(delete(variable_reports).where(where))

        await self._sessions.write(forget)

    async def add_part(
        self,
        station_id: str,
        request_id: int,
        seq_no: int,
        is_last: bool,
        at: datetime,
        told: Sequence[StationVariable],
        most: int,
    ) -> tuple[StationReportParts, bool]:
        """Note a part of a report: its variables and that it came, in one.

        A complete full inventory is the whole truth: what it left out is forgotten. For ``most`` see ``note_values``.
        Returns the report as it is now, and whether this part has completed it.
        """
        rows = {row[1]: row for row in map(_row, told)}

        def put(connection: Connection) -> tuple[StationReportParts, bool]:
            insert_rows(connection, _reported, _within(connection, station_id, rows, most))
            query = select(variable_reports).where(of_report(variable_reports, station_id, request_id))
            row = connection.execute(query).one_or_none()
            before = (
                StationReportParts(station_id=station_id, request_id=request_id, kind=None, requested_at=at)
                if row is None
                else _parts(row)
            )
            after = replace(
                before,
                parts=add_sequence(before.parts, seq_no),
                last_seq_no=seq_no if is_last else before.last_seq_no,
                last_part_at=at,
                variables=before.variables + len(rows),
            )
            insert_rows(connection, _report, [_report_row(after)])
            if row is None:
                forget_old_reports(connection, variable_reports, station_id, _KEPT_REPORTS)
            completed = after.is_complete and not before.is_complete
            if completed and after.kind == "FullInventory":
                connection.execute(
                    delete(variables).where(
                        variables.c.station_id == station_id,
                        variables.c.updated_at_ms < to_ms(after.requested_at),
                    )
                )
            return after, completed

        return await self._sessions.write(put)

    async def reports(self, station_id: str) -> Sequence[StationReportParts]:
        """A station's reports, the newest first; there are never many."""
        query = newest_reports(variable_reports, station_id)

        def read(connection: Connection) -> Sequence[StationReportParts]:
            return [_parts(row) for row in connection.execute(query)]

        return await self._sessions.read(read)


def _within(connection: Connection, station_id: str, rows: Mapping[Any, Row], most: int) -> list[Row]:
    """The rows, by the keys of their attributes, but for those not known yet where the station has so many."""
    own = variables.c.station_id == station_id
    query = select(variables.c.attribute_key).where(own, variables.c.attribute_key.in_(list(rows)))
    known = set(connection.execute(query).scalars())
    if len(known) < len(rows):
        count = connection.execute(select(func.count()).select_from(variables).where(own)).scalar_one()
        if count + len(rows) - len(known) > most:
            return [row for key, row in rows.items() if key in known]
    return list(rows.values())


def delete_variables(connection: Connection, station_id: str) -> None:
    """Forget what a station told."""
    connection.execute(delete(variables).where(variables.c.station_id == station_id))
    connection.execute(delete(variable_reports).where(variable_reports.c.station_id == station_id))


def _row(one: StationVariable) -> Row:
    attribute = one.attribute
    variable = attribute.variable
    component = variable.component
    told = one.characteristics
    return (
        one.station_id,
        attribute.key,
        component.name,
        component.instance,
        component.evse_id,
        component.connector_id,
        variable.name,
        variable.instance,
        attribute.type.value,
        one.value,
        one.mutability and one.mutability.value,
        one.persistent,
        one.constant,
        None if told is None else msgspec.json.encode(told).decode(),
        to_ms(one.updated_at),
    )


def _variable(row: ResultRow[Any]) -> StationVariable:
    component = Component(row.component, row.component_instance, row.evse_id, row.connector_id)
    variable = Variable(component, row.variable, row.variable_instance)
    told = row.characteristics
    return StationVariable(
        station_id=row.station_id,
        attribute=Attribute(variable, AttributeType(row.attribute)),
        updated_at=from_ms(row.updated_at_ms),
        value=row.value,
        mutability=Mutability(row.mutability) if row.mutability is not None else None,
        persistent=row.persistent,
        constant=row.constant,
        characteristics=None if told is None else msgspec.json.decode(told, type=Characteristics),
    )


def _report_row(report: StationReportParts) -> Row:
    return (
        report.station_id,
        report.request_id,
        report.kind,
        to_ms(report.requested_at),
        optional_to_ms(report.last_part_at),
        report.parts,
        report.last_seq_no,
        report.variables,
    )


def _parts(row: ResultRow[Any]) -> StationReportParts:
    return StationReportParts(
        station_id=row.station_id,
        request_id=row.request_id,
        kind=row.kind,
        requested_at=from_ms(row.requested_at_ms),
        last_part_at=optional_from_ms(row.last_part_at_ms),
        parts=row.parts,
        last_seq_no=row.last_seq_no,
        variables=row.variables,
    )
