"""Stations: what the operator decided (``stations``) and what the station says (``station_reports``), kept apart.

A report may be there without settings: a frame of a station that was deleted a moment ago. It is shown nowhere and
replaced when a station of that id is seen again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    Select,
    Table,
    Text,
    and_,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy import Row as ResultRow
from sqlalchemy.exc import IntegrityError

from voltbridge.domain.errors import AlreadyExists, NotFound
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.stations import (
    RegistrationStatus,
    Station,
    StationFilter,
    StationReport,
    StationSettings,
    Strictness,
)
from voltbridge.storage.cursors import cut, read_cursor
from voltbridge.storage.gathering import GatheredReads
from voltbridge.storage.sessions import Sessions
from voltbridge.storage.sql.alerts import delete_alerts
from voltbridge.storage.sql.charging_profiles import delete_charging
from voltbridge.storage.sql.commands import delete_commands
from voltbridge.storage.sql.connectors import delete_connectors
from voltbridge.storage.sql.customer_information import delete_customer_information
from voltbridge.storage.sql.display_messages import delete_display_messages
from voltbridge.storage.sql.files import delete_files
from voltbridge.storage.sql.firmware import delete_firmware
from voltbridge.storage.sql.local_lists import delete_local_list
from voltbridge.storage.sql.messages import Messages
from voltbridge.storage.sql.meter_values import delete_loose_meter_values
from voltbridge.storage.sql.monitors import delete_monitoring
from voltbridge.storage.sql.reservations import delete_reservations
from voltbridge.storage.sql.rollouts import delete_rollout_members
from voltbridge.storage.sql.schema import Row, Upsert, metadata
from voltbridge.storage.sql.station_logs import delete_station_logs
from voltbridge.storage.sql.variables import delete_variables
from voltbridge.storage.texts import is_storable
from voltbridge.storage.times import from_ms, optional_from_ms, optional_to_ms, to_ms

__all__ = ["Stations", "read_stations", "report_row", "report_upsert", "station_reports", "stations"]

stations = Table(
    "stations",
    metadata,
    Column("station_id", Text, primary_key=True),
    Column("registration", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("name", Text),
    Column("password_hash", Text),
    Column("strictness", Text),
    Column("heartbeat_interval_s", BigInteger),
    Column("adopted_at_ms", BigInteger),
    Column("minimum_security_profile", Integer),
    Index(None, "registration", "created_at_ms", "station_id"),
)

station_reports = Table(
    "station_reports",
    metadata,
    Column("station_id", Text, primary_key=True),
    Column("protocol", Text),
    Column("vendor", Text),
    Column("model", Text),
    Column("serial_number", Text),
    Column("firmware_version", Text),
    Column("iccid", Text),
    Column("imsi", Text),
    Column("meter_type", Text),
    Column("meter_serial_number", Text),
    Column("boot_reason", Text),
    Column("last_boot_at_ms", BigInteger),
    Column("last_seen_at_ms", BigInteger),
    Column("remote_address", Text),
    Column("secure", Boolean),
    Column("security_profile", Integer),
)

report_upsert = Upsert.replacing(station_reports)

_WAITING = (stations.c.registration == RegistrationStatus.PENDING.value, stations.c.adopted_at_ms.is_(None))

_SCAN = 500
"""Rows looked at in one go when a filter can only be judged outside the database."""


def report_row(report: StationReport) -> Row:
    """The report in the order of the table's columns."""
    return (
        report.station_id,
        report.protocol,
        report.vendor,
        report.model,
        report.serial_number,
        report.firmware_version,
        report.iccid,
        report.imsi,
        report.meter_type,
        report.meter_serial_number,
        report.boot_reason,
        optional_to_ms(report.last_boot_at),
        optional_to_ms(report.last_seen_at),
        report.remote_address,
        report.secure,
        report.security_profile,
    )


def read_stations(connection: Connection, keys: Iterable[str]) -> dict[str, Station]:
    """The stations of these ids that have settings."""
    found = connection.execute(_both_halves().where(stations.c.station_id.in_(list(keys))))
    return {row.station_id: _station(row) for row in found}


class Stations:
    """The operator's list of stations."""

    def __init__(self, sessions: Sessions, messages: Messages) -> None:
        self._sessions = sessions
        self._messages = messages
        self._gathered = GatheredReads(sessions, read_stations)

    async def get(self, station_id: str) -> Station | None:
        """The station, or None when nobody provisioned it and it never asked to join."""
        return await self._gathered.get(station_id)

    async def add(self, settings: StationSettings) -> None:
        """Make a station known; raises AlreadyExists."""

        def add(connection: Connection) -> None:
            try:
                connection.execute(insert(stations).values(_settings_values(settings)))
            except IntegrityError as error:
                raise AlreadyExists("station", settings.station_id) from error

        await self._sessions.write(add)

    async def save_settings(self, settings: StationSettings) -> None:
        """Replace the operator's half; raises NotFound."""

        def save(connection: Connection) -> None:
            where = stations.c.station_id == settings.station_id
            if not connection.execute(update(stations).where(where).values(_settings_values(settings))).rowcount:
                raise NotFound("station", settings.station_id)

        await self._sessions.write(save)

    async def delete(self, station_id: str) -> None:
        """Forget the station with report, connectors, commands, log and readings outside transactions; raises NotFound.

        Its transactions with their readings stay, and so do events until they are pruned: the operator's books.
        """

        def forget(connection: Connection) -> None:
            if not connection.execute(delete(stations).where(stations.c.station_id == station_id)).rowcount:
                raise NotFound("station", station_id)
            connection.execute(delete(station_reports).where(station_reports.c.station_id == station_id))
            delete_connectors(connection, station_id)
            delete_variables(connection, station_id)
            delete_commands(connection, station_id)
            delete_local_list(connection, station_id)
            delete_charging(connection, station_id)
            delete_display_messages(connection, station_id)
            delete_monitoring(connection, station_id)
            delete_alerts(connection, station_id)
            delete_customer_information(connection, station_id)
            delete_reservations(connection, station_id)
            delete_files(connection, station_id)
            delete_firmware(connection, station_id)
            delete_station_logs(connection, station_id)
            delete_rollout_members(connection, station_id)

        await self._sessions.write(forget)
        await self._messages.delete_of_station(station_id)
        await delete_loose_meter_values(self._sessions, station_id)

    async def waiting(self) -> int:
        """How many stations wait for the operator's decision."""
        query = select(func.count()).select_from(stations).where(*_WAITING)
        return await self._sessions.read(lambda connection: connection.execute(query).scalar_one())

    async def list(self, wanted: StationFilter, page: PageRequest) -> Page[Station]:
        """Stations in the order of their ids; raises InvalidCursor."""
        after = read_cursor("stations", page, (str,))
        if not is_storable(wanted.protocol, wanted.vendor, wanted.model, wanted.firmware_version):
            return Page(())

        def read(connection: Connection) -> Page[Station]:
            last = str(after[0]) if after else None
            kept: list[Any] = []
            while len(kept) <= page.limit:
                query = _both_halves().order_by(stations.c.station_id).limit(_SCAN).where(*_conditions(wanted))
                if last is not None:
                    query = query.where(stations.c.station_id > last)
                rows = connection.execute(query).all()
                kept += [row for row in rows if _is_among(row.station_id, wanted.among, wanted.not_among)]
                if len(rows) < _SCAN:
                    break
                last = rows[-1].station_id
            return cut("stations", [((row.station_id,), _station(row)) for row in kept], page.limit)

        return await self._sessions.read(read)

    async def inbox(self, page: PageRequest) -> Page[Station]:
        """Stations that wait for the operator's decision, newest first; raises InvalidCursor."""
        after = read_cursor("inbox", page, (int, str))

        def read(connection: Connection) -> Page[Station]:
            query = (
                _both_halves()
                .where(*_WAITING)
                .order_by(stations.c.created_at_ms.desc(), stations.c.station_id)
                .limit(page.limit + 1)
            )
            if after:
                created_at_ms, station_id = after
                query = query.where(
                    or_(
                        stations.c.created_at_ms < created_at_ms,
                        and_(stations.c.created_at_ms == created_at_ms, stations.c.station_id > station_id),
                    )
                )
            rows = connection.execute(query).all()
            return cut("inbox", [((row.created_at_ms, row.station_id), _station(row)) for row in rows], page.limit)

        return await self._sessions.read(read)


def _both_halves() -> Select[Any]:
    reported = [column for column in station_reports.columns if column.name != "station_id"]
    return select(stations, *reported).join_from(
        stations, station_reports, stations.c.station_id == station_reports.c.station_id, isouter=True
    )


def _conditions(wanted: StationFilter) -> list[Any]:
    asked = [
        (stations.c.registration, wanted.registration.value if wanted.registration else None),
        (station_reports.c.protocol, wanted.protocol),
        (station_reports.c.vendor, wanted.vendor),
        (station_reports.c.model, wanted.model),
        (station_reports.c.firmware_version, wanted.firmware_version),
    ]
    found: list[Any] = [column == value for column, value in asked if value is not None]
    if wanted.not_firmware_version is not None:
        version = station_reports.c.firmware_version
        found.append(or_(version != wanted.not_firmware_version, version.is_(None)))
    return found


def _is_among(station_id: str, among: Collection[str] | None, not_among: Collection[str] | None) -> bool:
    return (among is None or station_id in among) and (not_among is None or station_id not in not_among)


def _settings_values(settings: StationSettings) -> dict[str, Any]:
    return {
        "station_id": settings.station_id,
        "registration": settings.registration.value,
        "created_at_ms": to_ms(settings.created_at),
        "name": settings.name,
        "password_hash": settings.password_hash,
        "strictness": settings.strictness.value if settings.strictness else None,
        "heartbeat_interval_s": settings.heartbeat_interval_s,
        "adopted_at_ms": optional_to_ms(settings.adopted_at),
        "minimum_security_profile": settings.minimum_security_profile,
    }


def _station(row: ResultRow[Any]) -> Station:
    return Station(
        settings=StationSettings(
            station_id=row.station_id,
            registration=RegistrationStatus(row.registration),
            created_at=from_ms(row.created_at_ms),
            name=row.name,
            password_hash=row.password_hash,
            strictness=Strictness(row.strictness) if row.strictness else None,
            heartbeat_interval_s=row.heartbeat_interval_s,
            adopted_at=optional_from_ms(row.adopted_at_ms),
            minimum_security_profile=row.minimum_security_profile,
        ),
        report=StationReport(
            station_id=row.station_id,
            protocol=row.protocol,
            vendor=row.vendor,
            model=row.model,
            serial_number=row.serial_number,
            firmware_version=row.firmware_version,
            iccid=row.iccid,
            imsi=row.imsi,
            meter_type=row.meter_type,
            meter_serial_number=row.meter_serial_number,
            boot_reason=row.boot_reason,
            last_boot_at=optional_from_ms(row.last_boot_at_ms),
            last_seen_at=optional_from_ms(row.last_seen_at_ms),
            remote_address=row.remote_address,
            secure=row.secure,
            security_profile=row.security_profile,
        ),
    )
