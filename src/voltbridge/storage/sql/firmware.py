"""Firmware: images, updates of stations, and what local controllers publish. Nouns lie as JSON beside their keys."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Index,
    Table,
    Text,
    and_,
    delete,
    func,
    insert,
    select,
    update,
)

from voltbridge.domain.firmware import FirmwareImage, FirmwareUpdate, PublishedFirmware
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.storage.cursors import cut, read_cursor
from voltbridge.storage.gathering import GatheredReads
from voltbridge.storage.sessions import Sessions
from voltbridge.storage.sql.schema import BigInt, metadata

__all__ = [
    "FirmwareImages",
    "FirmwareUpdates",
    "PublishedFirmwares",
    "delete_firmware",
    "firmware_images",
    "firmware_updates",
    "published_firmware",
]

firmware_images = Table(
    "firmware_images",
    metadata,
    Column("id", BigInt, primary_key=True, autoincrement=False),
    Column("file_id", BigInteger, nullable=False),
    Column("image", Text, nullable=False),
    Index(None, "file_id"),
)

firmware_updates = Table(
    "firmware_updates",
    metadata,
    Column("id", BigInt, primary_key=True, autoincrement=False),
    Column("station_id", Text, nullable=False),
    Column("request_id", BigInteger, nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("content", Text, nullable=False),
    Index(None, "station_id", "id"),
    Index(None, "is_open", "id"),
)

published_firmware = Table(
    "published_firmware",
    metadata,
    Column("station_id", Text, primary_key=True),
    Column("checksum", Text, primary_key=True),
    Column("content", Text, nullable=False),
)

_IMAGE = msgspec.json.Decoder(FirmwareImage)
_UPDATE = msgspec.json.Decoder(FirmwareUpdate)
_PUBLISHED = msgspec.json.Decoder(PublishedFirmware)
_Updates = Sequence[FirmwareUpdate]


def delete_firmware(connection: Connection, station_id: str) -> None:
    """Forget what became of firmware on a station."""
    for table in (firmware_updates, published_firmware):
        connection.execute(delete(table).where(table.c.station_id == station_id))


class FirmwareImages:
    """Images."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def add(self, image: FirmwareImage) -> None:
        """Keep a new one."""
        values = {"id": image.id, "file_id": image.file_id, "image": msgspec.json.encode(image).decode()}
        adding = insert(firmware_images).values(values)
        await self._sessions.write(lambda connection: connection.execute(adding).rowcount)

    async def get(self, id: int) -> FirmwareImage | None:
        """The image of this id."""
        return await self._one(firmware_images.c.id == id)

    async def of_file(self, file_id: int) -> FirmwareImage | None:
        """An image made of this file."""
        return await self._one(firmware_images.c.file_id == file_id)

    async def list(self, page: PageRequest) -> Page[FirmwareImage]:
        """Newest first; raises InvalidCursor."""
        after = read_cursor("firmware_images", page, (int,))

        def read(connection: Connection) -> Page[FirmwareImage]:
            query = select(firmware_images).order_by(firmware_images.c.id.desc()).limit(page.limit + 1)
            if after:
                query = query.where(firmware_images.c.id < after[0])
            rows = connection.execute(query).all()
            return cut("firmware_images", [((row.id,), _IMAGE.decode(row.image)) for row in rows], page.limit)

        return await self._sessions.read(read)

    async def delete(self, id: int) -> bool:
        """Forget it; whether there was one."""
        forget = delete(firmware_images).where(firmware_images.c.id == id)
        return await self._sessions.write(lambda connection: bool(connection.execute(forget).rowcount))

    async def _one(self, where: Any) -> FirmwareImage | None:
        query = select(firmware_images.c.image).where(where).order_by(firmware_images.c.id).limit(1)

        def read(connection: Connection) -> FirmwareImage | None:
            found = connection.execute(query).scalar_one_or_none()
            return None if found is None else _IMAGE.decode(found)

        return await self._sessions.read(read)


class FirmwareUpdates:
    """What becomes of firmware on stations."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._gathered = GatheredReads(sessions, _current)

    async def put(self, one: FirmwareUpdate) -> None:
        """Add or replace it."""
        values = {
            "id": one.id,
            "station_id": one.station_id,
            "request_id": one.request_id,
            "is_open": one.state.is_open,
            "content": msgspec.json.encode(one).decode(),
        }

        def put(connection: Connection) -> None:
            where = firmware_updates.c.id == one.id
            if not connection.execute(update(firmware_updates).where(where).values(values)).rowcount:
                connection.execute(insert(firmware_updates).values(values))

        await self._sessions.write(put)

    async def of_request(self, station_id: str, request_id: int) -> FirmwareUpdate | None:
        """The update that a station names so."""
        table = firmware_updates
        query = select(table.c.content).where(table.c.station_id == station_id, table.c.request_id == request_id)
        found = await self._found(query.order_by(table.c.id.desc()).limit(1))
        return found[0] if found else None

    async def current(self, station_id: str) -> FirmwareUpdate | None:
        """The newest of a station that has not ended; else the newest. Every boot asks for it."""
        return await self._gathered.get(station_id)

    async def list(self, station_id: str, page: PageRequest) -> Page[FirmwareUpdate]:
        """Newest first; raises InvalidCursor."""
        after = read_cursor("firmware_updates", page, (int,))
        table = firmware_updates

        def read(connection: Connection) -> Page[FirmwareUpdate]:
            query = select(table.c.id, table.c.content).where(table.c.station_id == station_id)
            query = query.order_by(table.c.id.desc()).limit(page.limit + 1)
            if after:
                query = query.where(table.c.id < after[0])
            rows = connection.execute(query).all()
            return cut("firmware_updates", [((row.id,), _UPDATE.decode(row.content)) for row in rows], page.limit)

        return await self._sessions.read(read)

    async def open(self, station_id: str | None = None) -> _Updates:
        """Those that have not ended, of one station or of all; oldest first."""
        table = firmware_updates
        query = select(table.c.content).where(table.c.is_open.is_(True)).order_by(table.c.id)
        if station_id is not None:
            query = query.where(table.c.station_id == station_id)
        return await self._found(query)

    async def _found(self, query: Any) -> _Updates:
        def read(connection: Connection) -> _Updates:
            return [_UPDATE.decode(content) for content in connection.execute(query).scalars()]

        return await self._sessions.read(read)


def _current(connection: Connection, keys: Collection[str]) -> dict[str, FirmwareUpdate]:
    table = firmware_updates
    order = func.row_number().over(
        partition_by=table.c.station_id, order_by=(table.c.is_open.desc(), table.c.id.desc())
    )
    ranked = select(table.c.station_id, table.c.content, order.label("place"))
    ranked_rows = ranked.where(table.c.station_id.in_(keys)).subquery()
    query = select(ranked_rows.c.station_id, ranked_rows.c.content).where(ranked_rows.c.place == 1)
    return {row.station_id: _UPDATE.decode(row.content) for row in connection.execute(query)}


class PublishedFirmwares:
    """What local controllers publish."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def put(self, one: PublishedFirmware) -> None:
        """Add or replace it."""
        content = msgspec.json.encode(one).decode()

        def put(connection: Connection) -> None:
            where = _key(one.station_id, one.checksum)
            if not connection.execute(update(published_firmware).where(where).values(content=content)).rowcount:
                values = {"station_id": one.station_id, "checksum": one.checksum, "content": content}
                connection.execute(insert(published_firmware).values(values))

        await self._sessions.write(put)

    async def of_station(self, station_id: str) -> Sequence[PublishedFirmware]:
        """In the order of checksums."""
        table = published_firmware
        query = select(table.c.content).where(table.c.station_id == station_id).order_by(table.c.checksum)

        def read(connection: Connection) -> Sequence[PublishedFirmware]:
            return [_PUBLISHED.decode(content) for content in connection.execute(query).scalars()]

        return await self._sessions.read(read)

    async def delete(self, station_id: str, checksum: str) -> bool:
        """Forget it; whether there was one."""
        forget = delete(published_firmware).where(_key(station_id, checksum))
        return await self._sessions.write(lambda connection: bool(connection.execute(forget).rowcount))


def _key(station_id: str, checksum: str) -> Any:
    return and_(published_firmware.c.station_id == station_id, published_firmware.c.checksum == checksum)
