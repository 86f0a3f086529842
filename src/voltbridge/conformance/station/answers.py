"""What the kit's CSMS answers to what a station sends, unless a case says otherwise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, Literal

from voltbridge.conformance.configuration import Configuration, Token
from voltbridge.domain.clock import Clock
from voltbridge.protocol.datetimes import DateTime

__all__ = ["SILENCE", "Answer", "Answers", "Refusal", "Reply", "Silence"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A CALLERROR with this code."""

    code: str


class Silence(Enum):
    """The type of ``SILENCE``."""

    SILENCE = "silence"


SILENCE: Final[Literal[Silence.SILENCE]] = Silence.SILENCE
"""No answer at all."""

Answer = Mapping[str, Any] | Refusal | Silence
Reply = Answer | Callable[[Mapping[str, Any]], Answer]
"""An answer, or how it is made from the request."""


@dataclass(slots=True)
class Answers:
    """By action. A case sets what is answered from now on, or only the next few times."""

    configuration: Configuration
    clock: Clock
    _standing: dict[str, Reply] = field(default_factory=dict)
    _next: dict[str, list[Reply]] = field(default_factory=dict)
    statuses: dict[str, str] = field(default_factory=dict)
    """AuthorizationStatus by idToken, where it is another one than the configuration says."""
    groups: dict[str, Token] = field(default_factory=dict)
    """By idToken, the group told with it."""
    transactions: int = 0
    """How many transactions of 1.6 have begun; their numbers count up."""

    def always(self, action: str, reply: Reply) -> None:
        """Answer so from now on."""
        self._standing[action] = reply

    def once(self, action: str, *replies: Reply) -> None:
        """Answer so the next times, one each; then as before."""
        self._next.setdefault(action, []).extend(replies)

    def usual(self, action: str) -> None:
        """Answer as the kit does by itself again."""
        self._standing.pop(action, None)
        self._next.pop(action, None)

    def reset(self) -> None:
        """Answer everything as the kit does by itself."""
        self._standing.clear()
        self._next.clear()
        self.statuses.clear()
        self.groups.clear()

    def to(self, action: str, request: Mapping[str, Any]) -> Answer:
        """The answer to a request."""
        waiting = self._next.get(action)
        reply: Reply | None = waiting.pop(0) if waiting else self._standing.get(action)
        if reply is None:
            return self._own(action, request)
        return reply(request) if callable(reply) else reply

    def token_info(self, id_token: str) -> dict[str, Any]:
        """IdTokenInfo of a token."""
        tokens = self.configuration.tokens
        known = {
            tokens.valid.id_token: "Accepted",
            tokens.valid2.id_token: "Accepted",
            tokens.master_pass.id_token: "Accepted",
            tokens.invalid.id_token: "Invalid",
            tokens.blocked.id_token: "Blocked",
            tokens.expired.id_token: "Expired",
        }
        info: dict[str, Any] = {"status": self.statuses.get(id_token, known.get(id_token, "Unknown"))}
        if id_token in self.groups:
            info["groupIdToken"] = self.groups[id_token].wire
        return info

    def id_tag_info(self, id_tag: str) -> dict[str, Any]:
        """IdTagInfo of an idTag (1.6), which has fewer statuses."""
        info = self.token_info(id_tag)
        status = info["status"]
        told: dict[str, Any] = {"status": "Invalid" if status == "Unknown" else status}
        if id_tag in self.groups:
            told["parentIdTag"] = self.groups[id_tag].id_token
        return told

    def _own(self, action: str, request: Mapping[str, Any]) -> Answer:
        match action:
            case "BootNotification":
                return {
                    "currentTime": self._now(),
                    "interval": self.configuration.heartbeat_interval_s,
                    "status": "Accepted",
                }
            case "Heartbeat":
                return {"currentTime": self._now()}
            case "Authorize" if "idTag" in request:
                return {"idTagInfo": self.id_tag_info(request["idTag"])}
            case "StartTransaction":
                self.transactions += 1
                return {"transactionId": self.transactions, "idTagInfo": self.id_tag_info(request["idTag"])}
            case "StopTransaction":
                return {"idTagInfo": self.id_tag_info(request["idTag"])} if "idTag" in request else {}
            case "Authorize" if "idToken" in request:
                token = request["idToken"]
                if isinstance(token, str):
                    return {"idTagInfo": self.token_info(token)}
                return {"idTokenInfo": self.token_info(token["idToken"])}
            case "TransactionEvent":
                if "idToken" not in request:
                    return {}
                return {"idTokenInfo": self.token_info(request["idToken"]["idToken"])}
            case "DataTransfer" | "NotifyEVChargingNeeds" | "NotifyEVChargingSchedule" | "SignCertificate":
                return {"status": "Accepted"}
            case _:
                return {}

    def _now(self) -> str:
        return str(DateTime.of(self.clock.now()))
