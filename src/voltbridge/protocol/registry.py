"""Every action of every version: action name -> request, response, direction, block."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from voltbridge.protocol.actions import Action, Direction
from voltbridge.protocol.v16.registry import ACTIONS as ACTIONS_16
from voltbridge.protocol.v21.registry import ACTIONS as ACTIONS_21
from voltbridge.protocol.v201.registry import ACTIONS as ACTIONS_201
from voltbridge.protocol.versions import Version

__all__ = ["Action", "Direction", "actions"]

_ACTIONS: Final[Mapping[Version, Mapping[str, Action]]] = MappingProxyType(
    {Version.V16: ACTIONS_16, Version.V201: ACTIONS_201, Version.V21: ACTIONS_21}
)


def actions(version: Version) -> Mapping[str, Action]:
    """The actions of a version by their name on the wire."""
    return _ACTIONS[version]
