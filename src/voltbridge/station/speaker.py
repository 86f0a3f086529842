"""What a translator knows of the station it words facts for: who it is, and the numbers 1.6 gives to its parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from voltbridge.station.configuration import StationConfiguration
from voltbridge.station.ports import Store

__all__ = ["Speaker"]

_NAMESPACE: Final = "transaction-numbers"


class Speaker:
    """The station as its translators see it."""

    __slots__ = ("_numbers", "_store", "configuration")

    def __init__(self, configuration: StationConfiguration, store: Store) -> None:
        self.configuration = configuration
        self._store = store
        self._numbers = {key: int(value) for key, value in store.all(_NAMESPACE).items()}

    @property
    def transaction_numbers(self) -> Mapping[str, int]:
        """The numbers that a CSMS of 1.6 gave to our transactions."""
        return self._numbers

    def note_number(self, key: str, number: int) -> None:
        """The CSMS has numbered a transaction."""
        self._numbers[key] = number
        self._store.put(_NAMESPACE, key, str(number).encode())

    def forget_number(self, key: str) -> None:
        """The transaction has ended and its end was told."""
        if self._numbers.pop(key, None) is not None:
            self._store.delete(_NAMESPACE, key)

    def key_of(self, number: int) -> str | None:
        """Which of our transactions a number of 1.6 means."""
        return next((key for key, given in self._numbers.items() if given == number), None)
