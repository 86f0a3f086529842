"""How a case ends other than well.

Exceptions::

    Exception
    ├── StepFailed        the system under test did something else than the case wants
    ├── NotApplicable     the configuration lacks what the case needs; it did not run
    └── DriverFailed      the driver could not prepare the system under test or tell it to act
"""

from __future__ import annotations

__all__ = ["DriverFailed", "NotApplicable", "StepFailed"]


class StepFailed(Exception):
    """What was expected at which step, and what came instead.

    ``step`` is the document's number, after the name of the reusable state or stage it belongs to, such as
    ``Authorized 2``.
    """

    def __init__(self, step: str, expected: str, received: str) -> None:
        super().__init__(f"step {step}: expected {expected}; received {received}")
        self.step = step
        self.expected = expected
        self.received = received


class NotApplicable(Exception):
    """The case cannot run with this configuration; the text says why."""


class DriverFailed(Exception):
    """The system under test could not be prepared or told to act; the text says why."""
