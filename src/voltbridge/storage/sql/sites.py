"""Sites, whole as JSON: there are few, and they are always read at once."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Column, Connection, Table, Text, delete, insert, select, update

from voltbridge.domain.errors import NotFound
from voltbridge.domain.site_load import Site
from voltbridge.storage.sessions import Sessions
from voltbridge.storage.sql.schema import metadata

__all__ = ["Sites", "sites"]

sites = Table("sites", metadata, Column("id", Text, primary_key=True), Column("site", Text, nullable=False))


class Sites:
    """The operator's sites."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    async def all(self) -> Sequence[Site]:
        """In the order of their ids."""

        def read(connection: Connection) -> list[Site]:
            rows = connection.execute(select(sites.c.site).order_by(sites.c.id))
            return [msgspec.json.decode(row.site, type=Site) for row in rows]

        return await self._sessions.read(read)

    async def put(self, site: Site) -> bool:
        """Add the site or replace the one of its id; whether it was added."""
        text = msgspec.json.encode(site).decode()

        def put(connection: Connection) -> bool:
            if connection.execute(update(sites).where(sites.c.id == site.id).values(site=text)).rowcount:
                return False
            connection.execute(insert(sites).values(id=site.id, site=text))
            return True

        return await self._sessions.write(put)

    async def delete(self, site_id: str) -> None:
        """Forget the site; raises NotFound."""

        def forget(connection: Connection) -> None:
            if not connection.execute(delete(sites).where(sites.c.id == site_id)).rowcount:
                raise NotFound("site", site_id)

        await self._sessions.write(forget)
