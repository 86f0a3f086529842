"""What can go wrong with the nouns of the domain, whatever stores or shows them."""

from __future__ import annotations

__all__ = ["AlreadyExists", "InUse", "InvalidValue", "NotFound", "NotStorable", "SchemaTooNew", "StorageUnavailable"]


class AlreadyExists(Exception):
    """Something with this identity is there already. ``noun`` is ``station`` or ``token``."""

    def __init__(self, noun: str, key: str) -> None:
        super().__init__(f"{noun} {key} exists already")
        self.noun = noun
        self.key = key


class InUse(Exception):
    """Something cannot be forgotten while something else, ``user``, rests on it."""

    def __init__(self, noun: str, key: str, user: str) -> None:
        super().__init__(f"{noun} {key} is in use by {user}")
        self.noun = noun
        self.key = key
        self.user = user


class InvalidValue(ValueError):
    """A value that somebody chose cannot be used. ``problem`` continues a sentence that begins with ``field``."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field} {problem}")
        self.field = field
        self.problem = problem


class NotFound(Exception):
    """Nothing with this identity is known."""

    def __init__(self, noun: str, key: str) -> None:
        super().__init__(f"there is no {noun} {key}")
        self.noun = noun
        self.key = key


class StorageUnavailable(Exception):
    """What was put could not be made durable, or could not be read; a peer must be told to come again."""


class NotStorable(StorageUnavailable):
    """What was put can never be kept as it is, such as a text with a NUL; to come again with the same is no use."""


class SchemaTooNew(Exception):
    """The database was written by a newer release; the message is one sentence that says what to do."""
