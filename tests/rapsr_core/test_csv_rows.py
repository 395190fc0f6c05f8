"""The file that grows by a row: what a kill leaves can be gone on from."""

from __future__ import annotations

from pathlib import Path

from rapsr_core import csv_rows


def test_rows_come_back_under_one_header(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    csv_rows.append(path, [["a, b", "1"]], ["image", "niqe"])
    csv_rows.append(path, [['"é"', ""]], ["image", "niqe"])
    assert csv_rows.read(path) == [["image", "niqe"], ["a, b", "1"], ['"é"', ""]]


def test_a_row_cut_off_by_a_kill_is_taken_away_and_can_be_written_again(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_bytes("image,niqe\nfirst,4\nsecond é".encode()[:-1])  # in the middle of a character
    assert csv_rows.read(path) == [["image", "niqe"], ["first", "4"]]
    csv_rows.append(path, [["second", "5"]], ["image", "niqe"])
    assert path.read_text(encoding="utf-8") == "image,niqe\nfirst,4\nsecond,5\n"


def test_a_file_that_is_missing_or_cut_off_in_its_header_has_no_rows(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    assert csv_rows.read(path) == []
    path.write_text("image,ni")
    assert csv_rows.read(path) == []
    csv_rows.append(path, [["first", "4"]], ["image", "niqe"])
    assert csv_rows.read(path) == [["image", "niqe"], ["first", "4"]]
