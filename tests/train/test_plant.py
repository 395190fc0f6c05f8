"""The command that plants failures."""

from pathlib import Path

import pytest
from PIL import Image

from train.plant import main

EXAMPLES = Path(__file__).parents[2] / "assets/examples"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("a__boats", "b__cat"):
        Image.open(EXAMPLES / f"{name[3:]}.png").convert("RGB").resize((130, 130)).save(folder / f"{name}.png")
    return folder


def test_packages_and_sizes_choose_the_photographs(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([str(photos), str(tmp_path / "out"), "--count", "7", "--packages", "a", "--min-px", "100"])
    twins = [line for line in (tmp_path / "out/truth.tsv").read_text().splitlines()[1:] if "\ttwin\t" in line]
    assert [line.split("\t")[0] for line in twins] == ["a__boats.png"]
    assert "1 twin" in capsys.readouterr().out


@pytest.mark.parametrize(("options", "message"), [(["--min-px", "500"], "no photographs"), (["--min-px", "9"], "not empty")])
def test_what_cannot_be_done_is_said(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    if message == "not empty":
        (out / "file").touch()
    with pytest.raises(SystemExit):
        main([str(photos), str(out), *options])
    assert message in capsys.readouterr().err
