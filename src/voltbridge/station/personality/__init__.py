"""Personalities of stations, and the quirks of the field: deviations as data, all of them in one place on the wire.

- ``quirk``: what a quirk is; ``transactions``, ``states``, ``meter``, ``times``, ``replies`` and ``wording`` are those
  there are; ``catalogue`` names them.
- ``manner``: where they act, between a link and its wire. A station without quirks has none of this.
- ``personality``: the file that puts identity, hardware, presets, what is lacking and quirks together.

How to add a quirk: a class in the module of its theme, with a first line that people understand; a row in
``catalogue``; a test that shows it on the wire (a test finds quirks without one).
"""

from __future__ import annotations

from voltbridge.station.personality.catalogue import QUIRKS
from voltbridge.station.personality.features import FEATURES
from voltbridge.station.personality.personality import Personality, built_in, find_personality, read_personality

__all__ = ["FEATURES", "QUIRKS", "Personality", "built_in", "find_personality", "read_personality"]
