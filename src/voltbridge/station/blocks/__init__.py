"""The functional blocks of a station, by the letters of OCPP 2.x.

``service`` has a block's behaviour and knows no version. ``v16`` and ``v2`` translate; ``v2`` serves 2.0.1 and 2.1
where these say the same, and takes the messages of the version spoken from ``words.messages``.
"""

from __future__ import annotations

__all__: list[str] = []
