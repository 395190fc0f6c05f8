import json
from pathlib import Path

import pytest
from PIL import Image

from rapsr_core.curation.decisions import Decision, append
from rapsr_core.training.photos import training_photos
from train.curate import main

EXAMPLES = Path(__file__).parents[2] / "assets/examples"
LENIENT = {"short_side": {"low": 64}, "fine_detail": None, "sharpness": None, "noise": None, "blockiness": None}


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six photographs, a copy of one, and a file that is no image."""
    folder = tmp_path_factory.mktemp("pool")
    for path in sorted(EXAMPLES.glob("*.png"))[:6]:
        with Image.open(path) as image:
            image.convert("RGB").resize((160, 120)).save(folder / path.name)
    (folder / "boats-again.png").write_bytes((folder / "boats.png").read_bytes())
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not really")
    return folder


@pytest.fixture(scope="module")
def scored(pool: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out")
    (out / "rules.json").write_text(json.dumps(LENIENT | {"appeal": None}))
    main([str(pool), str(out), "--workers", "1", "--rules", str(out / "rules.json")])
    return out


def lines(path: Path) -> list[list[str]]:
    return [line.split("\t") for line in path.read_text().splitlines()]


def test_a_pool_becomes_a_dataset_that_training_reads(scored: Path) -> None:
    kept = (scored / "kept.txt").read_text().split()
    assert len(kept) == 6 and {"boats.png", "boats-again.png"} - set(kept)
    left = {row[0]: row[1:] for row in lines(scored / "left_out.tsv")[1:]}
    assert left["broken.jpg"][:2] == ["admission", "error"]
    assert next(row for name, row in left.items() if name.startswith("boats"))[1] == "duplicate"
    assert sorted(p.name for p in (scored / "dataset").iterdir()) == ["README.md", "caption", "image", "metadata.jsonl"]
    photos = training_photos(scored / "dataset")
    assert len(photos) == 6 and all(photo.caption for photo in photos)
    assert "<svg" in (scored / "report.html").read_text()


def test_other_thresholds_read_no_pixel(scored: Path, pool: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (scored / "scores.parquet").read_bytes()
    main([str(pool), str(scored), "--workers", "1", "--no-dataset"])
    assert (scored / "scores.parquet").read_bytes() == before
    assert (scored / "kept.txt").read_text() == ""
    told = json.loads((scored / "selection.json").read_text())
    assert told["funnel"][0]["reasons"]["short_side"] == 7
    assert "| Admission | 8 | 8 | 0 |" in capsys.readouterr().out


def test_the_reviewers_decide_last(scored: Path, pool: Path) -> None:
    review = scored / "review.jsonl"
    append(review, [Decision("cat.png", "reject", "me", "2026-01-01T00:00:00+00:00", 1, 1.0)])
    options = ["--rules", str(scored / "rules.json"), "--workers", "1", "--no-dataset", "--review", str(review)]
    main([str(pool), str(scored), *options])
    assert "cat.png" not in (scored / "kept.txt").read_text().split()
    assert ["cat.png", "review"] in [row[:2] for row in lines(scored / "left_out.tsv")]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--judge", "oracle"], "oracle"),
        (["--rules", "{out}/wrong.json"], "no column 'beauty'"),
        (["--captioner", "nobody", "--dry-run"], "nobody"),
    ],
)
def test_bad_input_is_told_before_any_work(
    pool: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options, message
) -> None:
    (tmp_path / "wrong.json").write_text(json.dumps({"beauty": {"low": 1}}))
    with pytest.raises(SystemExit) as stopped:
        main([str(pool), str(tmp_path / "out"), *(o.format(out=tmp_path) for o in options)])
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out" / "parts").exists()
