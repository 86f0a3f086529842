"""The cost of transactions as their messages come. Nothing here waits or reads the storage.

A transaction has the tariff of the first message that told of it, and settles for its driver's once its token is told;
from then on the tariff stays what it was (I06, remarks). The running cost is that of the latest message; between
messages it goes on by our clock.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from voltbridge.csms.blocks.e_transactions.memory import meter_of, running_on
from voltbridge.csms.blocks.e_transactions.ports import CostAnswer
from voltbridge.csms.blocks.i_tariff_and_cost.displays import Displays
from voltbridge.csms.blocks.i_tariff_and_cost.service import TariffService
from voltbridge.csms.blocks.i_tariff_and_cost.updates import CostUpdates
from voltbridge.csms.events import EventLog
from voltbridge.csms.journal import Journal
from voltbridge.domain.clock import Clock
from voltbridge.domain.cost import Cost
from voltbridge.domain.cost_facts import CostFacts
from voltbridge.domain.evses import ConnectorStatus
from voltbridge.domain.meter_records import milliseconds
from voltbridge.domain.metering import MeterValue
from voltbridge.domain.stations import LiveMeter, LiveStation
from voltbridge.domain.tariffs import Tariff, TariffText, text_for, texts_at
from voltbridge.domain.tokens import Authorization
from voltbridge.domain.transaction_cost import CHARGING_STATES, cost_at, costed, take_update
from voltbridge.domain.transactions import Transaction, TransactionPhase, TransactionState, TransactionUpdate
from voltbridge.protocol.datetimes import DateTime

__all__ = ["TransactionCosts", "shown_cost"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class TransactionCosts:
    """Prices transactions; the ``Costs`` of block E."""

    def __init__(
        self,
        tariffs: TariffService,
        displays: Displays,
        updates: CostUpdates,
        journal: Journal,
        events: EventLog,
        clock: Clock,
    ) -> None:
        self._tariffs = tariffs
        self._displays = displays
        self._updates = updates
        self._journal = journal
        self._events = events
        self._clock = clock
        updates.total_by(self.running_total)

    def take(
        self,
        live: LiveStation,
        before: Transaction | None,
        after: Transaction,
        meter: LiveMeter,
        update: TransactionUpdate,
        authorization: Authorization | None,
    ) -> Transaction:
        """``after`` with its tariff and its cost."""
        if before is None or (before.id_token is None and after.id_token is not None):
            after = self._with_tariff(live, after, meter, authorization)
        if meter.cost is None:
            return after
        take_update(meter.cost, update)
        self._heard(live, after, meter)
        return costed(after, meter.cost)

    def read(
        self, live: LiveStation, transaction: Transaction, meter: LiveMeter, at_ms: int, meter_value: MeterValue
    ) -> None:
        """Readings of a transaction came outside of its own messages."""
        if meter.cost is not None:
            meter.cost.take_values(at_ms, meter_value.values)
            self._heard(live, transaction, meter)

    def status(self, live: LiveStation, evse_id: int, status: ConnectorStatus, at: datetime) -> None:
        """A connector's status came, which tells the charging state where transactions do not."""
        state = CHARGING_STATES.get(status)
        transaction = running_on(live, evse_id) if state is not None and evse_id else None
        if state is None or transaction is None:
            return
        meter = meter_of(live, transaction)
        if meter.cost is None:
            return
        meter.cost.take_status(milliseconds(at), state)
        after = costed(transaction, meter.cost)
        if after is not transaction:
            self._journal.put(after)
            live.transactions[after.transaction_id] = after

    def answer(
        self, live: LiveStation, transaction: Transaction, meter: LiveMeter, update: TransactionUpdate
    ) -> CostAnswer | None:
        """What the answer to an update tells (I02, I03, I06)."""
        tariff, cost = transaction.tariff, transaction.cost
        if tariff is None or cost is None or meter.cost is None:
            return None
        over = update.phase is TransactionPhase.ENDED
        total = cost.total if over or tariff.cost_in_responses else None
        if not self._updates.takes_costs(live, tariff.currency, self._displays.at_hand(live)):
            total = None
        if total is not None:
            self._updates.told(transaction.id, total)
        texts = self._new_texts(live, tariff, meter, meter.cost, transaction, update)
        return CostAnswer(total, texts)

    def tell(self, before: Transaction | None, after: Transaction) -> None:
        """Tell of a cost that is final now, or was corrected."""
        cost, former = after.cost, before.cost if before is not None else None
        if cost is None or not cost.final:
            return
        self._updates.over(after.id)
        about = {"id": str(after.id), "transaction_id": after.transaction_id, "cost": shown_cost(cost)}
        if former is None or not former.final:
            self._events.emit("transaction.costed", after.station_id, **about)
        elif former.total != cost.total:
            self._events.emit("transaction.cost_corrected", after.station_id, **about, former_total=_text(former.total))

    def as_now(self, transaction: Transaction, meter: LiveMeter) -> Transaction:
        """A running transaction with its cost until now."""
        if meter.cost is None or transaction.state is not TransactionState.ACTIVE:
            return transaction
        return replace(transaction, cost=cost_at(transaction, meter.cost, self._now(meter, meter.cost)))

    def running_total(self, live: LiveStation, transaction: Transaction) -> Decimal | None:
        """What a running transaction has cost until now; None where it is not to be told."""
        meter = meter_of(live, transaction)
        tariff = transaction.tariff
        if meter.cost is None or tariff is None:
            return None
        if not self._updates.takes_costs(live, tariff.currency, self._displays.at_hand(live)):
            return None
        energy = meter.readings.result(finished=False)
        now = replace(transaction, energy_wh=energy.wh)
        return cost_at(now, meter.cost, self._now(meter, meter.cost)).total

    def _with_tariff(
        self, live: LiveStation, transaction: Transaction, meter: LiveMeter, authorization: Authorization | None
    ) -> Transaction:
        token = authorization.token if authorization is not None else None
        group = token.group_id_token if token is not None else None
        tariff = self._tariffs.tariff_for(live.station_id, transaction.id_token, group)
        if tariff is None or tariff == transaction.tariff:
            if meter.cost is not None and token is not None:
                meter.cost.language = token.language
            return transaction
        kept = meter.cost.keep() if meter.cost is not None else None
        meter.cost = CostFacts(tariff, kept)
        meter.cost.language = token.language if token is not None else None
        if kept is None:
            self._take_present_status(live, transaction, meter.cost)
        return replace(transaction, tariff=tariff, cost=None)

    def _take_present_status(self, live: LiveStation, transaction: Transaction, facts: CostFacts) -> None:
        """Chargers may tell that a connector is charging before they tell of the transaction."""
        connector = live.connectors.get((transaction.evse_id or 0, transaction.connector_id or 0))
        state = CHARGING_STATES.get(connector.status) if connector is not None else None
        if connector is not None and state is not None:
            since = max(connector.status_at, transaction.started_at or transaction.created_at)
            facts.take_status(milliseconds(since), state)

    def _heard(self, live: LiveStation, transaction: Transaction, meter: LiveMeter) -> None:
        meter.heard_at = self._clock.monotonic()
        tariff = transaction.tariff
        if tariff is not None and transaction.state is TransactionState.ACTIVE and tariff.cost_update_interval_s:
            self._updates.running(live, transaction, tariff.cost_update_interval_s)

    def _now(self, meter: LiveMeter, facts: CostFacts) -> datetime:
        """The moment by the station's clock, as far as its messages tell it."""
        latest = _EPOCH + timedelta(milliseconds=facts.latest_ms or 0)
        if meter.heard_at is None:
            return latest
        return latest + timedelta(seconds=self._clock.monotonic() - meter.heard_at)

    def _new_texts(
        self,
        live: LiveStation,
        tariff: Tariff,
        meter: LiveMeter,
        facts: CostFacts,
        transaction: Transaction,
        update: TransactionUpdate,
    ) -> tuple[TariffText, ...]:
        """I06.FR.01, I06.FR.02: the texts that hold now, where the one shown last no longer does."""
        display = self._displays.at_hand(live)
        if not tariff.texts or not display.texts:
            return ()
        texts = display.fitting(texts_at(tariff, update.at))
        text = text_for(texts, facts.language)
        content = text.content if text is not None else None
        if update.id_token is not None:
            # The answer's information about the token has the text.
            meter.shown = content
            return ()
        if meter.shown is None:
            first = text_for(display.fitting(texts_at(tariff, transaction.started_at or update.at)), facts.language)
            meter.shown = first.content if first is not None else None
        if update.phase is not TransactionPhase.UPDATED or text is None or content == meter.shown:
            return ()
        meter.shown = content
        return (text, *(other for other in texts if other is not text))


def shown_cost(cost: Cost) -> dict[str, Any]:
    """A cost as data of an event: amounts as texts, so that none is rounded on the way."""
    return {
        "tariff_id": cost.tariff_id,
        "currency": cost.currency,
        "total": _text(cost.total),
        "total_excl_tax": _text(cost.total_excl_tax),
        "final": cost.final,
        "as_of": str(DateTime.of(cost.as_of)),
        "problems": list(cost.problems),
        "note": cost.note,
    }


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else str(amount)
