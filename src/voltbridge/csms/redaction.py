"""Takes secrets out of frames on their way into the message log, and out of what becomes an event.

Of sound frames only those that can carry a secret are looked into. Frames that were refused, of whatever action or
none, are *suspect*: all of them are looked into, without trust in how things are called and nested, and one that is no
JSON is cut down to its length as soon as anything in it hints at a secret.

What is replaced: the value of a setting whose name tells a secret (1.6 AuthorizationKey, 2.x BasicAuthPassword,
ApnPassword, SimPin, VpnKey ...), the secret fields of a network profile, the user part of an address
(``ftp://user:word@host``), the secret part of the addresses at which stations fetch and deliver files, tokens of type
KeyCode (C04.FR.04), whatever the action, and of a customer what a station knows and what the vendor knows it by (N09).
Everything else of the frame stays as it was on the wire.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import msgspec

from voltbridge.csms.vault import SEALED
from voltbridge.protocol.shapes import folded as folded_choice

__all__ = ["HIDDEN", "hide", "hide_values", "redact", "redact_detail", "tells_secret", "without_secrets"]

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
_FREE: Final = "DataTransfer"
_CUSTOM: Final = '"customData"'
"""What vendors put into their own messages, and add to others, has no shape."""
_PERSONAL: Final = frozenset({"CustomerInformation", "NotifyCustomerInformation"})
_WATCHED: Final = _ADDRESSES | _SETTINGS | _PERSONAL

_SECRET_NAME: Final = re.compile(
    r"passw(?:or)?d|passphrase|secret|authori[sz]ation_?key|private_?key|\bpsk\b|sim_?pin|^pin$|vpn_?key", re.IGNORECASE
)
_SECRET_FIELDS: Final = frozenset({"apnpassword", "basicauthpassword", "customeridentifier", "password", "simpin"})
_VPN_FIELDS: Final = frozenset({"key", "password", "user"})
_NAMED_VALUES: Final = frozenset({"value", "attributevalue", "actualvalue"})
_NEVER_VALUES: Final = frozenset(
    {
        "attributestatus",
        "attributetype",
        "component",
        "evse",
        "instance",
        "key",
        "mutability",
        "name",
        "readonly",
        "variable",
    }
)
"""What stands beside the value of a setting."""
_NAMES: Final = frozenset({"component", "instance", "key", "name", "variable"})
_HINTS: Final = re.compile(
    r"passw|passphrase|secret|authori[sz]ation|private|psk|pin|vpn|apn|key|config|setting|variable|attribute|actual"
    r"|credential|customer|user|code|idtoken(?!.*\x22type\x22\s*:\s*\x22[^\x22]+\x22)|://|\\u00|^(?!.*sampled).*value",
    re.IGNORECASE | re.DOTALL,
)
"""What may stand in a broken frame that has a secret, before or behind the place where it breaks off."""
_MARKS: Final = dict.fromkeys(map(ord, "\"'\\ \t\r\n"))
_NUMBER: Final = re.compile(r"(?<![\w.$\[])-?\d[\d.eE+-]*")
_LITERAL: Final = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\Z)', re.DOTALL)
_FRAME: Final = "$"
_KEY_CODE: Final = "KeyCode"
_KEY_CODE_WRITTEN_OTHERWISE: Final = re.compile(r"key[\s_.\-]*code")
_PADDING: Final = "".join(map(chr, range(0x21))) + "\x7f\ufeff"
"""What may stand around the JSON of a frame that is taken all the same (see ``protocol.policy``)."""
_TOKEN_TEXTS: Final = frozenset({"idtoken", "additionalidtoken"})
_USER_PART: Final = re.compile(r"(?<=://)[^/?#\s\"\\]*@")
_ADDRESS: Final = re.compile(r"(/files\\?/)[A-Za-z0-9_-]{32}(?=\\?/)")
"""Of a file here. JSON may write each slash with a backslash."""


def redact(action: str | None, frame: str, *, suspect: bool = False) -> str:
    """The frame without secrets; the same object when there is nothing to hide.

    ``action`` is that of the call the frame belongs to. A frame that is no JSON is cut down to its length. ``suspect``
    are frames that were refused: neither their action nor their shape says what they have.
    """
    if suspect or action == _FREE or _CUSTOM in frame:
        return _redact_suspect(action, frame)
    if action not in _WATCHED:
        if not _may_tell_a_key_code(frame):
            return frame
    elif action in _ADDRESSES:
        return _without_secrets(frame)
    try:
        content = msgspec.json.decode(frame.strip(_PADDING))
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return f"({len(frame)} characters that are no JSON)"
    found = _hide(content, False)
    if action in _PERSONAL and isinstance(content, list) and content and isinstance(content[-1], dict):
        told = content[-1]
        if "data" in told:  # what a station knows of a customer
            told["data"] = HIDDEN
            found = True
    if not found:
        return frame
    return msgspec.json.encode(content).decode()


def _redact_suspect(action: str | None, frame: str) -> str:
    if action not in _WATCHED and not _hints(frame):
        return frame
    try:
        content = msgspec.json.decode(frame.strip(_PADDING))
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return f"({len(frame)} characters that are no JSON)"
    try:
        shown, found = _suspect(content, telling=False, name=_FRAME)
        if action in _PERSONAL and isinstance(shown, list) and len(shown) > 2:
            shown[2:] = [item if item == action else HIDDEN for item in shown[2:]]
            found = True
    except RecursionError:
        return f"({len(frame)} characters, nested too deeply)"
    return msgspec.json.encode(shown).decode() if found else frame


def _suspect(value: Any, *, telling: bool, name: str = "") -> tuple[Any, bool]:
    """A tree of JSON values without what may be a secret, and whether there was any.

    ``telling``: something around has a telling name, so that every value is one.
    """
    if isinstance(value, dict):
        return _suspect_object(value, telling, name == "vpn")
    if isinstance(value, list):
        # A name and its value may stand side by side; in a frame the value comes behind the name.
        telling = telling or (name != _FRAME and any(isinstance(item, str) and tells_secret(item) for item in value))
        found, items = False, []
        for item in value:
            shown, hidden = _suspect(item, telling=telling, name="" if name == _FRAME else name)
            items.append(shown)
            found |= hidden
            telling = telling or (isinstance(item, str) and tells_secret(item))
        return items, found
    if telling and isinstance(value, str | int | float) and not isinstance(value, bool) and name not in _NEVER_VALUES:
        return HIDDEN, True
    if isinstance(value, str):
        shown_text = _suspect_text(value)
        return shown_text, shown_text != value
    return value, False


def _suspect_object(value: dict[str, Any], telling: bool, vpn: bool) -> tuple[dict[str, Any], bool]:
    names = [item for key, item in value.items() if _folded(key) in _NAMES]
    names += [item for one in names if isinstance(one, dict) for item in one.values()]
    telling = telling or tells_secret(*(name for name in names if isinstance(name, str)))
    kind = next((item for key, item in value.items() if _folded(key) == "type"), None)
    key_code = isinstance(kind, str) and folded_choice(kind) == _KEY_CODE.casefold()
    shown: dict[str, Any] = {}
    found = False
    for key, item in value.items():
        folded = _folded(key)
        own = folded in _SECRET_FIELDS or tells_secret(key) or vpn or (key_code and folded in _TOKEN_TEXTS)
        inside = telling or own
        name = "" if own else folded
        shown[key], hidden = _suspect(item, telling=inside, name=name)
        found |= hidden
    return shown, found


def _hints(text: str) -> bool:
    """Whether anything in it hints at a secret, also with a quotation mark in the middle of the word."""
    return _HINTS.search(text) is not None or _HINTS.search(text.translate(_MARKS)) is not None


def _suspect_text(text: str) -> str:
    """A text that may itself be JSON, and may have addresses in it."""
    bare = text.strip(_PADDING)
    if bare[:1] in ("{", "[") and _hints(bare):
        try:
            shown, found = _suspect(msgspec.json.decode(bare), telling=False)
        except (msgspec.DecodeError, UnicodeError):
            return HIDDEN
        return msgspec.json.encode(shown).decode() if found else text
    if SEALED in text:
        return HIDDEN
    return _without_secrets(text) if "://" in text else text


def _folded(name: str) -> str:
    return name.casefold().replace("_", "")


def redact_detail(action: str | None, detail: str) -> str:
    """What was wrong with a message that may carry secrets, without the values that it had."""
    if action in _WATCHED:
        return hide_values(detail)
    return _without_secrets(detail) if "://" in detail else detail


def hide_values(detail: str) -> str:
    """A sentence about a value without the value."""
    return _NUMBER.sub(HIDDEN, _LITERAL.sub(f'"{HIDDEN}"', detail))


def without_secrets(text: str) -> str:
    """A text that a station wrote, as it may stand in a log."""
    return HIDDEN if tells_secret(text) else _without_secrets(text)


def _may_tell_a_key_code(frame: str) -> bool:
    """Lenient policies also take a type that is written otherwise: ``keycode``, ``KEY_CODE``."""
    if _KEY_CODE in frame:
        return True
    if "dToken" not in frame:
        return False
    lower = frame.lower()
    return "code" in lower and _KEY_CODE_WRITTEN_OTHERWISE.search(lower) is not None


def hide(content: dict[str, Any], cover: Callable[[str], str] | None = None) -> None:
    """Replace what is secret in a message that was taken apart, whether its names are the wire's or in snake_case.

    ``cover`` makes of a text with a secret what is to stand in its place, the secret part being hidden otherwise.
    """
    _hide(content, False, cover)


def _hide(value: Any, vpn: bool, cover: Callable[[str], str] | None = None) -> bool:
    """Replace what is secret in a tree of JSON values; whether there was any."""
    if isinstance(value, dict):
        return _hide_fields(value, vpn, cover)
    if isinstance(value, list):
        # Each of them, where ``any`` would stop at the first.
        return sum(_hide_inside(value, index, item, vpn, cover) for index, item in enumerate(value)) > 0
    return False


def _hide_fields(value: dict[str, Any], vpn: bool, cover: Callable[[str], str] | None) -> bool:
    found = False
    secret_setting = _names_secret(value)
    kind = value.get("type")
    key_code = isinstance(kind, str) and folded_choice(kind) == _KEY_CODE.casefold()
    for name, item in value.items():
        folded = name.casefold().replace("_", "")
        if (
            folded in _SECRET_FIELDS
            or (vpn and folded in _VPN_FIELDS)
            or (secret_setting and folded in _NAMED_VALUES)
            or (key_code and folded in _TOKEN_TEXTS)
        ):
            value[name] = cover(item) if cover is not None and isinstance(item, str) else HIDDEN
            found = True
        elif secret_setting and folded == "variableattribute":
            found |= _hide_attributes(item)
        else:
            found |= _hide_inside(value, name, item, vpn or folded == "vpn", cover)
    return found


def _hide_attributes(attributes: Any) -> bool:
    """NotifyReport: the values of a variable lie one level below its name."""
    found = False
    for attribute in attributes if isinstance(attributes, list) else ():
        if isinstance(attribute, dict) and "value" in attribute:
            attribute["value"] = HIDDEN
            found = True
    return found


def _hide_inside(holder: Any, place: Any, item: Any, vpn: bool, cover: Callable[[str], str] | None) -> bool:
    """What an item of a list or an object has in it; a text is replaced in its holder."""
    if not isinstance(item, str):
        return _hide(item, vpn, cover)
    if (hidden := _text(item, cover)) == item:
        return False
    holder[place] = hidden
    return True


def _text(text: str, cover: Callable[[str], str] | None) -> str:
    """A text without what is secret in it: addresses, and what was sealed."""
    if SEALED in text and (cover is not None or text.startswith(SEALED)):
        return HIDDEN if cover is None else cover(text)
    if "://" not in text or (hidden := _without_secrets(text)) == text:
        return text
    if cover is None:
        return hidden
    return cover(text) if _ADDRESS.search(text) else _USER_PART.sub(lambda user: f"{cover(user[0][:-1])}@", text)


def _without_secrets(text: str) -> str:
    """A text without what is secret in the addresses in it."""
    return _ADDRESS.sub(rf"\1{HIDDEN}", _USER_PART.sub(f"{HIDDEN}@", text))


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
