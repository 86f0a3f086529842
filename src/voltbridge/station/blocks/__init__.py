"""The functional blocks of a station, by the letters of OCPP 2.x.

``service`` has a block's behaviour. ``v16`` and ``v2`` translate; ``v2`` serves 2.0.1 and 2.1 where these say the same,
and takes the messages of the version spoken from ``words.messages``. What a version has a station do otherwise, not
only say otherwise, is asked of ``context.version`` in a few places of C, E, I and K.
"""

from __future__ import annotations

__all__: list[str] = []
