"""What every generated message and data type has in common.

Fields carry the wire's names one by one, an absent optional field is ``UNSET`` (never None), values are immutable, and
a field the schema does not know is refused. Constructing a struct in Python checks nothing: ``codec.validate`` does.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct

__all__ = ["CustomDataType", "Draft4Payload", "Payload"]


class Payload(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, repr_omit_defaults=True, gc=False):
    """A message or a part of one, by a draft-06 schema: 5.0 is an integer there.

    The garbage collector does not track these values: they are trees made from JSON and hold no cycles.
    """


class Draft4Payload(Payload, frozen=True, kw_only=True, forbid_unknown_fields=True, repr_omit_defaults=True, gc=False):
    """A message or a part of one, by a draft-04 schema (1.6 without security): 5.0 is no integer there."""


class CustomDataType(dict[str, Any]):
    """A vendor's own data (2.x): the only object that keeps every key it came with.

    ``vendorId`` is required, at most 255 characters. Written ``CustomDataType(vendorId="com.example", anything=1)``.
    """

    VENDOR_ID_LENGTH = 255

    @property
    def vendor_id(self) -> str:
        """Whose data this is. Raises KeyError where it was never set."""
        vendor: str = self["vendorId"]
        return vendor
