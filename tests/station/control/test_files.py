"""Files that people write: whatever is wrong is told with line, field and what is allowed; nothing starts."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from voltbridge.station.breakdowns import FAULTS
from voltbridge.station.control.scenario import read_scenario
from voltbridge.station.fleet_profile import FleetProfile, Group, read_profile
from voltbridge.station.personality import FEATURES, QUIRKS, built_in, find_personality, read_personality
from voltbridge.station.yaml_files import InvalidFile

READERS: dict[str, Callable[[Path], Any]] = {
    "scenario": read_scenario,
    "fleet": read_profile,
    "personality": read_personality,
}

ANYWHERE = [
    ("", r"line 1: Expected `object`"),
    ("- a\n- b\n", r"line 1: Expected `object`, got `array`"),
    ("just words", r"line 1: Expected `object`, got `str`"),
    ("a: [\n", r"line 2: "),
    ("a: b: c\n", r"line 1: mapping values are not allowed here"),
    ("\tx: 1\n", r"line 1: "),
    ("a: &a [*a]\n", r"line 1: it refers to itself"),
    ("a: *b\n", r"line 1: found undefined alias"),
    ("a: 1\n---\nb: 1\n", r"line 2: but found another document"),
    ("x: 2026-13-45\n", r"line 1: month must be in 1..12"),
    ("? [a]\n: b\n", r"line 1: found unhashable key"),
    ("x: !!python/object:os.system {}\n", r"line 1: could not determine a constructor"),
    ("seen: 1\nother: 2\nseen: 3\n", r"line 3: seen stands there a second time"),
    ("strange: 1\n", r"line 1: Object contains unknown field `strange`; there are \w+"),
]

OWN = [
    ("scenario", "[" * 1500, r"(too deep|line 1)"),
    (
        "scenario",
        "steps:\n - wait: {connector: Busy}\n",
        r"line 2, steps\[0\].wait.connector: .*allowed are Available, Pr",
    ),
    ("scenario", "steps: []\n", r"line 1, steps: Expected `array` of length >= 1"),
    ("scenario", "steps:\n - do: plug\n   with:\n     evse: zero\n", r"line 4, steps\[0\].with.evse: Expected `int`"),
    ("scenario", "steps:\n - sleep: 1\n - do: drop\n   with: {share: 3}\n", r"line 4, steps\[1\].with.share: .*<= 1"),
    ("scenario", "steps:\n - do: drop\n   with: {rate: 1}\n", r"line 3, steps\[0\].with: .*unknown field `rate`"),
    ("scenario", "steps:\n - do: fault\n   with: {code: Rust}\n", r"line 3, steps\[0\].with.code: Invalid enum value"),
    ("scenario", "steps:\n - do: mend\n   with: {fault: rust}\n", r"steps\[0\].with: rust cannot be mended; .*latency"),
    ("scenario", "steps:\n - wait: {connector: 3}\n", r"line 2, steps\[0\].wait.connector: .*put it in quotes"),
    ("scenario", "steps:\n - wait: {on: true}\n", r"line 2"),
    ("scenario", "steps:\n - wait: {online: true}\n   within: -1\n", r"line 3, steps\[0\].within: "),
    ("scenario", "steps:\n - sleep: .nan\n", r"line 2, steps\[0\].sleep"),
    (
        "scenario",
        "steps:\n - do: limit\n   with: {source: X}\n",
        r"line 3, steps\[0\].with.source: Invalid enum value 'X'; allowed are EMS, Other, SO",
    ),
    ("scenario", "steps:\n - do: unplug\n   with: {colour: 1}\n", r"line 3, steps\[0\].with: .*; there are evse$"),
    ("scenario", "steps:\n - jump: 1\n", r"line 2, steps\[0\]: .*`jump`; there are do, with, wait, within, sleep"),
    ("fleet", "groups:\n - name: A\n - count: 1\n   name: A\n", r"line 4, groups\[1\].name: two groups are called A"),
    ("fleet", "groups:\n - versions: [1.6]\n", r"line 2, groups\[0\].versions\[0\]: .*got `float`; put it in quotes"),
    ("fleet", "groups:\n - variables:\n     No.Such: '1'\n", r"line 3, groups\[0\].variables\[No.Such\]: there is no"),
    (
        "fleet",
        "groups:\n - personality: odd\n",
        r"line 2, groups\[0\].personality: there is no personality odd; .*old-rap",
    ),
    (
        "fleet",
        "groups:\n - {personality: old-rapid, variables: {EVSE@3.Available: 'true'}}\n",
        r"line 2, groups\[0\].vari",
    ),
    ("fleet", "faults:\n - fault: rust\n", r"line 2, faults\[0\].fault: there is no fault rust: latency"),
    ("fleet", "faults:\n - fault: drop\n   groups: [X]\n", r"line 3, faults\[0\].groups\[0\]: there is no group X"),
    ("fleet", "faults:\n - fault: drop\n   minutes: [5, 1]\n", r"line 3, faults\[0\].minutes: the least is more"),
    ("fleet", "faults:\n - fault: drop\n   with: {share: x}\n", r"line 3, faults\[0\].with: Expected `float`"),
    ("fleet", "faults:\n - fault: drop\n   with: {seconds: 3}\n", r"line 3, faults\[0\].with.seconds: .*minutes"),
    ("fleet", "arrivals:\n  stay_minutes: [9, 1]\n", r"line 2, arrivals.stay_minutes: the least is more than the most"),
    ("fleet", "arrivals:\n  tokens: [12]\n", r"line 2, arrivals.tokens\[0\]: .*put it in quotes"),
    ("personality", "quirks:\n  flies:\n", r"line 2, quirks: .*`flies`; there are status-before-boot, "),
    (
        "personality",
        "quirks:\n  status-repeated: {times: 0}\n",
        r"line 2, quirks.status-repeated.times: Expected `int` >= 1",
    ),
    (
        "personality",
        "quirks:\n  timestamps: {form: odd}\n",
        r"line 2, quirks.timestamps.form: .*allowed are .*without zone",
    ),
    ("personality", "quirks:\n  refuses: {statuses: {Dance: x}}\n", r"line 2, quirks.refuses: no CSMS asks Dance"),
    (
        "personality",
        "quirks:\n  fields-left-out: {fields: {Dance: [x]}}\n",
        r"line 2, .*no version of OCPP has the action",
    ),
    (
        "personality",
        "versions: ['2.1']\nquirks:\n  never-finishing:\n",
        r"line 3, quirks.never-finishing: it concerns 1.6 ",
    ),
    ("personality", "lacks: [Reservation, Flying]\n", r"line 1, lacks\[1\]: there is no feature Flying: ChangeAvailab"),
    ("personality", "lacks_as: Sorry\n", r"line 1, lacks_as: .*allowed are NotImplemented, NotSupported"),
    ("personality", "vendor: A vendor of far too many words\n", r"line 1, vendor: Expected `str` of length <= 20"),
]


@pytest.mark.parametrize(("kind", "text", "said"), [*((kind, *each) for kind in READERS for each in ANYWHERE), *OWN])
def test_what_is_wrong_is_told(tmp_path: Path, kind: str, text: str, said: str) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text(text)
    with pytest.raises(InvalidFile) as raised:
        READERS[kind](file)
    told = str(raised.value)
    assert told.startswith(str(file))
    assert re.search(said, told), told
    assert "\n" not in told


@pytest.mark.parametrize("kind", READERS)
def test_what_is_no_text(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "broken.yaml"
    for content, said in (
        (b"\xff\xfe", "UTF-8"),
        (b"a" * 2_000_000, "larger than 1024 KiB"),
        (b"a: \x00", "not YAML|line"),
    ):
        file.write_bytes(content)
        with pytest.raises(InvalidFile, match=said):
            READERS[kind](file)
    with pytest.raises(InvalidFile, match="Is a directory"):
        READERS[kind](tmp_path)


def test_references_that_grow_without_end_are_refused(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    file = tmp_path / "laughs.yaml"
    file.write_text("\n".join(lines))
    with pytest.raises(InvalidFile, match="more than 200000 values"):
        read_scenario(file)


words = st.sampled_from(
    [
        "steps",
        "do",
        "with",
        "wait",
        "groups",
        "name",
        "faults",
        "fault",
        "quirks",
        "evse",
        "variables",
        "arrivals",
        "lacks",
        *("personality", "versions", "timestamps", "status-repeated", "drop", "plug", "1.6", "x"),
    ]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words | st.text(max_size=8) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words | st.integers(), inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(values.map(lambda value: yaml.safe_dump(value)), st.text(max_size=60)), st.sampled_from(sorted(READERS))
)
def test_no_file_makes_it_break(tmp_path: Path, text: str, kind: str) -> None:
    file = tmp_path / "any.yaml"
    file.write_text(text, "utf-8", errors="replace")
    try:
        READERS[kind](file)
    except InvalidFile as error:
        assert str(error).startswith(str(file))


@given(st.lists(st.integers(1, 100_000), min_size=1, max_size=8), st.integers(8, 100_000))
@example([60, 5], 130)
@example([100_000, 1, 1], 8)
def test_a_profile_is_scaled_in_proportion(counts: list[int], wanted: int) -> None:
    groups = tuple(Group(name=f"G{number}", count=count) for number, count in enumerate(counts))
    scaled = FleetProfile(groups=groups, seed=5).scaled(wanted)
    assert scaled.count == wanted
    assert scaled.seed == 5
    for group, was in zip(scaled.groups, counts, strict=True):
        proportion = was * wanted / sum(counts)
        assert max(1, proportion - len(counts)) <= group.count <= max(1, proportion + 1)
    assert FleetProfile(groups=groups).scaled(sum(counts)).groups == groups
    if len(counts) > 1:
        with pytest.raises(ValueError, match=f"too few for {len(counts)} groups"):
            FleetProfile(groups=groups).scaled(len(counts) - 1)


@pytest.mark.parametrize(
    ("arguments", "text", "said"),
    [
        (["run", "--no-view", "--scenario"], "steps:\n - do: dance\n", "line 2, steps[0].do: there is no action dance"),
        (["run", "--no-view", "--personality"], "quirks:\n  flies:\n", "line 2, quirks: Object contains unknown field"),
        (["fleet", "--profile"], "groups:\n - name: A\n   count: 0\n", "line 3, groups[0].count: Expected `int` >= 1"),
        (
            ["fleet", "--count", "1", "--profile"],
            "groups: [{name: A}, {name: B}]",
            "--count: 1 is too few for 2 groups",
        ),
    ],
    ids=["scenario", "personality", "fleet", "fleet too small"],
)
def test_nothing_starts_with_a_broken_file(tmp_path: Path, arguments: list[str], text: str, said: str) -> None:
    file, data = tmp_path / "broken.yaml", tmp_path / "data"
    file.write_text(text)
    with socket.create_server(("127.0.0.1", 0)) as csms:
        csms.setblocking(False)
        url = f"ws://127.0.0.1:{csms.getsockname()[1]}/ocpp"
        ended = subprocess.run(
            [sys.executable, "-m", "voltbridge", "station", *arguments, str(file), "--url", url, "--data", str(data)],
            capture_output=True,
            text=True,
            timeout=150,
        )
        with pytest.raises(BlockingIOError):
            csms.accept()
    assert ended.returncode == 2
    assert said in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert ended.stdout == ""
    assert not data.exists()


def test_a_personality_lies_beside_the_file_of_the_fleet(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(
        "vendor: Mine\nevses: 3\nvariables: {TxCtrlr.EVConnectionTimeOut: '61'}\nquirks: {stop-sent-twice: }\n"
    )
    file = tmp_path / "fleet.yaml"
    file.write_text("groups:\n - {name: A, personality: mine.yaml, model: Own}\n - {name: B, personality: old-rapid}\n")
    profile = read_profile(file)
    one, two = (group.built(group.name, "ws://csms") for group in profile.groups)
    assert (one.vendor, one.model, len(one.evses), one.variables["TxCtrlr.EVConnectionTimeOut"]) == (
        "Mine",
        "Own",
        3,
        "61",
    )
    assert [type(quirk) for quirk in one.quirks] == [QUIRKS["stop-sent-twice"]]
    assert (two.model, two.evses[0].direct_current) == ("Old Rapid", True)
    assert "ReserveNow" in two.lacks


def test_those_that_come_with_the_product_say_what_they_are() -> None:
    for name in built_in():
        assert find_personality(name).description
    used = {type(quirk) for name in built_in() for quirk in find_personality(name).own_quirks}
    assert len(used) > 20
    assert all(actions for actions in FEATURES.values())
    assert all(fault.help and fault.effect for fault in FAULTS.values())
