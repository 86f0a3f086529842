"""How long one recomputation of a large site's shares takes: 500 charging EVSEs under a tree of 151 fuses.

``python -m benches.planning`` prints one line of JSON with the median and the longest of the rounds, in milliseconds.
"""

from __future__ import annotations

import json
import statistics
import time

from voltbridge.domain.site_load import PHASES, Fuse, Outlet, OutletState, Site, changes, check_site

__all__ = ["main"]

_ROUNDS = 25


def main() -> None:
    """Measure and print."""
    site = _site()
    check_site(site)
    states = {
        outlet.key: OutletState(charging=True, reachable=True, granted_ma=None, since=index)
        for index, outlet in enumerate(site.outlets)
    }
    taken = []
    for _ in range(_ROUNDS):
        began = time.perf_counter()
        changes(site, states, {})
        taken.append((time.perf_counter() - began) * 1000)
    print(json.dumps({"median_ms": round(statistics.median(taken), 1), "longest_ms": round(max(taken), 1)}))


def _site() -> Site:
    fuses = [_fuse("main", 2000)]
    for row in range(25):
        fuses.append(_fuse(f"R{row}", 200, "main"))
        fuses.extend(_fuse(f"R{row}C{column}", 63, f"R{row}") for column in range(5))
    outlets = tuple(
        Outlet(
            f"CS{number}",
            1,
            f"R{number // 20}C{number % 5}",
            32_000,
            phases=PHASES if number % 3 else (number % 3 + 1,),
        )
        for number in range(500)
    )
    return Site("S", tuple(fuses), outlets)


def _fuse(id: str, amperes: int, parent_id: str | None = None) -> Fuse:
    return Fuse(id, (amperes * 1000,) * 3, parent_id)


if __name__ == "__main__":
    main()
