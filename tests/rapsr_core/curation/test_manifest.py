"""Parts and the one file made of them."""

import hashlib

import numpy as np
import pytest
from tiny_stages import LIGHT, SIZE

from rapsr_core.curation import manifest
from rapsr_core.curation.items import Item
from rapsr_core.curation.manifest import ManifestError, merge, part_facts, part_path, read_manifest, write_part
from rapsr_core.curation.scoring import failed_row

STAGES = (SIZE, LIGHT)


def rows(n):
    return [
        failed_row(Item(f"{k:06}", f"/p/{k}"), "" if k % 5 else "damaged", STAGES)
        | {"width": k / 3 if k % 5 else None, "tone": "dark" if k % 5 else None, "bytes": k}
        for k in range(n)
    ]


def write(out, table, size):
    numbers = range(0, len(table), size)
    for number, first in enumerate(numbers):
        write_part(part_path(out, number), table[first : first + size], STAGES, {"read": 0.5})
    return len(numbers)


def sha(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_values_come_back_exactly_and_missing_ones_as_nan_and_empty(tmp_path):
    read = read_manifest(merge(tmp_path, write(tmp_path, rows(11), 4), STAGES))
    assert list(read)[:6] == ["id", "source", "licence", "package", "bytes", "error"]
    assert list(read["id"]) == [f"{k:06}" for k in range(11)]
    np.testing.assert_array_equal(read["width"], [k / 3 if k % 5 else np.nan for k in range(11)])
    assert list(read["error"] != "") == [k % 5 == 0 for k in range(11)]
    assert read["tone"][0] == "" and read["tone"][1] == "dark" and read["bytes"].dtype == np.float64


def test_the_size_of_the_parts_leaves_no_trace_in_the_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(manifest, "ROW_GROUP", 16)
    shas = {sha(merge(tmp_path / str(size), write(tmp_path / str(size), rows(50), size), STAGES)) for size in (1, 7, 16, 50)}
    assert len(shas) == 1
    changed = rows(50)
    changed[40]["width"] = 99.0
    assert sha(merge(tmp_path / "changed", write(tmp_path / "changed", changed, 7), STAGES)) not in shas


def test_a_part_knows_its_rows_errors_and_seconds_and_leaves_no_temporary_file(tmp_path):
    parts = write(tmp_path, rows(11), 11)
    facts = part_facts(part_path(tmp_path, 0))
    assert (facts.images, facts.errors, facts.seconds) == (11, 3, {"read": 0.5})
    assert [p.name for p in (tmp_path / "parts").iterdir()] == ["part-000000.parquet"]
    assert manifest.seconds_per_image(tmp_path, parts) == {"read": pytest.approx(0.5 / 11)}


def test_a_missing_part_and_parts_out_of_order_are_errors_and_leave_no_scores(tmp_path):
    write(tmp_path, rows(8), 4)
    with pytest.raises(ManifestError, match="1 of 3 parts are missing, the first is 2"):
        merge(tmp_path, 3, STAGES)
    first, second = part_path(tmp_path, 0), part_path(tmp_path, 1)
    held = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(held)
    with pytest.raises(ManifestError, match="not in the order"):
        merge(tmp_path, 2, STAGES)
    assert not (tmp_path / "scores.parquet").exists()


def test_two_columns_of_one_name_are_refused():
    with pytest.raises(ManifestError, match="two columns are named 'width'"):
        manifest.schema((SIZE, SIZE))


def test_text_that_utf8_cannot_hold_is_written_escaped(tmp_path):
    row = failed_row(Item("a", "/p/caf\udce9"), "bad \ud800 text", STAGES)
    write_part(part_path(tmp_path, 0), [row], STAGES, {})
    read = read_manifest(merge(tmp_path, 1, STAGES))
    assert read["source"][0] == "/p/caf\\udce9" and read["error"][0] == "bad \\ud800 text"
