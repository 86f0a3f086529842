"""Python names for the names on the wire. Only the generator computes them; at run time every field carries its own."""

from __future__ import annotations

import keyword
import re

__all__ = ["enum_member", "module_name", "python_name"]

_WORDS = (
    ("EMAIDs", "Emaids"),
    ("IKEv2", "Ikev2"),
    ("IPSec", "Ipsec"),
    ("IdleTIme", "IdleTime"),
    ("Get15118", "Get_15118_"),
    ("SoC", "Soc"),
    ("SoH", "Soh"),
    ("V2X", "V2x"),
    ("VRef", "Vref"),
    ("1Ph", "_1ph"),
    ("3Ph", "_3ph"),
)
"""Abbreviations that the rule for capitals would cut in the middle."""

_UNITS = frozenset({"Wh", "kWh", "varh", "kvarh", "kW", "kVA", "kvar", "eMAID"})
"""Enumeration values that are one word whatever their capitals."""


def python_name(name: str) -> str:
    """``idTagInfo`` -> ``id_tag_info``, ``limit_L2`` -> ``limit_l2``, ``soC`` -> ``soc``."""
    words = _snake(name)
    return f"{words}_" if keyword.iskeyword(words) else words


def module_name(action: str) -> str:
    """``BootNotification`` -> ``boot_notification``, ``Get15118EVCertificate`` -> ``get_15118_ev_certificate``."""
    return _snake(action)


def enum_member(value: str) -> str:
    """``Energy.Active.Import.Register`` -> ``ENERGY_ACTIVE_IMPORT_REGISTER``, ``L1-N`` -> ``L1_N``."""
    if value in _UNITS:
        return value.upper()
    name = _snake(re.sub(r"\W", "_", value)).upper()
    return f"_{name}" if name[0].isdigit() else name


def _snake(name: str) -> str:
    if name[:1].islower() and name[1:].startswith("oC"):
        name = name[0] + "oc" + name[3:]
    elif name[:1].islower() and name[1:].startswith("oH"):
        name = name[0] + "oh" + name[3:]
    for word, plain in _WORDS:
        name = name.replace(word, plain)
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    name = re.sub(r"([a-z])([A-Z])", r"\1_\2", name)
    name = re.sub(r"([0-9])([A-Z][a-z])", r"\1_\2", name)
    return re.sub(r"__+", "_", name).lower()
