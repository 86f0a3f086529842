"""What local lists ask of the storage, the stations and the device model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from voltbridge.domain.device_model import Attribute, ReadResult, StationVariable
from voltbridge.domain.local_lists import ListChange, LocalList, LocalListState
from voltbridge.domain.paging import Page, PageRequest
from voltbridge.domain.stations import LiveStation, Station
from voltbridge.domain.tokens import Token, TokenFilter
from voltbridge.protocol.structs import Payload
from voltbridge.protocol.versions import Version

__all__ = ["Calls", "Connected", "KnownStations", "ListBook", "ListWords", "TokenBook", "Variables"]


class ListBook(Protocol):
    """Stations' lists. All raise StorageUnavailable."""

    async def get(self, station_id: str) -> LocalList | None: ...

    async def entries(self, station_id: str) -> Sequence[Token]:
        """The tokens that the station has, as it was told of them."""

    async def list(self, state: LocalListState | None, page: PageRequest) -> Page[LocalList]:
        """In the order of the stations. Raises InvalidCursor."""

    async def up_to_date(self) -> Sequence[LocalList]:
        """All lists that are Current."""

    async def mark_stale(self, station_id: str) -> bool:
        """Make a list that is Current stale; whether it was Current."""

    async def put(self, one: LocalList, entries: Sequence[Token] | None = None) -> bool:
        """Add or replace it; its tokens too unless ``entries`` is None. Whether it was added."""

    async def delete(self, station_id: str) -> bool:
        """Whether there was one."""


class TokenBook(Protocol):
    """The operator's tokens."""

    async def list(self, wanted: TokenFilter, page: PageRequest) -> Page[Token]: ...


class KnownStations(Protocol):
    """All stations."""

    async def get(self, station_id: str) -> Station | None: ...


class Connected(Protocol):
    """The stations connected now."""

    def get(self, station_id: str) -> LiveStation | None: ...


class Calls(Protocol):
    """The door to the stations."""

    async def call(
        self, station: LiveStation | str, version: Version, request: Payload, timeout_s: float | None = None
    ) -> Payload:
        """The response. Raises a CallFailed."""


class Variables(Protocol):
    """The device model, for the limits that stations have."""

    async def known(self, station_id: str, attributes: Sequence[Attribute]) -> Mapping[str, StationVariable]:
        """By the attributes' keys."""

    async def read_by(self, live: LiveStation, call: Any, attributes: Sequence[Attribute]) -> Sequence[ReadResult]: ...


class ListWords(Protocol):
    """How one version says it; a module is one."""

    @property
    def ITEMS(self) -> Attribute:  # noqa: N802 - a constant of the module
        """How many tokens one message may bring."""

    @property
    def BYTES(self) -> Attribute | None:  # noqa: N802
        """How large one message may be."""

    @property
    def ENTRIES(self) -> Attribute:  # noqa: N802
        """How many tokens the list may have: the value, or its upper limit where the value is how many it has."""

    def key(self, token: Token) -> str | None:
        """What tells tokens of one list apart; None for a token that the version cannot have in a list."""

    def version_request(self) -> Payload: ...

    def version_of(self, response: Any) -> int | None:
        """The version that the station has, 0 for no list; None: it has no such thing as lists."""

    def send_request(self, version: int, full: bool, changes: Sequence[ListChange]) -> Payload: ...

    def send_answer(self, response: Any) -> tuple[str, str | None]:
        """The status and the reason given."""
