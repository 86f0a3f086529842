"""Takes secrets out of frames on their way into the message log, and out of what becomes an event.

Only frames that can carry a secret are looked into. What is replaced: the value of a setting whose name tells a secret
(1.6 AuthorizationKey, 2.x BasicAuthPassword, ApnPassword, SimPin, VpnKey ...), the secret fields of a network profile,
the user part of an address (``ftp://user:word@host``), and tokens of type KeyCode (C04.FR.04), whatever the action.
Everything else of the frame stays as it was on the wire.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

__all__ = ["HIDDEN", "hide", "redact", "tells_secret"]

HIDDEN: Final = "***"

_ADDRESSES: Final = frozenset(
    {
        "GetDiagnostics",
        "GetLog",
        "PublishFirmware",
        "PublishFirmwareStatusNotification",
        "SignedUpdateFirmware",
        "UpdateFirmware",
    }
)
_SETTINGS: Final = frozenset(
    {
        "ChangeConfiguration",
        "GetConfiguration",
        "GetVariables",
        "NotifyEvent",
        "NotifyMonitoringReport",
        "NotifyReport",
        "SetNetworkProfile",
        "SetVariables",
    }
)
_WATCHED: Final = _ADDRESSES | _SETTINGS

_SECRET_NAME: Final = re.compile(
    r"passw(?:or)?d|passphrase|secret|authori[sz]ation_?key|private_?key|\bpsk\b|sim_?pin|^pin$|vpn_?key", re.IGNORECASE
)
_SECRET_FIELDS: Final = frozenset({"apnpassword", "basicauthpassword", "password", "simpin"})
_VPN_FIELDS: Final = frozenset({"key", "password", "user"})
_NAMED_VALUES: Final = frozenset({"value", "attributevalue", "actualvalue"})
_KEY_CODE: Final = "KeyCode"
_TOKEN_TEXTS: Final = frozenset({"idtoken", "additionalidtoken"})
_USER_PART: Final = re.compile(r"(?<=://)[^/?#\s\"\\]*@")


def redact(action: str | None, frame: str) -> str:
    """The frame without secrets; the same object when there is nothing to hide.

    ``action`` is that of the call the frame belongs to. A frame that is no JSON is cut down to its length.
    """
    if action not in _WATCHED:
        if _KEY_CODE not in frame:
            return frame
    elif action in _ADDRESSES:
        return _USER_PART.sub(f"{HIDDEN}@", frame)
    try:
        content = msgspec.json.decode(frame)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return f"({len(frame)} characters that are no JSON)"
    if not _hide(content, False):
        return frame
    return msgspec.json.encode(content).decode()


def hide(content: dict[str, Any]) -> None:
    """Replace what is secret in a message that was taken apart, whether its names are the wire's or in snake_case."""
    _hide(content, False)


def _hide(value: Any, vpn: bool) -> bool:
    """Replace what is secret in a tree of JSON values; whether there was any."""
    found = False
    if isinstance(value, list):
        for index, item in enumerate(value):
            if isinstance(item, str):
                hidden = _USER_PART.sub(f"{HIDDEN}@", item) if "://" in item else item
                found |= hidden != item
                value[index] = hidden
            else:
                found |= _hide(item, vpn)
    elif isinstance(value, dict):
        secret_setting = _names_secret(value)
        key_code = value.get("type") == _KEY_CODE
        for name, item in value.items():
            folded = name.casefold().replace("_", "")
            if (
                folded in _SECRET_FIELDS
                or (vpn and folded in _VPN_FIELDS)
                or (secret_setting and folded in _NAMED_VALUES)
                or (key_code and folded in _TOKEN_TEXTS)
            ):
                value[name] = HIDDEN
                found = True
            elif secret_setting and folded == "variableattribute":
                # NotifyReport: the values of a variable lie one level below its name.
                for attribute in item if isinstance(item, list) else ():
                    if isinstance(attribute, dict) and "value" in attribute:
                        attribute["value"] = HIDDEN
                        found = True
            elif isinstance(item, str):
                if "://" in item and (hidden := _USER_PART.sub(f"{HIDDEN}@", item)) != item:
                    value[name] = hidden
                    found = True
            else:
                found |= _hide(item, vpn or folded == "vpn")
    return found


def _names_secret(value: dict[str, Any]) -> bool:
    """Whether this is a setting with a telling name: 1.6 ``key``, or the ``variable`` of 2.x and its component."""
    names = [value.get("key")]
    for part in (value.get("variable"), value.get("component")):
        if isinstance(part, dict):
            names += [part.get("name"), part.get("instance")]
    return tells_secret(*(name for name in names if isinstance(name, str)))


def tells_secret(*names: str | None) -> bool:
    """Whether any of the names of a setting tells that its value is a secret."""
    return any(name is not None and _SECRET_NAME.search(name) for name in names)
