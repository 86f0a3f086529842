"""What stations are asked about reservations, whatever the version (2.0.1 H01, H02; 1.6 5.1, 5.13)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from msgspec import Meta

from voltbridge.csms.commands.kinds import Parameters
from voltbridge.domain.errors import InvalidValue
from voltbridge.domain.meter_records import whole_milliseconds
from voltbridge.domain.reservations import LARGEST_RESERVATION_ID, ReservationTerms
from voltbridge.domain.token_rules import GROUP_TYPE
from voltbridge.domain.tokens import IdToken

__all__ = ["CancelReservation", "Reserve"]

_PRINTABLE = "^[!-~]([ -~]*[!-~])?$"
_Text = Annotated[str, Meta(min_length=1, max_length=255, pattern=_PRINTABLE)]
_Type = Annotated[str, Meta(min_length=1, max_length=20, pattern=_PRINTABLE)]
_Id = Annotated[int, Meta(ge=1, le=LARGEST_RESERVATION_ID)]


class Reserve(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Keep a place for a token. Neither ``evse_id`` nor ``connector_type``: any EVSE of the station."""

    id_token: _Text
    type: _Type = "ISO14443"
    """The kind of token; 1.6 has no kinds."""
    expires_at: Annotated[datetime, Meta(tz=True)]
    """RFC 3339 with an offset; later than now."""
    evse_id: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None
    connector_type: _Type | None = None
    """Any EVSE with such a connector, in the words of ConnectorEnumType: ``cCCS2``, ``sType2`` ..."""
    group_id_token: _Text | None = None
    """Every token of this group may use the reservation too."""
    group_type: _Type = GROUP_TYPE
    reservation_id: _Id | None = None
    """Change this reservation, which must be open, instead of making another."""

    def terms(self, now: datetime) -> ReservationTerms:
        """The same as the domain's value. Raises InvalidValue for what no version could mean."""
        if self.evse_id is not None and self.connector_type is not None:
            raise InvalidValue("connector_type", "and evse_id: give one of the two, or none for any EVSE")
        if self.expires_at <= now:
            raise InvalidValue("expires_at", "is over already")
        return ReservationTerms(
            id_token=IdToken(self.id_token, self.type),
            expires_at=whole_milliseconds(self.expires_at),
            evse_id=self.evse_id,
            connector_type=self.connector_type,
            group_id_token=None if self.group_id_token is None else IdToken(self.group_id_token, self.group_type),
        )


class CancelReservation(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Take a reservation back."""

    reservation_id: Annotated[int, Meta(ge=0, le=LARGEST_RESERVATION_ID)]
    """The id on the wire; one that was not made here can be cancelled too."""
