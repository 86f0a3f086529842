"""The operator's tariffs and their assignments, kept in memory as they are stored (I01).

There are few of them and each transaction asks, so all are read at the start and every change goes through here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Container, Iterable, Sequence
from typing import Final

from voltbridge.csms.blocks.i_tariff_and_cost.displays import Displays
from voltbridge.csms.blocks.i_tariff_and_cost.ports import TariffBook
from voltbridge.csms.events import EventLog
from voltbridge.domain.clock import Clock
from voltbridge.domain.errors import InUse, InvalidValue, NotFound
from voltbridge.domain.stations import LiveStation
from voltbridge.domain.tariffs import (
    Tariff,
    TariffAssignment,
    TariffText,
    assignment_for,
    check_assignment,
    check_tariff,
    text_for,
    texts_at,
)
from voltbridge.domain.tokens import Authorization, IdToken

__all__ = ["TariffService"]


_Index = dict[tuple[str, str | None], list[TariffAssignment]]
"""Assignments by the token, the group or the station that they name, so that none asks them all."""
_EVERYBODY: Final = ("everybody", None)


class TariffService:
    """Tariffs, and whom they are for. ``start`` reads the stored ones."""

    def __init__(
        self, book: TariffBook, displays: Displays, shown_by: Container[str], events: EventLog, clock: Clock
    ) -> None:
        """``shown_by`` are the WebSocket subprotocols whose answers have room for a tariff's text."""
        self._book = book
        self._displays = displays
        self._shown_by = shown_by
        self._events = events
        self._clock = clock
        self._tariffs: dict[str, Tariff] = {}
        self._assignments: dict[str, TariffAssignment] = {}
        self._index: _Index = {}
        self._changing = asyncio.Lock()

    async def start(self) -> None:
        """Read what is stored, also again where that was changed past this service. Raises StorageUnavailable."""
        async with self._changing:
            tariffs, assignments = await self._book.all()
            self._tariffs = {tariff.id: tariff for tariff in tariffs}
            self._assignments = {assignment.id: assignment for assignment in assignments}
            self._index = _indexed(assignments)

    # The operator's side

    def tariffs(self) -> Sequence[Tariff]:
        """In the order of their ids."""
        return [self._tariffs[id] for id in sorted(self._tariffs)]

    def get(self, id: str) -> Tariff:
        """One tariff. Raises NotFound."""
        tariff = self._tariffs.get(id)
        if tariff is None:
            raise NotFound("tariff", id)
        return tariff

    async def put(self, tariff: Tariff) -> bool:
        """Add or replace a tariff; whether it was added. Running transactions keep theirs. Raises InvalidValue."""
        check_tariff(tariff)
        async with self._changing:
            added = await self._book.put(tariff)
            self._tariffs[tariff.id] = tariff
        self._events.emit("tariff.created" if added else "tariff.changed", None, tariff_id=tariff.id)
        return added

    async def delete(self, id: str) -> None:
        """Forget a tariff; running transactions keep it. Raises NotFound, and InUse while it is assigned."""
        async with self._changing:
            self.get(id)
            users = sorted(one.id for one in self._assignments.values() if one.tariff_id == id)
            if users:
                raise InUse("tariff", id, f"tariff assignment {users[0]}")
            await self._book.delete(id)
            del self._tariffs[id]
        self._events.emit("tariff.deleted", None, tariff_id=id)

    def assignments(self) -> Sequence[TariffAssignment]:
        """In the order of their ids."""
        return [self._assignments[id] for id in sorted(self._assignments)]

    def assignment(self, id: str) -> TariffAssignment:
        """One assignment. Raises NotFound."""
        assignment = self._assignments.get(id)
        if assignment is None:
            raise NotFound("tariff assignment", id)
        return assignment

    async def assign(self, assignment: TariffAssignment) -> bool:
        """Add or replace an assignment; whether it was added. Raises InvalidValue."""
        check_assignment(assignment)
        async with self._changing:
            if assignment.tariff_id not in self._tariffs:
                raise InvalidValue("tariff_id", f"is no tariff: there is none with the id {assignment.tariff_id}")
            added = await self._book.assign(assignment)
            self._assignments[assignment.id] = assignment
            self._index = _indexed(self._assignments.values())
        self._events.emit(
            "tariff.assigned", None, tariff_id=assignment.tariff_id, assignment_id=assignment.id, added=added
        )
        return added

    async def withdraw(self, id: str) -> None:
        """Forget an assignment. Raises NotFound."""
        async with self._changing:
            assignment = self.assignment(id)
            await self._book.withdraw(id)
            del self._assignments[id]
            self._index = _indexed(self._assignments.values())
        self._events.emit("tariff.withdrawn", None, tariff_id=assignment.tariff_id, assignment_id=id)

    # For whoever charges

    def tariff_for(self, station_id: str, id_token: IdToken | None, group_id_token: str | None) -> Tariff | None:
        """The tariff of a transaction that starts now."""
        token = None if id_token is None else id_token.key
        group = None if group_id_token is None else group_id_token.casefold()
        index = self._index
        found = assignment_for(
            (
                *index.get(("token", token), ()),
                *index.get(("group", group), ()),
                *index.get(("station", station_id), ()),
                *index.get(_EVERYBODY, ()),
            ),
            station_id=station_id,
            id_token=None if id_token is None else id_token.id_token,
            group_id_token=group_id_token,
        )
        return None if found is None else self._tariffs[found.tariff_id]

    async def text_of(self, live: LiveStation, id_token: IdToken, authorization: Authorization) -> TariffText | None:
        """What the driver of an accepted token is shown at this station now (I01). Raises StorageUnavailable."""
        if not self._assignments or live.report.protocol not in self._shown_by:
            return None
        token = authorization.token
        tariff = self.tariff_for(live.station_id, id_token, token.group_id_token if token else None)
        if tariff is None:
            return None
        display = await self._displays.of(live)
        if not tariff.texts or display.texts is False:
            return None
        if display.texts is None:
            self._displays.ask_after(live)
            return None
        texts = display.fitting(texts_at(tariff, self._clock.now()))
        return text_for(texts, token.language if token else None)


def _indexed(assignments: Iterable[TariffAssignment]) -> _Index:
    index: _Index = {}
    for one in assignments:
        keys: list[tuple[str, str | None]] = [("token", each.casefold()) for each in one.id_tokens]
        keys += [("group", each.casefold()) for each in one.group_id_tokens]
        if not keys:
            keys = [("station", each) for each in one.station_ids] or [_EVERYBODY]
        for key in keys:
            index.setdefault(key, []).append(one)
    return index
