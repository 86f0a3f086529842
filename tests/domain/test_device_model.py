"""Values, names and reports of the device model."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voltbridge.domain.configurations import (
    Configuration,
    DesiredValue,
    DriftState,
    desired_of,
    drift_of,
    same_value,
)
from voltbridge.domain.device_model import (
    Attribute,
    Characteristics,
    Component,
    DataType,
    Mutability,
    StationReportParts,
    StationVariable,
    Value,
    ValueProblem,
    Variable,
    check_value,
    text_of,
    typed,
)
from voltbridge.domain.sequences import add_sequence
from voltbridge.domain.stations import StationReport

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ATTRIBUTE = Attribute(Variable(Component("A"), "V"))


@pytest.mark.parametrize(
    ("characteristics", "value", "problem"),
    [
        (Characteristics(DataType.BOOLEAN), "yes", "true or false"),
        (Characteristics(DataType.INTEGER), "1.5", "number of type integer"),
        (Characteristics(DataType.INTEGER), "1_000", "number of type integer"),
        (Characteristics(DataType.DECIMAL), "nan", "number of type decimal"),
        (Characteristics(DataType.INTEGER, min_limit=0), "-1", "at least 0"),
        (Characteristics(DataType.DECIMAL, max_limit=10.5), "10.6", "at most 10.5"),
        (Characteristics(DataType.STRING, max_limit=3), "four", "4 characters, at most 3"),
        (Characteristics(DataType.OPTION_LIST, values=("a", "b")), "c", "none of the values a, b"),
        (Characteristics(DataType.MEMBER_LIST, values=("a", "b")), "a,c", "none of the values a, b"),
        (Characteristics(DataType.SEQUENCE_LIST, max_elements=1), "a,b", "2 items, at most 1"),
        (Characteristics(DataType.MEMBER_LIST, max_limit=2), "a,b", "3 characters"),
    ],
)
def test_values_that_are_ruled_out(characteristics: Characteristics, value: str, problem: str) -> None:
    with pytest.raises(ValueProblem, match=problem):
        check_value(value, characteristics)


@pytest.mark.parametrize(
    ("characteristics", "value", "meant"),
    [
        (Characteristics(DataType.BOOLEAN), "TRUE", True),
        (Characteristics(DataType.INTEGER, min_limit=0, max_limit=5), "5", 5),
        (Characteristics(DataType.DECIMAL), "-0.5", -0.5),
        (Characteristics(DataType.OPTION_LIST), "anything", "anything"),
        (Characteristics(DataType.MEMBER_LIST, values=("a", "b"), max_elements=2), "a, b", ["a", "b"]),
        (Characteristics(DataType.MEMBER_LIST), "", []),
        (Characteristics(DataType.DATE_TIME), "2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
    ],
)
def test_values_that_are_taken(characteristics: Characteristics, value: str, meant: object) -> None:
    check_value(value, characteristics)
    assert typed(value, characteristics) == meant


@pytest.mark.parametrize("value", [True, False, 5, -1.5, "text", ["a", "b"], []])
def test_a_typed_value_is_a_text_and_back(value: Value) -> None:
    kinds = {bool: DataType.BOOLEAN, int: DataType.INTEGER, float: DataType.DECIMAL, list: DataType.MEMBER_LIST}
    assert typed(text_of(value), Characteristics(kinds.get(type(value), DataType.STRING))) == value


def test_what_is_not_what_it_should_be_is_shown_as_text() -> None:
    assert typed("soon", Characteristics(DataType.INTEGER)) == "soon"
    assert typed("yes", Characteristics(DataType.BOOLEAN)) == "yes"
    assert typed("5", None) == "5"


NAMES = st.none() | st.text(max_size=8)


@settings(max_examples=200, deadline=None)
@given(NAMES, NAMES, st.text(max_size=8), st.text(max_size=8))
def test_a_key_stands_for_one_variable_in_any_case(
    instance: str | None, other: str | None, name: str, variable: str
) -> None:
    one = Variable(Component(name, instance, 1), variable, other)
    swapped = replace(one, name=variable.casefold(), component=replace(one.component, name=name.casefold()))
    assert swapped.key == one.key
    different = replace(one, component=replace(one.component, evse_id=2))
    assert different.key != one.key
    moved = Variable(Component(name + "/", instance, 1), variable, other)
    assert moved.key != one.key


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 12).flatmap(lambda last: st.tuples(st.just(last), st.permutations(range(last + 1)))))
def test_a_report_is_complete_with_its_last_missing_part(parts: tuple[int, list[int]]) -> None:
    last, order = parts
    report = StationReportParts(station_id="CS1", request_id=1, kind=None, requested_at=NOON)
    for seq_no in order:
        assert not report.is_complete
        report = replace(
            report,
            parts=add_sequence(report.parts, seq_no),
            last_seq_no=last if seq_no == last else report.last_seq_no,
        )
    assert report.is_complete


def test_which_configuration_counts() -> None:
    report = StationReport("CS1", vendor="Acme", model="M")

    def wanting(name: str, value: str, **scope: object) -> Configuration:
        return Configuration(name=name, values=(DesiredValue(ATTRIBUTE, value),), updated_at=NOON, **scope)  # type: ignore[arg-type]

    all_of_them = [
        wanting("high", "1", priority=5, vendor="Other"),
        wanting("low", "2", priority=-1),
        wanting("b", "3", vendor="Acme"),
        wanting("a", "4", station_ids=("CS1", "CS2")),
        wanting("z", "5", model="N"),
    ]
    ((value, name),) = desired_of(all_of_them, report).values()
    assert (name, value.value) == ("b", "3")


@pytest.mark.parametrize(
    ("kind", "one", "other", "same"),
    [
        (DataType.INTEGER, "10", "010", True),
        (DataType.DECIMAL, "1.0", "1", True),
        (DataType.DECIMAL, "x", "1", False),
        (DataType.BOOLEAN, "True", "true", True),
        (DataType.MEMBER_LIST, "a,b", "b, a", True),
        (DataType.SEQUENCE_LIST, "a,b", "b,a", False),
        (DataType.STRING, "A", "a", False),
    ],
)
def test_the_same_value_in_other_words(kind: DataType, one: str, other: str, same: bool) -> None:
    assert same_value(one, other, Characteristics(kind)) is same


def test_drift() -> None:
    desired = DesiredValue(ATTRIBUTE, "1")
    known = StationVariable(station_id="CS1", attribute=ATTRIBUTE, updated_at=NOON, value="1")
    assert drift_of(desired, "c", known).state is DriftState.IN_SYNC
    assert drift_of(desired, "c", replace(known, value="2")).state is DriftState.DRIFTED
    assert drift_of(desired, "c", None).state is DriftState.UNKNOWN
    assert drift_of(desired, "c", replace(known, mutability=Mutability.WRITE_ONLY)).state is DriftState.UNKNOWN
