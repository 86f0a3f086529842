"""Wrong CALLERRORs for the cases about requests that charge points of 1.6 cannot accept."""

from __future__ import annotations

from tests.conformance.station.tamper import Wrong

from voltbridge.conformance.station.cases_16.schema import REQUESTS

__all__ = ["WRONG"]


def _errors(action: str, *numbers: int) -> tuple[Wrong, ...]:
    """The spelling of 2.x, and an error that says nothing."""
    codes = ("OccurrenceConstraintViolation", "InternalError", "GenericError")
    return tuple(
        Wrong(f"{action}Error", "code", code, nth=number) for code, number in zip(codes, numbers, strict=False)
    )


WRONG: dict[str, tuple[Wrong, ...]] = {
    **{f"TC16_{block}_{action}_Schema_CS": _errors(action, 0, 1) for action, (block, _, _) in REQUESTS.items()},
    "TC16_B_Unknown_Action_CS": (
        *_errors("VoltbridgeNoSuchAction", 0),
        *_errors("Heartbeat", 0),
        *_errors("RequestStartTransaction", 0),
    ),
    "TC16_B_GetConfiguration_Schema_CS": _errors("GetConfiguration", 0, 1, 2),
    "TC16_B_Lengths_Text_CS": (
        *_errors("ChangeConfiguration", 0, 1),
        *_errors("RemoteStartTransaction", 0),
        Wrong("ChangeConfigurationResponse", "status", "Rejected"),
        Wrong("RemoteStartTransactionResponse", "status", "Accepted"),
    ),
}
