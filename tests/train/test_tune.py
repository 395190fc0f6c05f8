import json
from pathlib import Path

import pytest
import torch

from rapsr_core.images import read, resize, save_png
from rapsr_core.quality.fidelity import psnr_y
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


def test_restorers_stand_in_the_table_and_in_the_plot(options, tmp_path, capsys):
    main([*options, "--restorers", "none", "--plot", "psnr:lpips"])
    table = (tmp_path / "out/table.md").read_text()
    first = table.splitlines()[2].split(" | ")
    assert first[:2] == ["| bicubic", "-"]
    lq, hq = (read(tmp_path / folder / "a.png") for folder in ("lq", "hq"))
    restored = read(tmp_path / "out/restorers/none/a.png")
    assert (restored - resize(lq, (96, 128))).abs().max() <= 0.5 / 255 + 1e-6
    assert float(first[3].strip("*")) == pytest.approx(psnr_y(restored, hq), abs=1e-3)
    drawn = (tmp_path / "out/all-psnr-lpips.svg").read_text()
    assert "PSNR-Y (higher is better)" not in table and "<svg" in drawn
    capsys.readouterr()
    main([*options, "--restorers", "none", "--plot", "psnr:lpips"])
    assert capsys.readouterr().out == table


def test_a_set_without_references_has_no_reference_metrics(options, tmp_path, capsys):
    (tmp_path / "hq/a.png").unlink()
    (tmp_path / "hq").rmdir()
    main(options)
    assert capsys.readouterr().out.splitlines()[0] == "| setting | branch | NIQE ↓ | Grid energy ↓ |"
    with pytest.raises(SystemExit):
        main([*options, "--plot", "psnr:niqe"])
    assert "--plot takes psnr, which is not scored here" in capsys.readouterr().err


def test_images_that_no_list_has_are_named(options, capsys):
    with pytest.raises(SystemExit):
        main([*options, "--by-preset", "heldout"])
    assert "a is not in the list" in capsys.readouterr().err


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
