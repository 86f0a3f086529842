"""What variables and reports are asked for with, whatever the version (2.0.1 B05 to B08; 1.6 5.3, 5.8)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, field

from voltbridge.csms.commands.kinds import Parameters
from voltbridge.domain.configurations import DesiredValue
from voltbridge.domain.device_model import Attribute, AttributeType, Component, Variable, text_of

__all__ = [
    "AttributeName",
    "AttributeValue",
    "ComponentCriterion",
    "ComponentName",
    "ReadVariables",
    "Report",
    "ReportKind",
    "ReportedPart",
    "VariableName",
    "WriteVariables",
]

_Name = Annotated[str, Meta(min_length=1, max_length=50)]
_Number = Annotated[int, Meta(ge=0, le=2_147_483_647)]


class ComponentName(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A component."""

    name: _Name
    instance: _Name | None = None
    evse_id: _Number | None = None
    connector_id: _Number | None = None

    @property
    def value(self) -> Component:
        """As the domain's value."""
        return Component(self.name, self.instance, self.evse_id, self.connector_id)


class VariableName(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A variable of a component."""

    name: _Name
    instance: _Name | None = None


class AttributeName(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An attribute to read."""

    component: ComponentName
    variable: VariableName
    attribute: AttributeType = AttributeType.ACTUAL

    @property
    def named(self) -> Attribute:
        """As the domain's value."""
        return Attribute(Variable(self.component.value, self.variable.name, self.variable.instance), self.attribute)


class AttributeValue(AttributeName, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An attribute to write; lists as lists or as text with commas."""

    value: bool | int | float | str | list[str]

    @property
    def desired(self) -> DesiredValue:
        """As the domain's value. Raises ValueProblem."""
        return DesiredValue(self.named, text_of(self.value))


class ReadVariables(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Read these, in as many messages as the station's limits ask for."""

    variables: Annotated[list[AttributeName], Meta(min_length=1, max_length=1000)]


class WriteVariables(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Write these, in as many messages as the station's limits ask for."""

    variables: Annotated[list[AttributeValue], Meta(min_length=1, max_length=1000)]


class ReportKind(StrEnum):
    """What a report holds."""

    FULL_INVENTORY = "FullInventory"
    CONFIGURATION_INVENTORY = "ConfigurationInventory"
    """What can be written."""
    SUMMARY_INVENTORY = "SummaryInventory"
    """What is available and what has a problem."""
    CUSTOM = "Custom"
    """What ``criteria`` and ``variables`` select."""


class ComponentCriterion(StrEnum):
    """Components whose variable of this name is true."""

    ACTIVE = "Active"
    AVAILABLE = "Available"
    ENABLED = "Enabled"
    PROBLEM = "Problem"


class ReportedPart(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A component to report, or one variable of it."""

    component: ComponentName
    variable: VariableName | None = None
    """None: all of them."""


class Report(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Have the station tell its device model."""

    kind: ReportKind = ReportKind.FULL_INVENTORY
    criteria: Annotated[list[ComponentCriterion], Meta(max_length=4)] = field(default_factory=list)
    variables: Annotated[list[ReportedPart], Meta(max_length=1000)] = field(default_factory=list)
