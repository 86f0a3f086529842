"""What is known of files (their content lies on disk), and what stations may do at which address."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Connection, Index, Table, Text, delete, func, insert, select, update
from sqlalchemy import Row as ResultRow

from voltbridge.domain.files import FileFilter, FileGrant, FilePurpose, StoredFile, TransferWay
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.storage.cursors import cut, read_cursor
from voltbridge.storage.sessions import Sessions
from voltbridge.storage.sql.schema import BigInt, metadata
from voltbridge.storage.texts import is_storable
from voltbridge.storage.times import from_ms, optional_from_ms, optional_to_ms, to_ms

__all__ = ["FileGrants", "Files", "delete_files", "file_grants", "files"]

files = Table(
    "files",
    metadata,
    Column("id", BigInt, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("md5", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("station_id", Text),
    Index(None, "station_id", "id"),
)

file_grants = Table(
    "file_grants",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("way", Text, nullable=False),
    Column("station_id", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("expires_at_ms", BigInteger, nullable=False),
    Column("file_id", BigInteger),
    Column("completed_at_ms", BigInteger),
    Column("closed_at_ms", BigInteger),
    Index(None, "reference"),
    Index(None, "expires_at_ms"),
)


_Ids = Sequence[int]


def delete_files(connection: Connection, station_id: str) -> None:
    """Forget the files a station delivered and its addresses; the content is removed when the disk is tidied."""
    for table in (files, file_grants):
        connection.execute(delete(table).where(table.c.station_id == station_id))


class Files:
    """Complete files."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def add(self, file: StoredFile, delivered: FileGrant | None = None) -> None:
        """Keep a file, and in the same step the grant by which it was delivered, as it is now."""

        def add(connection: Connection) -> None:
            connection.execute(insert(files).values(_file_values(file)))
            if delivered is not None:
                _put(connection, delivered)

        await self._sessions.write(add)

    async def get(self, id: int) -> StoredFile | None:
        """The file of this id."""

        def read(connection: Connection) -> StoredFile | None:
            row = connection.execute(select(files).where(files.c.id == id)).one_or_none()
            return _file(row) if row else None

        return await self._sessions.read(read)

    async def list(self, wanted: FileFilter, page: PageRequest) -> Page[StoredFile]:
        """Newest first; raises InvalidCursor."""
        after = read_cursor("files", page, (int,))
        if not is_storable(wanted.station_id):
            return Page(())

        def read(connection: Connection) -> Page[StoredFile]:
            query = select(files).order_by(files.c.id.desc()).limit(page.limit + 1)
            if after:
                query = query.where(files.c.id < after[0])
            if wanted.purpose is not None:
                query = query.where(files.c.purpose == wanted.purpose.value)
            if wanted.station_id is not None:
                query = query.where(files.c.station_id == wanted.station_id)
            rows = connection.execute(query).all()
            return cut("files", [((row.id,), _file(row)) for row in rows], page.limit)

        return await self._sessions.read(read)

    async def delete(self, id: int) -> bool:
        """Forget it; whether there was one."""
        forget = delete(files).where(files.c.id == id)
        return await self._sessions.write(lambda connection: bool(connection.execute(forget).rowcount))

    async def known(self, ids: Collection[int]) -> set[int]:
        """Those of the ids that are kept."""
        query = select(files.c.id).where(files.c.id.in_(list(ids)))
        return await self._sessions.read(lambda connection: set(connection.execute(query).scalars()))

    async def delivered_before(self, moment: datetime, limit: int) -> _Ids:
        """Ids of files that stations delivered before the moment, oldest first."""
        old = (files.c.station_id.is_not(None), files.c.created_at_ms < to_ms(moment))
        query = select(files.c.id).where(*old).order_by(files.c.id).limit(limit)
        return await self._sessions.read(lambda connection: list(connection.execute(query).scalars()))


class FileGrants:
    """Addresses, by the hash of their secret."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def put(self, grant: FileGrant) -> None:
        """Add or replace it; one that was closed meanwhile stays closed."""
        await self._sessions.write(lambda connection: _put(connection, grant))

    async def get(self, token_hash: str) -> FileGrant | None:
        """The grant whose secret has this hash."""

        def read(connection: Connection) -> FileGrant | None:
            query = select(file_grants).where(file_grants.c.token_hash == token_hash)
            row = connection.execute(query).one_or_none()
            return _grant(row) if row else None

        return await self._sessions.read(read)

    async def close(self, reference: str, at: datetime) -> None:
        """Close every grant of this reference that is open."""
        open_ones = (file_grants.c.reference == reference, file_grants.c.closed_at_ms.is_(None))
        closing = update(file_grants).where(*open_ones).values(closed_at_ms=to_ms(at))
        await self._sessions.write(lambda connection: connection.execute(closing).rowcount)

    async def delivered(self, reference: str) -> int | None:
        """The id of a file that was delivered on this behalf, if any."""
        uploaded = (file_grants.c.reference == reference, file_grants.c.way == TransferWay.UPLOAD.value)
        query = select(func.max(file_grants.c.file_id)).where(*uploaded)
        return await self._sessions.read(lambda connection: connection.execute(query).scalar_one())

    async def known(self, token_hashes: Collection[str]) -> set[str]:
        """Those that are kept."""
        query = select(file_grants.c.token_hash).where(file_grants.c.token_hash.in_(list(token_hashes)))
        return await self._sessions.read(lambda connection: set(connection.execute(query).scalars()))

    async def prune(self, before: datetime) -> int:
        """Forget those that expired before the moment; how many were forgotten."""
        old = delete(file_grants).where(file_grants.c.expires_at_ms < to_ms(before))
        return await self._sessions.write(lambda connection: connection.execute(old).rowcount)


def _put(connection: Connection, grant: FileGrant) -> None:
    values = _grant_values(grant)
    where = file_grants.c.token_hash == grant.token_hash
    # A transfer ends with the grant that it began with, which may have been closed since.
    changed = {name: value for name, value in values.items() if name != "closed_at_ms" or value is not None}
    if not connection.execute(update(file_grants).where(where).values(changed)).rowcount:
        connection.execute(insert(file_grants).values(values))


def _file_values(file: StoredFile) -> dict[str, Any]:
    return {
        "id": file.id,
        "name": file.name,
        "purpose": file.purpose.value,
        "media_type": file.media_type,
        "size_bytes": file.size_bytes,
        "sha256": file.sha256,
        "md5": file.md5,
        "created_at_ms": to_ms(file.created_at),
        "station_id": file.station_id,
    }


def _file(row: ResultRow[Any]) -> StoredFile:
    return StoredFile(
        id=row.id,
        name=row.name,
        purpose=FilePurpose(row.purpose),
        media_type=row.media_type,
        size_bytes=row.size_bytes,
        sha256=row.sha256,
        md5=row.md5,
        created_at=from_ms(row.created_at_ms),
        station_id=row.station_id,
    )


def _grant_values(grant: FileGrant) -> dict[str, Any]:
    return {
        "token_hash": grant.token_hash,
        "way": grant.way.value,
        "station_id": grant.station_id,
        "purpose": grant.purpose.value,
        "name": grant.name,
        "reference": grant.reference,
        "created_at_ms": to_ms(grant.created_at),
        "expires_at_ms": to_ms(grant.expires_at),
        "file_id": grant.file_id,
        "completed_at_ms": optional_to_ms(grant.completed_at),
        "closed_at_ms": optional_to_ms(grant.closed_at),
    }


def _grant(row: ResultRow[Any]) -> FileGrant:
    return FileGrant(
        token_hash=row.token_hash,
        way=TransferWay(row.way),
        station_id=row.station_id,
        purpose=FilePurpose(row.purpose),
        name=row.name,
        reference=row.reference,
        created_at=from_ms(row.created_at_ms),
        expires_at=from_ms(row.expires_at_ms),
        file_id=row.file_id,
        completed_at=optional_from_ms(row.completed_at_ms),
        closed_at=optional_from_ms(row.closed_at_ms),
    )
