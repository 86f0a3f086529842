"""Which variables are secrets, and which values are not even sent."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from voltbridge.csms.blocks.a_security.passwords import check_password
from voltbridge.csms.blocks.b_provisioning.ports import VariableWords
from voltbridge.csms.redaction import tells_secret
from voltbridge.domain.configurations import DesiredValue
from voltbridge.domain.device_model import (
    Attribute,
    Component,
    Mutability,
    ReadResult,
    StationVariable,
    ValueProblem,
    Variable,
    check_value,
)
from voltbridge.domain.errors import InvalidValue

__all__ = ["is_password", "is_secret", "problem_of", "shown", "without_secret"]

_PASSWORD: Final = Variable(Component("SecurityCtrlr"), "BasicAuthPassword").key


def is_password(attribute: Attribute) -> bool:
    """Whether this is what the station authenticates with."""
    return attribute.variable.key == _PASSWORD


def is_secret(attribute: Attribute) -> bool:
    """Whether the name tells that the value is a secret."""
    variable = attribute.variable
    component = variable.component
    return tells_secret(variable.name, variable.instance, component.name, component.instance)


def problem_of(station_id: str, value: DesiredValue, known: StationVariable | None, words: VariableWords) -> str | None:
    """Why a value is not even sent."""
    if (refusal := words.refusal(value)) is not None:
        return refusal
    if is_password(value.attribute):
        try:
            check_password(value.value, station_id)
        except InvalidValue as error:
            return error.problem
    if known is not None and known.mutability is Mutability.READ_ONLY:
        return "is read-only"
    told = None if known is None else known.characteristics
    characteristics = told or words.characteristics(value.attribute)
    if characteristics is not None:
        try:
            check_value(value.value, characteristics)
        except ValueProblem as problem:
            return str(problem)
    return None


def without_secret(one: StationVariable) -> StationVariable:
    """As it is kept: that there is a secret, not which."""
    return replace(one, value=None) if is_secret(one.attribute) else one


def shown(result: ReadResult) -> ReadResult:
    """As it is shown, without a secret."""
    return replace(result, value=None) if is_secret(result.attribute) else result
