"""Authorization, transactions and meter values put together over in-memory stores, driven by the wire's JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from tests.csms.fakes import START, FakeConnected, FakeJournal, World

from voltbridge.csms.blocks.c_authorization import v16 as c16
from voltbridge.csms.blocks.c_authorization import v21 as c21
from voltbridge.csms.blocks.c_authorization import v201 as c201
from voltbridge.csms.blocks.c_authorization.service import AuthorizationService
from voltbridge.csms.blocks.e_transactions import v16 as e16
from voltbridge.csms.blocks.e_transactions import v21 as e21
from voltbridge.csms.blocks.e_transactions import v201 as e201
from voltbridge.csms.blocks.e_transactions.service import TransactionService
from voltbridge.csms.blocks.j_meter_values import v16 as j16
from voltbridge.csms.blocks.j_meter_values import v21 as j21
from voltbridge.csms.blocks.j_meter_values import v201 as j201
from voltbridge.csms.blocks.j_meter_values.service import MeterValueService
from voltbridge.domain.errors import NotFound
from voltbridge.domain.metering import MeterRecord, MeterValue
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.stations import LiveStation, RegistrationStatus, StationReport, StationSettings
from voltbridge.domain.tokens import Token, TokenFilter
from voltbridge.domain.transactions import Transaction, TransactionFilter, TransactionState
from voltbridge.protocol.codec import decode, encode_checked
from voltbridge.protocol.registry import actions
from voltbridge.protocol.versions import Version

__all__ = ["V16", "V21", "V201", "Charging", "FakeTokens", "FakeTransactions", "contents", "stamp"]

V16, V201, V21 = Version.V16, Version.V201, Version.V21

_HANDLERS: dict[tuple[Version, str], tuple[Any, str]] = {
    (V16, "Authorize"): (c16.authorize, "authorization"),
    (V201, "Authorize"): (c201.authorize, "authorization"),
    (V21, "Authorize"): (c21.authorize, "authorization"),
    (V16, "StartTransaction"): (e16.start_transaction, "transactions"),
    (V16, "StopTransaction"): (e16.stop_transaction, "transactions"),
    (V201, "TransactionEvent"): (e201.transaction_event, "transactions"),
    (V21, "TransactionEvent"): (e21.transaction_event, "transactions"),
    (V16, "MeterValues"): (j16.meter_values, "meter_values"),
    (V201, "MeterValues"): (j201.meter_values, "meter_values"),
    (V21, "MeterValues"): (j21.meter_values, "meter_values"),
}


def stamp(minute: float) -> str:
    """The wire's text for so many minutes after the tests' start of time."""
    return (START + timedelta(minutes=minute)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class FakeTokens:
    """The operator's tokens."""

    def __init__(self) -> None:
        self.tokens: dict[tuple[str, str], Token] = {}

    async def get(self, id_token: str, type: str | None = None) -> Token | None:
        found = [token for (key, kind), token in sorted(self.tokens.items()) if key == id_token.casefold()]
        return next((token for token in found if type is None or token.type == type), None)

    async def put(self, token: Token) -> bool:
        added = (token.key, token.type) not in self.tokens
        self.tokens[token.key, token.type] = token
        return added

    async def delete(self, id_token: str, type: str) -> None:
        if self.tokens.pop((id_token.casefold(), type), None) is None:
            raise NotFound("token", f"{type}/{id_token}")

    async def list(self, wanted: TokenFilter, page: PageRequest) -> Page[Token]:
        return Page(tuple(token for _, token in sorted(self.tokens.items())))


class FakeTransactions:
    """What the journal was given, read back."""

    def __init__(self, journal: FakeJournal) -> None:
        self._journal = journal
        self.next_number = 1
        self.reads = 0

    def all(self) -> list[Transaction]:
        """Each transaction as it was put last, newest first."""
        newest = {each.id: each for each in self._journal.of(Transaction)}
        return sorted(newest.values(), key=lambda each: each.id, reverse=True)

    async def get(self, id: int) -> Transaction | None:
        return next((each for each in self.all() if each.id == id), None)

    async def find(self, station_id: str, transaction_id: str) -> Transaction | None:
        self.reads += 1
        found = [each for each in self.all() if (each.station_id, each.transaction_id) == (station_id, transaction_id)]
        return found[0] if found else None

    async def find_start(
        self, station_id: str, evse_id: int, started_at: datetime, token_key: str | None, meter_start_wh: float | None
    ) -> Transaction | None:
        for each in self.all():
            if (
                (each.station_id, each.evse_id, each.started_at) == (station_id, evse_id, started_at)
                and (each.id_token and each.id_token.key) == token_key
                and (meter_start_wh is None or (each.first_reading and each.first_reading.wh == meter_start_wh))
            ):
                return each
        return None

    async def newest_samples(self) -> dict[int, Sequence[MeterValue]]:
        found = [await self.samples(each.id, PageRequest(1000)) for each in self.all()]
        return {each.id: page.items[-3:] for each, page in zip(self.all(), found, strict=True)}

    async def open_with_token(self, token_key: str, group_id_token: str | None = None) -> list[Transaction]:
        return [
            each
            for each in self.all()
            if each.state is TransactionState.ACTIVE and each.id_token is not None and each.id_token.key == token_key
        ]

    async def list(self, wanted: TransactionFilter, page: PageRequest) -> Page[Transaction]:
        found = [
            each
            for each in self.all()
            if wanted.station_id in (None, each.station_id) and wanted.state in (None, each.state)
        ]
        return Page(tuple(found[: page.limit]))

    async def samples(self, id: int, page: PageRequest) -> Page[MeterValue]:
        found = {(each.at_ms, each.key): each for each in self._journal.of(MeterRecord) if each.transaction_id == id}
        return Page(
            tuple(
                MeterValue(datetime.fromtimestamp(at_ms / 1000, START.tzinfo), each.values)
                for (at_ms, _), each in sorted(found.items())
            )
        )

    async def next_transaction_numbers(self, count: int) -> range:
        numbers = range(self.next_number, self.next_number + count)
        self.next_number += count
        return numbers


@dataclass
class Charging:
    """The services of blocks C, E and J."""

    world: World = field(default_factory=World)
    tokens: FakeTokens = field(default_factory=FakeTokens)
    connected: FakeConnected = field(default_factory=FakeConnected)
    book: FakeTransactions = field(init=False)
    authorization: AuthorizationService = field(init=False)
    transactions: TransactionService = field(init=False)
    meter_values: MeterValueService = field(init=False)

    def __post_init__(self) -> None:
        world = self.world
        self.book = FakeTransactions(world.journal)
        self.restart()

    def restart(self) -> None:
        """Begin with empty memory and the same storage."""
        world = self.world
        self.authorization = AuthorizationService(self.tokens, self.book, world.events, world.clock)
        self.transactions = TransactionService(
            self.book, self.authorization, self.connected, world.journal, world.events, world.ids, world.clock
        )
        self.meter_values = MeterValueService(self.transactions, world.journal, world.events)
        for station_id in self.connected.stations:
            self.connect(station_id)

    def connect(self, station_id: str = "CP1") -> LiveStation:
        """A station connects; what is active is loaded from the storage."""
        live = LiveStation(
            station_id,
            StationSettings(station_id, RegistrationStatus.ACCEPTED, START),
            StationReport(station_id),
            registered=RegistrationStatus.ACCEPTED,
            transactions={
                each.transaction_id: each
                for each in reversed(self.book.all())
                if each.station_id == station_id and each.state is TransactionState.ACTIVE
            },
        )
        self.connected.stations[station_id] = live
        return live

    async def token(self, id_token: str, **fields: Any) -> Token:
        """Add a token."""
        return await self.authorization.create(id_token=id_token, **fields)

    async def send(self, live: LiveStation, version: Version, action: str, **payload: Any) -> dict[str, Any]:
        """A station's message by its JSON, and the answer's JSON; both held to the schema."""
        handler, service = _HANDLERS[version, action]
        request = decode(actions(version)[action].request, json.dumps(payload))
        response = await handler(getattr(self, service), live, request)
        answer: dict[str, Any] = json.loads(encode_checked(response))
        return answer

    def stored(self) -> list[Transaction]:
        """Transactions as stored, oldest first."""
        return list(reversed(self.book.all()))

    async def shown(self) -> list[Transaction]:
        """Transactions as the operator sees them, oldest first."""
        page = await self.transactions.list(TransactionFilter(), PageRequest(limit=1000))
        return list(reversed(page.items))

    def records(self) -> list[MeterRecord]:
        """Meter values as stored: a repeated one once."""
        rows = {(each.station_id, each.at_ms, each.key): each for each in reversed(self.world.journal.of(MeterRecord))}
        return sorted(rows.values(), key=lambda each: (each.station_id, each.at_ms, each.key))


def contents(transactions: Iterable[Transaction]) -> list[Transaction]:
    """Transactions without what tells of the arrival, and without our own ids."""
    return sorted(
        (replace(each, id=0, created_at=START, updated_at=START, superseded_by=None) for each in transactions),
        key=lambda each: (each.station_id, each.transaction_id),
    )
