"""What all tables share: the metadata, the column types, and statements made from table definitions.

Moments are milliseconds (``voltbridge.storage.times``), structures are JSON as text: SQLite and PostgreSQL then store
the same, and neither has an opinion about the content. Columns of our own 63-bit ids are ``BigInt``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Integer, MetaData, Table

__all__ = ["BigInt", "Row", "Upsert", "metadata"]

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Only a column declared INTEGER is SQLite's own row id; BIGINT would add a second tree.
BigInt = BigInteger().with_variant(Integer(), "sqlite")

Row = tuple[Any, ...]


class Upsert:
    """How rows of one table are written in bulk, by a statement that both databases read.

    A row whose key (the primary key, or the unique columns named) is stored already is dropped when ``update`` is
    empty. Otherwise the columns named there take the new row's values, and those in ``expressions`` the value of the
    expression, in which ``excluded`` is the new row.
    """

    def __init__(
        self,
        table: Table,
        *,
        key: Sequence[str] = (),
        update: Sequence[str] = (),
        expressions: dict[str, str] | None = None,
    ) -> None:
        self.table = table
        self.columns = tuple(column.name for column in table.columns)
        names = ", ".join(self.columns)
        key = tuple(key) or tuple(column.name for column in table.primary_key.columns)
        assignments = [f"{name} = excluded.{name}" for name in update]
        assignments += [f"{name} = {expression}" for name, expression in (expressions or {}).items()]
        action = f"UPDATE SET {', '.join(assignments)}" if assignments else "NOTHING"
        self._head = f"INSERT INTO {table.name} ({names})"
        self._tail = f"ON CONFLICT ({', '.join(key)}) DO {action}"

    @classmethod
    def replacing(cls, table: Table) -> Upsert:
        """All columns outside the primary key take the new values."""
        key = {column.name for column in table.primary_key.columns}
        return cls(table, update=[column.name for column in table.columns if column.name not in key])

    def statement(self, source: str) -> str:
        """The whole statement, ``source`` giving the rows: a VALUES list, or a SELECT that the conflict may follow."""
        return f"{self._head} {source} {self._tail}"
