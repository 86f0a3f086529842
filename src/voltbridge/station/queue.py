"""What has to reach the CSMS, however long that takes: kept in the store, in order, thinned out when too long."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import msgspec
import structlog

from voltbridge.domain.transactions import TransactionPhase
from voltbridge.station.facts import Fact, MeterFact, SecurityEventFact, TransactionFact, decode_fact, encode_fact
from voltbridge.station.ports import Store

__all__ = ["Kept", "KeptQueue", "load"]

_log = structlog.get_logger(__name__)

_PERIODIC: Final = frozenset({"MeterValuePeriodic", "MeterValueClock"})


@dataclass(slots=True, eq=False)
class Kept:
    """A fact that waits."""

    fact: Fact
    number: int | None
    """Its number in the store; None: it ends with the process."""
    ordinal: int
    """Its place among all that was told."""
    attempts: int = 0
    """Those that failed."""


class KeptQueue:
    """Facts in the order they were told."""

    __slots__ = ("_items", "_store", "in_flight")

    def __init__(self, store: Store) -> None:
        self._store = store
        self._items: deque[Kept] = deque()
        self.in_flight: Kept | None = None
        """The item being sent; it is not thinned out."""

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Kept]:
        return iter(self._items)

    @property
    def head(self) -> Kept | None:
        return self._items[0] if self._items else None

    def append(self, fact: Fact, ordinal: int, *, durable: bool = True) -> Kept:
        """Keep a fact behind all others."""
        item = Kept(fact, self._store.append(encode_fact(fact)) if durable else None, ordinal)
        self._items.append(item)
        return item

    def restore(self, item: Kept) -> None:
        """Take over what the store had from before a restart."""
        self._items.append(item)

    def remove(self, item: Kept) -> None:
        """It was told, or is given up."""
        self._items.remove(item)
        if item.number is not None:
            self._store.remove(item.number)

    def drop_oldest(self, may_go: Callable[[Fact], bool]) -> bool:
        """Drop the oldest of what may go; False when there is none."""
        for item in self._items:
            if item is not self.in_flight and may_go(item.fact):
                self.remove(item)
                return True
        return False

    def drop_repeated(self) -> str:
        """Drop the oldest of the security events that are told most often, so that a flood of one hides no other.

        Which event that was; empty when there is none.
        """
        events = Counter(item.fact.event for item in self._items if isinstance(item.fact, SecurityEventFact))
        if not events:
            return ""
        commonest = events.most_common(1)[0][0]
        self.drop_oldest(lambda fact: isinstance(fact, SecurityEventFact) and fact.event == commonest)
        return commonest

    def thin_out(self) -> int:
        """Drop every other one of what may be missed: the first, the third, the fifth (E04.FR.08, E12.FR.05).

        Readings at intervals go before other news of a transaction; starts, ends, tokens and signed values never do.
        How many were dropped.
        """
        for may_go in (_is_periodic, _is_news):
            candidates = [item for item in self._items if item is not self.in_flight and may_go(item.fact)]
            if candidates:
                dropped = {id(item): item for item in candidates[::2]}
                self._items = deque(item for item in self._items if id(item) not in dropped)
                for item in dropped.values():
                    if item.number is not None:
                        self._store.remove(item.number)
                return len(dropped)
        return 0


def _is_periodic(fact: Fact) -> bool:
    if isinstance(fact, TransactionFact):
        return _is_news(fact) and fact.trigger in _PERIODIC
    return isinstance(fact, MeterFact)


def _is_news(fact: Fact) -> bool:
    if not isinstance(fact, TransactionFact):
        return False
    says_more = fact.signed or fact.id_token is not None or fact.authorizes
    return fact.phase is TransactionPhase.UPDATED and not says_more


def load(store: Store, place: Callable[[Fact], KeptQueue]) -> int:
    """Bring back what the store kept, each fact into its queue. The ordinal of the last.

    What cannot be read any more is dropped and logged, since it would stand in the way of everything behind it.
    """
    ordinal = 0
    for number, data in store.queue():
        try:
            fact = decode_fact(data)
        except msgspec.DecodeError as error:
            _log.error("a kept fact cannot be read and is dropped", number=number, error=str(error))
            store.remove(number)
            continue
        ordinal += 1
        place(fact).restore(Kept(fact, number, ordinal))
    return ordinal
