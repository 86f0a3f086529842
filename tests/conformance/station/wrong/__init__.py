"""For each case, the wrong values its validations have to catch; one module per module of cases."""

from __future__ import annotations

import importlib
import pkgutil

from tests.conformance.station.tamper import Wrong

__all__ = ["WRONG"]

WRONG: dict[str, tuple[Wrong, ...]] = {}
"""By case id."""

for _module in pkgutil.iter_modules(__path__):
    WRONG.update(importlib.import_module(f"{__name__}.{_module.name}").WRONG)
