"""One item, one row."""

import pytest
from tiny_stages import BREAKABLE, LIGHT, SIZE, encoded

from rapsr_core.curation.items import Item
from rapsr_core.curation.scoring import READ, build, read_and_score, score_item


@pytest.fixture(scope="module")
def measures():
    return build((SIZE, BREAKABLE, LIGHT))


def test_a_row_has_the_items_facts_and_every_column(measures):
    scored = score_item(Item("d/x.png", "/p/d/x.png", "pkg", "CC0"), encoded(0), measures)
    mean = scored.row.pop("mean_luma")
    assert scored.row == {
        "id": "d/x.png", "source": "/p/d/x.png", "licence": "CC0", "package": "pkg", "bytes": len(encoded(0)), "error": "",
        "width": 24.0, "height": 16.0, "unbroken": 1.5, "tone": "dark" if mean < 128 else "bright",
    }  # fmt: skip
    assert 0 < mean < 255 and list(scored.seconds) == ["size", "breakable", "light"]


@pytest.mark.parametrize(
    ("name", "data", "error", "width"),
    [
        ("cut.png", encoded(0)[:400], "ImageError: ", None),
        ("empty.png", b"", "ImageError: ", None),
        ("page.jpg", b"<!DOCTYPE html>", "ImageError: 'page.jpg' is an HTML", None),
        ("bug.png", encoded(0), "ZeroDivisionError: a measure's own bug", 24),
        ("memory.png", encoded(0), "MemoryError: 40 GB", 24),
    ],
)
def test_what_fails_is_a_row_with_type_and_message_and_nothing_after(measures, name, data, error, width):
    row = score_item(Item(name, name), data, measures).row
    assert str(row["error"]).startswith(error)
    assert (row["width"], row["unbroken"], row["mean_luma"], row["tone"]) == (width, None, None, None)


@pytest.mark.parametrize("name", ["none.png", "nan.png"])
def test_a_number_that_is_not_finite_is_not_measurable_and_no_error(measures, name):
    row = score_item(Item(name, name), encoded(0), measures).row
    assert row["unbroken"] is None and row["error"] == "" and row["tone"]


def test_bytes_that_cannot_be_read_are_a_row(measures, tmp_path):
    scored = read_and_score(Item("gone.png", str(tmp_path / "gone.png")), measures)
    assert str(scored.row["error"]).startswith("FileNotFoundError") and scored.row["bytes"] is None
    assert list(scored.seconds) == [READ]


def test_a_stage_that_does_not_return_its_columns_is_an_error_not_a_hole():
    row = score_item(Item("x", "x"), encoded(0), [(SIZE, lambda _: {"width": 3})]).row
    assert row["error"] == "KeyError: 'height'" and row["width"] is None
