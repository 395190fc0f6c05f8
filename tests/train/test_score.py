from pathlib import Path

import pytest
import torch

from rapsr_core.images import read, resize, save_png
from rapsr_core.quality import score
from train.score import main


@pytest.fixture
def folders(tmp_path: Path) -> list[str]:
    """Three pictures, and the same blurred."""
    for k in range(3):
        image = resize(torch.rand(1, 3, 48, 48, generator=torch.Generator().manual_seed(k)), (112, 112))
        for folder, picture in (("before", resize(resize(image, (28, 28)), (112, 112))), ("after", image)):
            (tmp_path / folder).mkdir(exist_ok=True)
            save_png(picture, tmp_path / folder / f"{k}.png")
    return [str(tmp_path / "before"), str(tmp_path / "after")]


def test_two_folders_are_compared_and_nothing_is_scored_twice(folders, tmp_path, capsys):
    out = tmp_path / "scores.csv"
    main([*folders, "--metrics", "piqe", "--out", str(out), "--part", "0/2"])
    assert "improved" in capsys.readouterr().out
    assert len(out.read_text().splitlines()) == 4  # images 0 and 2
    out.write_text(out.read_text() + "half a li")
    main([*folders, "--metrics", "piqe", "--out", str(out)])
    printed, rows = capsys.readouterr().out, out.read_text().splitlines()
    assert len(rows) == 6
    means = [sum(score(read(Path(f) / f"{k}.png"), ["piqe"])["piqe"].value for k in range(3)) / 3 for f in folders]
    assert printed.startswith(f"PIQE ↓  {means[0]:.3f}  {means[1]:.3f}  {means[1] - means[0]:+.3f} [")
    assert "of 3" in printed


def test_one_folder(folders, tmp_path, capsys):
    main([folders[0], "--metrics", "piqe", "--out", str(tmp_path / "scores.csv")])
    assert "(3 images)" in capsys.readouterr().out


def test_what_cannot_be_compared_is_named(folders, tmp_path, capsys):
    (tmp_path / "after" / "1.png").unlink()
    for given, message in (
        (folders, "1.png is in only one of"),
        ([str(tmp_path)], "no images in"),
        ([*folders, folders[0]], "3 folders are given"),
    ):
        with pytest.raises(SystemExit) as stop:
            main([*given, "--metrics", "piqe", "--out", str(tmp_path / "scores.csv")])
        assert stop.value.code == 2
        assert message in capsys.readouterr().err
