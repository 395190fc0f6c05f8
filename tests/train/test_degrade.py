import json
from pathlib import Path

import pytest
import torch

from rapsr_core.degradation import replay
from rapsr_core.images import read
from train.degrade import main


def rows(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out / "metadata.jsonl").read_text().splitlines()]


def files(out: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted((out / "lq").iterdir())}


def test_workers_order_and_company_do_not_matter(photos, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    main(["--hq", str(photos), "--out", str(one), "--variants", "2", "--sheet", str(tmp_path / "sheet.png")])
    main(["--hq", str(photos), "--out", str(two), "--variants", "2", "--workers", "2"])
    assert files(one) == files(two)
    assert rows(one) == rows(two)
    assert len(rows(one)) == 6
    first = files(tmp_path / "one")
    main(["--hq", str(photos), "--out", str(tmp_path / "alone"), "--limit", "1"])
    assert files(tmp_path / "alone").items() <= first.items()
    assert read(tmp_path / "sheet.png").shape == (1, 3, 320, 6 * 160)


def test_rows_replay_to_the_files(photos, tmp_path):
    main(["--hq", str(photos), "--out", str(tmp_path), "--preset", "seesr_mild"])
    for row in rows(tmp_path):
        assert torch.equal(replay(read(tmp_path / row["hq_file_name"]), row["record"]), read(tmp_path / row["file_name"]))


def test_a_cut_run_goes_on(photos, tmp_path, capsys):
    main(["--hq", str(photos), "--out", str(tmp_path)])
    whole = files(tmp_path)
    text = (tmp_path / "metadata.jsonl").read_text()
    (tmp_path / "metadata.jsonl").write_text(text[: len(text) - 40])  # killed while the last row was written
    (tmp_path / "lq" / "c_0.png").unlink()
    capsys.readouterr()
    main(["--hq", str(photos), "--out", str(tmp_path)])
    assert "3 images, 1 of them new" in capsys.readouterr().out
    assert files(tmp_path) == whole
    assert (tmp_path / "metadata.jsonl").read_text() == text


def test_other_settings_are_refused(photos, tmp_path, capsys):
    main(["--hq", str(photos), "--out", str(tmp_path), "--limit", "1"])
    with pytest.raises(SystemExit) as stop:
        main(["--hq", str(photos), "--out", str(tmp_path), "--limit", "1", "--seed", "4"])
    assert stop.value.code == 2
    assert "choose another --out" in capsys.readouterr().err


def test_explain_writes_every_stage(photos, tmp_path, capsys):
    main(["--explain", str(photos / "a.png"), "--out", str(tmp_path), "--preset", "realesrgan"])
    names = sorted(p.name for p in tmp_path.glob("*.png"))
    assert names[0] == "00-original.png"
    assert names[1] == "01-sharpened.png"
    assert names[-1].endswith("8-bits.png")
    record = json.loads((tmp_path / "record.json").read_text())
    assert torch.equal(replay(read(photos / "a.png"), record), read(tmp_path / names[-1]))


def test_a_small_photograph_is_named(tmp_path, capsys):
    from rapsr_core.images import save_png

    save_png(torch.rand(1, 3, 40, 40), tmp_path / "tiny.png")
    with pytest.raises(SystemExit):
        main(["--hq", str(tmp_path), "--out", str(tmp_path / "out")])
    assert "tiny.png is 40 x 40 px; at least 80 px a side are needed" in capsys.readouterr().err
