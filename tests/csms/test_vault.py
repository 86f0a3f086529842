"""Secrets are stored sealed, and opened with the key that sealed them alone."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from voltbridge.csms.vault import SEALED, UnreadableSecret, Vault
from voltbridge.domain.errors import StorageUnavailable


def test_what_was_sealed_is_opened_by_the_next_program_too(tmp_path: Path) -> None:
    path = tmp_path / "secrets.key"
    vault = Vault(path)
    assert vault.open("as it was") == "as it was" and not path.exists(), "who has no secrets has no key"
    first, second = vault.seal("öpen"), vault.seal("öpen")
    assert first != second and first.startswith(SEALED) and "pen" not in first.removeprefix(SEALED)
    assert [Vault(path).open(each) for each in (first, second)] == ["öpen", "öpen"]
    assert vault.open(vault.seal(first)) == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["secrets.key"]


@pytest.mark.parametrize("key", [None, b"short", bytes(32)])
def test_another_key_opens_nothing(tmp_path: Path, key: bytes | None) -> None:
    sealed = Vault(tmp_path / "one").seal("open sesame")
    if key is not None:
        (tmp_path / "two").write_bytes(key)
    with pytest.raises(UnreadableSecret) as told:
        Vault(tmp_path / "two").open(sealed)
    assert "two" in str(told.value) and "sesame" not in str(told.value)
    assert (tmp_path / "two").exists() is (key is not None), "no key is made to open something"


@pytest.mark.parametrize("text", [SEALED, SEALED + "AAAA", SEALED + "no base64!", SEALED + "A" * 80])
def test_what_nobody_sealed(tmp_path: Path, text: str) -> None:
    vault = Vault(tmp_path / "key")
    vault.seal("x")
    with pytest.raises(UnreadableSecret):
        vault.open(text)


def test_where_no_key_can_be_kept_nothing_is_sealed(tmp_path: Path) -> None:
    with pytest.raises(StorageUnavailable):
        Vault(tmp_path / "missing" / "key").seal("open sesame")
