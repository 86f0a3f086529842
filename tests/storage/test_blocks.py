"""Blocks: which ids they stand for, and that each row's key has its entry."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine

from voltbridge.storage.sql.blocks import MOST_AGE_MS, OpenBlock, block_of, id_ranges
from voltbridge.storage.sql.counters import MESSAGE_BLOCKS, counters


@given(st.sets(st.integers(1, 400), max_size=300))
@settings(max_examples=100)
def test_ranges_cover_the_blocks_and_nothing_else_newest_first(blocks: set[int]) -> None:
    ranges = list(id_ranges(sorted(blocks, reverse=True)))
    covered = [block for first, end in ranges for block in range(block_of(end - 1), block_of(first) - 1, -1)]
    assert covered == sorted(blocks, reverse=True)
    assert all(block_of(end) - block_of(first) <= 64 for first, end in ranges)


def test_the_newest_block_comes_alone() -> None:
    (first, end), *rest = id_ranges(range(5000, 0, -1))
    assert (block_of(first), block_of(end)) == (5000, 5001)
    assert len(rest) < 100


def test_every_key_has_an_entry_in_every_block_it_has_rows_in() -> None:
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        counters.create(connection)
        connection.execute(counters.insert().values(name=MESSAGE_BLOCKS, value=0))
        block = OpenBlock[str](MESSAGE_BLOCKS)
        rows: list[tuple[int, str]] = []
        entries: set[tuple[str, int]] = set()
        for number in range(60):
            keys = [f"CS-{(number * place) % 70}" for place in range(97)]
            if number % 20 == 7:
                block.abandon()
            first, new = block.append(connection, keys, number * MOST_AGE_MS // 8)
            rows += [(first + place, key) for place, key in enumerate(keys)]
            for key, its_block, place in new:
                assert keys[place] == key and key not in keys[:place]
                assert (key, its_block) not in entries
                entries.add((key, its_block))
    engine.dispose()
    assert [row_id for row_id, _ in rows] == sorted({row_id for row_id, _ in rows})
    assert {(key, block_of(row_id)) for row_id, key in rows} == entries
    # Blocks ended because they were full, old or abandoned.
    assert len({its_block for _, its_block in entries}) > 6
