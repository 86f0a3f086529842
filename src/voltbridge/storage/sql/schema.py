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

    ``settled`` are columns in indexes whose values seldom change once the row is there. SQLite would write their index
    entries anew whenever a statement mentions them, so there they have a statement of their own that looks first.
    """

    def __init__(
        self,
        table: Table,
        *,
        key: Sequence[str] = (),
        update: Sequence[str] = (),
        expressions: dict[str, str] | None = None,
        settled: Sequence[str] = (),
    ) -> None:
        self.table = table
        self.columns = tuple(column.name for column in table.columns)
        names = ", ".join(self.columns)
        key = tuple(key) or tuple(column.name for column in table.primary_key.columns)
        self._head = f"INSERT INTO {table.name} ({names})"
        self._conflict = f"ON CONFLICT ({', '.join(key)}) DO"
        self._update = tuple(update)
        self._expressions = expressions or {}
        self._settled = frozenset(settled)
        self.key_and_settled = (*key, *settled) if settled else ()
        """The columns that ``settling`` wants of each row, none when the upsert has no such statement."""
        self._where = " AND ".join(f"{table.name}.{name} = new.column{at}" for at, name in enumerate(key, 1))

    @classmethod
    def replacing(cls, table: Table, *, settled: Sequence[str] = ()) -> Upsert:
        """All columns outside the primary key take the new values."""
        key = {column.name for column in table.primary_key.columns}
        return cls(table, update=[column.name for column in table.columns if column.name not in key], settled=settled)

    def statement(self, source: str, *, settled: bool = True) -> str:
        """The whole statement, ``source`` giving the rows: a VALUES list, or a SELECT that the conflict may follow.

        Without ``settled`` it leaves those columns of rows that are stored as they are.
        """
        names = [name for name in self._update if settled or name not in self._settled]
        assignments = [f"{name} = excluded.{name}" for name in names]
        assignments += [f"{name} = {expression}" for name, expression in self._expressions.items()]
        action = f"UPDATE SET {', '.join(assignments)}" if assignments else "NOTHING"
        return f"{self._head} {source} {self._conflict} {action}"

    def settling(self, values: str) -> str:
        """SQLite's statement that sets the settled columns where they differ; ``values`` lists ``key_and_settled``."""
        table = self.table.name
        first = len(self.key_and_settled) - len(self._settled) + 1
        pairs = [(name, f"new.column{at}") for at, name in enumerate(self.key_and_settled[first - 1 :], first)]
        assignments = ", ".join(f"{name} = {new}" for name, new in pairs)
        differs = " OR ".join(f"{table}.{name} IS NOT {new}" for name, new in pairs)
        return f"UPDATE {table} SET {assignments} FROM ({values}) AS new WHERE {self._where} AND ({differs})"
