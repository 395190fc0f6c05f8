import json
from pathlib import Path

import pytest
import torch

from rapsr_core.images import resize, save_png
from train.evaluate import arguments, main


@pytest.fixture
def options(assets: Path, tmp_path: Path) -> list[str]:
    """Two small inputs, their recipe, and an output folder."""
    for index, name in enumerate("ab"):
        generator = torch.Generator().manual_seed(index)
        big = resize(torch.rand(1, 3, 24, 32, generator=generator), (96, 128))
        for folder, image in (("hq", big), ("lq", resize(big, (24, 32)))):
            (tmp_path / folder).mkdir(exist_ok=True)
            save_png(image, tmp_path / folder / f"{name}.png")
    recipe = {"cleaner": "none", "steps": 1, "caption": "a photo", "colour_fix": "none", "seed": 5}
    (tmp_path / "recipe.json").write_text(json.dumps(recipe))
    return ["--recipe", str(tmp_path / "recipe.json"), "--assets", str(assets), "--out", str(tmp_path / "out")]


def refused(command: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as stop:
        main(command)
    assert stop.value.code == 2
    return capsys.readouterr().err.splitlines()[-1]


def test_default_metrics():
    assert arguments().parse_args(["--out", "out"]).metrics == ["niqe", "brisque", "piqe", "ilniqe"]


def test_folder_end_to_end(options, tmp_path, capsys):
    main(["--lq", str(tmp_path / "lq"), "--metrics", "niqe", "brisque", "piqe", *options])
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    assert summary["images"] == 2
    assert list(summary["metrics"]) == ["niqe", "brisque", "piqe", "grid"]
    assert all(values["scored"] == 2 for values in summary["metrics"].values())
    for branch in ("baseline", "enhanced"):
        assert sorted(path.name for path in (tmp_path / "out" / branch).iterdir()) == ["a.png", "b.png"]
    assert "| NIQE ↓ |" in capsys.readouterr().out


def test_references_limit_and_resume(options, tmp_path, capsys):
    command = ["--lq", str(tmp_path / "lq"), "--hq", str(tmp_path / "hq"), "--metrics", "niqe", *options]
    main([*command, "--limit", "1"])
    first = (tmp_path / "out/scores.csv").read_text()
    main(command)
    scores = (tmp_path / "out/scores.csv").read_text()
    assert scores.startswith(first)
    assert len(scores.splitlines()) == 3
    assert list(json.loads((tmp_path / "out/summary.json").read_text())["metrics"]) == ["niqe", "psnr", "ssim", "lpips", "grid"]
    message = refused([*command, "--seed", "6"], capsys)
    assert "recipe.seed was 5, now 6" in message


def test_list_chooses_images(options, tmp_path):
    (tmp_path / "list.txt").write_text("# one\nb.png\n")
    main(["--lq", str(tmp_path / "lq"), "--list", str(tmp_path / "list.txt"), "--metrics", "piqe", *options])
    assert [path.name for path in (tmp_path / "out/enhanced").iterdir()] == ["b.png"]


def test_references_alone(options, tmp_path):
    main(["--hq", str(tmp_path / "hq"), "--preset", "seesr_mild", "--metrics", "piqe", "--limit", "1", *options])
    asked = json.loads((tmp_path / "out/run.json").read_text())
    assert asked["degradation"] == {"preset": "seesr_mild", "seed": 5}
    assert (tmp_path / "out/lq/a.png").is_file()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "give --lq"),
        (["--lq", "nowhere"], "no folder at nowhere"),
        (["--lq", "lq", "--limit", "0"], "--limit is 0"),
        (["--lq", "lq", "--metrics", "nique"], "no metric named 'nique'"),
        (["--lq", "lq", "--hq", "other"], "2 of 2 images in lq have no reference"),
        (["--lq", "lq", "--recipe", "bad.json"], "bad.json is not JSON"),
        (["--lq", "lq", "--recipe", "unknown.json"], "unknown recipe field 'sampler'"),
        (["--lq", "lq", "--recipe", "none.json"], "No such file"),
        (["--make-list", "heldout"], "--make-list needs --photos"),
        (["--make-list", "heldout", "--photos", "lq"], "more not found below lq"),
    ],
)
def test_refusals_come_before_any_work(options, tmp_path, monkeypatch, capsys, given, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other").mkdir()
    save_png(torch.zeros(1, 3, 96, 96), tmp_path / "other/z.png")
    (tmp_path / "bad.json").write_text("{")
    (tmp_path / "unknown.json").write_text('{"sampler": "ddim"}')
    assert message in refused([*options, *given], capsys)
    assert not (tmp_path / "out").exists()
