"""A charging station's OCPP side: an engine for real hardware behind ports, and virtual stations behind the same ports.

One engine speaks 1.6 (with the messages of the security whitepaper), 2.0.1 and 2.1. The rooms:

- ``ports``: what the engine needs of hardware, time and disk; ``simulation`` is one implementation of it.
- ``facts`` and ``answers``: what the station has to say and what comes back, free of versions. A fact becomes a message
  at the moment it is sent (``wording``), so a queue survives a change of version.
- ``outbox``, ``link``, ``connectivity``: the way to the CSMS and back, queues, back-off, network profiles.
- ``dispatch`` and ``desk``: which handler answers which message of the CSMS.
- ``device_model``: components and variables; 1.6 configuration keys are views onto the same variables.
- ``blocks/<letter>_<name>``: ``service`` has the behaviour, ``v16`` and ``v2`` translate.
- ``assembly``: makes a ``Station`` of all these.

How to add a block: write ``blocks/<letter>_<name>/service.py`` (a class that takes a ``context.Context`` and the
sibling services it needs), handlers ``async def <action>(services, handling, request) -> response`` in its ``v16``
and ``v2`` modules (``v2`` serves 2.0.1 and 2.1 where they say the same), and a row for each in ``dispatch``. Work that
follows an answer is given to ``handling.after_answer``. What the block tells of itself is a fact: its struct in
``facts``, one row per version in ``wording`` (or a reason in ``wording.SILENT``), its builders beside the handlers. The
service becomes an attribute of ``services.Services`` and is made in ``make_services``.
"""

from __future__ import annotations

from voltbridge.station.assembly import Station
from voltbridge.station.configuration import ConnectorConfiguration, EvseConfiguration, StationConfiguration

__all__ = ["ConnectorConfiguration", "EvseConfiguration", "Station", "StationConfiguration"]
