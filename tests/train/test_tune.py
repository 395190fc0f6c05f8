import json
from pathlib import Path

import pytest
import torch

from rapsr_core.images import resize, save_png
from train.tune import main

FAST = {"cleaner": "none", "steps": 1, "caption": "a photo", "colour_fix": "none"}


@pytest.fixture
def options(assets: Path, tmp_path: Path) -> list[str]:
    big = resize(torch.rand(1, 3, 24, 32, generator=torch.Generator().manual_seed(0)), (96, 128))
    for folder, image in (("hq", big), ("lq", resize(big, (24, 32)))):
        (tmp_path / folder).mkdir()
        save_png(image, tmp_path / folder / "a.png")
    settings = {"plain": FAST | {"guidance_scale": 1.0}, "guided": FAST | {"guidance_scale": 2.0}}
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    given = ["--set", str(tmp_path), "--settings", str(tmp_path / "settings.json"), "--assets", str(assets)]
    return [*given, "--out", str(tmp_path / "out"), "--metrics", "niqe"]


def test_table_of_settings_made_in_parts(options, tmp_path, capsys):
    main([*options, "--only", "guided"])
    assert not (tmp_path / "out/table.md").exists()
    made = (tmp_path / "out/guided/scores.csv").read_bytes()
    capsys.readouterr()
    main(options)
    assert (tmp_path / "out/guided/scores.csv").read_bytes() == made
    table = (tmp_path / "out/table.md").read_text()
    assert capsys.readouterr().out == table
    header, _, *rows = table.splitlines()
    assert header == "| setting | branch | NIQE ↓ | PSNR-Y ↑ | SSIM-Y ↑ | LPIPS ↓ | Grid energy ↓ |"
    assert [row.split(" | ")[:2] for row in rows] == [
        ["| plain", "baseline"], ["| plain", "enhanced"], ["| guided", "baseline"], ["| guided", "enhanced"]
    ]  # fmt: skip
    for column, best in ((2, min), (3, max)):
        values = [float(row.split(" | ")[column].strip("*| ")) for row in rows]
        bold = [value for value, row in zip(values, rows, strict=True) if "**" in row.split(" | ")[column]]
        assert set(bold) == {best(values)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1]", "must be an object of named recipes"),
        ("{", "is not JSON"),
        ('{"wild": {"guidance_scale": 99}}', "wild: guidance_scale is 99"),
    ],
)
def test_settings_that_cannot_be_used_are_named(options, tmp_path, capsys, text, message):
    (tmp_path / "settings.json").write_text(text)
    with pytest.raises(SystemExit) as stop:
        main(options)
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


def test_an_unknown_setting_is_named(options, capsys):
    with pytest.raises(SystemExit):
        main([*options, "--only", "fancy"])
    assert "no setting named 'fancy'; there are plain, guided" in capsys.readouterr().err
