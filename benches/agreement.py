"""Whether a CSMS has what the stations' meters counted: each transaction once, each watt-hour in exactly one of them.

Three witnesses: the CSMS by its API, the stations by what they kept on disk, and the line in between by which
transactions were told. Energy flows in transactions only, so those of one EVSE, laid end to end from the first reading
to the last, have to cover its register without a gap and without an overlap.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

__all__ = ["Agreement", "compare", "meters_of", "queued_in"]

_SHOWN: Final = 20


@dataclass(slots=True)
class Agreement:
    """What the comparison found."""

    transactions: int = 0
    energy_wh: float = 0.0
    metered_wh: float = 0.0
    lost: int = 0
    doubled: int = 0
    differing: int = 0
    """Transactions, or EVSEs, whose energy is not what the meter says."""
    unfinished: int = 0
    doubted: int = 0
    """Transactions in whose times the CSMS found something odd, as where a clock was set meanwhile. No loss."""
    problems: list[str] = field(default_factory=list)
    """The first ones, in words."""

    @property
    def holds(self) -> bool:
        """Nothing is lost, nothing is there twice, no energy differs."""
        return not (self.lost or self.doubled or self.differing or self.unfinished)

    def tell(self, problem: str) -> None:
        if len(self.problems) < _SHOWN:
            self.problems.append(problem)


def compare(
    transactions: Iterable[dict[str, Any]], meters: Mapping[tuple[str, int], float], told: Mapping[str, set[str]]
) -> Agreement:
    """``transactions`` as the API shows them, ``meters`` by station and EVSE, ``told`` on the line by station."""
    found = Agreement(metered_wh=sum(meters.values()))
    by_evse: dict[tuple[str, int], list[dict[str, Any]]] = {place: [] for place in meters}
    names: Counter[tuple[str, str]] = Counter()
    for one in transactions:
        names[one["station_id"], one["transaction_id"]] += 1
        by_evse.setdefault((one["station_id"], one["evse_id"]), []).append(one)
        found.transactions += 1
    for (station, name), times in names.items():
        if times > 1 or name not in told.get(station, ()):
            found.doubled += 1
            found.tell(f"{station}: {name} is there {times} times, told: {name in told.get(station, ())}")
    for station, all_told in told.items():
        for name in all_told:
            if not names[station, name]:
                found.lost += 1
                found.tell(f"{station}: {name} was told and is not there")
    for place, there in by_evse.items():
        _one_evse(found, place, there, meters.get(place))
    return found


def _one_evse(
    found: Agreement, place: tuple[str, int], transactions: list[dict[str, Any]], register_wh: float | None
) -> None:
    reached = 0.0
    for one in sorted(transactions, key=lambda one: (one["meter_last_wh"] or 0.0, one["meter_start_wh"] or 0.0)):
        name = f"{place[0]}/{place[1]}: {one['transaction_id']}"
        first, last, energy = one["meter_start_wh"], one["meter_last_wh"], one["energy_wh"]
        if one["state"] != "Ended" or one["missing_sequences"]:
            found.unfinished += 1
            found.tell(f"{name} {one['state']}, missing {one['missing_sequences']}")
        if one["energy_problems"]:
            found.doubted += 1
            found.tell(f"{name}: {one['energy_problems']}")
        if first is None or last is None or energy != last - first or first != reached:
            found.differing += 1
            found.tell(f"{name} has {energy} Wh from {first} to {last}, the one before ended at {reached}")
        reached = last if last is not None else reached
        found.energy_wh += energy or 0.0
    if reached != register_wh:
        found.differing += 1
        found.tell(f"{place[0]}/{place[1]}: the last transaction ends at {reached} Wh, the meter at {register_wh}")


def meters_of(folder: Path) -> dict[tuple[str, int], float]:
    """The registers of all EVSEs, from the files of a fleet that has ended."""
    rows = _read(folder, "SELECT station, key, CAST(value AS TEXT) FROM document WHERE namespace = 'virtual-meters'")
    return {(station, int(evse_id)): float(register) for station, evse_id, register in rows}


def queued_in(folder: Path) -> int:
    """How many facts of transactions stations of a fleet that has ended have still to tell."""
    told_later = 'CAST(item AS TEXT) LIKE \'%"type":"SecurityEventFact"%\''
    return sum(count for (count,) in _read(folder, f"SELECT count(*) FROM queue WHERE NOT {told_later}"))


def _read(folder: Path, question: str) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    for path in sorted(folder.glob("stations*.db")):
        with closing(sqlite3.connect(path)) as connection:
            rows += connection.execute(question).fetchall()
    return rows
