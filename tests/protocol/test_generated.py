"""The committed messages are what the generator writes, and the names it makes are good names."""

from __future__ import annotations

import keyword
import subprocess
import sys
from enum import StrEnum
from pathlib import Path

import msgspec
import pytest

import generate_protocol
import protocol_facts
from protocol_names import enum_member, module_name, python_name
from protocol_schemas import FACTS, load, name_inline_types
from voltbridge.protocol import v16, v21, v201

ROOT = Path(__file__).resolve().parents[2]


def test_the_committed_files_are_what_the_generator_writes() -> None:
    done = subprocess.run(
        [sys.executable, "tools/generate_protocol.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_changed_missing_or_extra_file_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    generate_protocol.generate(tmp_path)
    monkeypatch.setattr(generate_protocol, "TARGET", tmp_path)
    assert generate_protocol.main(["--check"]) == 0
    reset = tmp_path / "v16" / "reset.py"
    reset.write_text(reset.read_text() + "\n")
    (tmp_path / "v201" / "reset.py").unlink()
    (tmp_path / "v21" / "more.py").write_text("")
    assert generate_protocol.main(["--check"]) == 1
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [
        "v16/reset.py",
        "v201/reset.py",
        "v21/more.py",
    ]
    assert generate_protocol.main([]) == 0
    assert generate_protocol.main(["--check"]) == 0


def test_corrections_are_made() -> None:
    meter_values = load("1.6")["MeterValuesRequest"]["properties"]["meterValue"]
    assert "minItems" not in meter_values
    assert "minItems" not in meter_values["items"]["properties"]["sampledValue"]
    assert "HERTZ" not in v16.UnitOfMeasure.__members__
    exi = load("2.0.1")["Get15118EVCertificateResponse"]["properties"]["exiResponse"]
    assert exi["maxLength"] == 5600


def test_a_correction_of_something_else_stops_the_generator(monkeypatch: pytest.MonkeyPatch) -> None:
    stale = protocol_facts.Correction("2.0.1", "ResetRequest", "properties/evseId/type", "string", "integer", "")
    monkeypatch.setattr("protocol_schemas.CORRECTIONS", (stale,))
    with pytest.raises(ValueError, match="ResetRequest"):
        load("2.0.1")


def test_a_schema_without_an_action_stops_the_generator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FACTS, "1.6", FACTS["1.6"][1:])
    with pytest.raises(ValueError, match="Authorize"):
        load("1.6")


def test_inline_types_that_differ_need_two_names() -> None:
    schemas = load("1.6")
    entry = schemas["SetChargingProfileRequest"]["properties"]["csChargingProfiles"]
    entry["properties"]["chargingSchedule"]["properties"]["chargingRateUnit"]["enum"].append("VA")
    named = name_inline_types(schemas)
    assert named["SetChargingProfileRequest"]["definitions"] != named["RemoteStartTransactionRequest"]["definitions"]


@pytest.mark.parametrize(
    ("wire", "name"),
    [
        ("idTagInfo", "id_tag_info"),
        ("evseId", "evse_id"),
        ("customData", "custom_data"),
        ("limit_L2", "limit_l2"),
        ("maxChargePower_L3", "max_charge_power_l3"),
        ("soC", "soc"),
        ("fullSoC", "full_soc"),
        ("iso15118CertificateHashData", "iso15118_certificate_hash_data"),
        ("responderURL", "responder_url"),
        ("ePriceLevel", "e_price_level"),
        ("evMaxV2XEnergyRequest", "ev_max_v2x_energy_request"),
        ("prioritizedEMAIDs", "prioritized_emaids"),
        ("hv10MinMeanValue", "hv10_min_mean_value"),
        ("from", "from_"),
    ],
)
def test_field_names(wire: str, name: str) -> None:
    assert python_name(wire) == name


@pytest.mark.parametrize(
    ("wire", "name"),
    [
        ("Energy.Active.Import.Register", "ENERGY_ACTIVE_IMPORT_REGISTER"),
        ("L1-N", "L1_N"),
        ("kWh", "KWH"),
        ("SoC", "SOC"),
        ("SuspendedEVSE", "SUSPENDED_EVSE"),
        ("eMAID", "EMAID"),
        ("ISO14443", "ISO14443"),
        ("cCCS1", "C_CCS1"),
        ("s309-1P-16A", "S309_1P_16A"),
        ("Other1PhMax16A", "OTHER_1PH_MAX16A"),
        ("V2GRootCertificate", "V2G_ROOT_CERTIFICATE"),
        ("AC_three_phase", "AC_THREE_PHASE"),
        ("3rdParty", "_3RD_PARTY"),
    ],
)
def test_member_names(wire: str, name: str) -> None:
    assert enum_member(wire) == name


def test_module_names() -> None:
    assert module_name("Get15118EVCertificate") == "get_15118_ev_certificate"
    assert module_name("NotifyDERAlarm") == "notify_der_alarm"


@pytest.mark.parametrize("package", [v16, v201, v21])
def test_all_names_are_python_names(package: object) -> None:
    names = [getattr(package, name) for name in package.__all__]  # type: ignore[attr-defined]
    classes = [kind for kind in names if isinstance(kind, type)]
    structs = [kind for kind in classes if issubclass(kind, msgspec.Struct)]
    enums = [kind for kind in classes if issubclass(kind, StrEnum)]
    assert len(structs) > 80
    assert len(enums) > 30
    for struct in structs:
        for field in msgspec.structs.fields(struct):
            assert field.name.islower()
            assert field.name.isidentifier()
            assert not keyword.iskeyword(field.name)
            assert "__" not in field.name
    for enum in enums:
        assert all(member.isupper() or member.isdigit() for member in enum.__members__)
