"""Components and variables as the messages of 2.0.1 and 2.1 name them, for every block that speaks of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from voltbridge.csms.blocks.given import given, optional
from voltbridge.domain.device_model import Component, Variable

__all__ = ["Selected", "component_type", "reason_of", "selected_types", "variable_of", "variable_type"]


class Selected(Protocol):
    """What somebody wants to hear of: a component, or one of its variables."""

    @property
    def component(self) -> Any: ...

    @property
    def variable(self) -> Any: ...


def variable_of(told: Any) -> Variable:
    """The variable that something is about."""
    component, evse = told.component, given(told.component.evse)
    if evse is None:
        named = Component(component.name, given(component.instance))
    else:
        named = Component(component.name, given(component.instance), evse.id, given(evse.connector_id))
    return Variable(named, told.variable.name, given(told.variable.instance))


def reason_of(told: Any) -> str | None:
    """A status info as one text."""
    info = given(told)
    if info is None:
        return None
    more = given(info.additional_info)
    return str(info.reason_code) if not more else f"{info.reason_code}: {more}"


def component_type(messages: Any, component: Component) -> Any:
    """A component in the message types of one version, which are those of a module of ``protocol``."""
    evse = None
    if component.evse_id is not None:
        evse = messages.EVSEType(id=component.evse_id, connector_id=optional(component.connector_id))
    return messages.ComponentType(name=component.name, instance=optional(component.instance), evse=optional(evse))


def variable_type(messages: Any, variable: Any) -> Any:
    """A variable's own name and instance."""
    return messages.VariableType(name=variable.name, instance=optional(variable.instance))


def selected_types(messages: Any, wanted: Sequence[Selected]) -> Any:
    """What a report is wanted of; UNSET: of everything."""
    selected = [
        messages.ComponentVariableType(
            component=component_type(messages, one.component.value),
            variable=optional(None if one.variable is None else variable_type(messages, one.variable)),
        )
        for one in wanted
    ]
    return optional(selected or None)
