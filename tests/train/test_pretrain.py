import json
from pathlib import Path

import pytest
import torch

from rapsr_core.priors import load_prior
from train.pretrain import main


@pytest.fixture(scope="module")
def cache(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("cache")
    options = ["--photos", str(photos), "--cache", str(folder), "--cache-items", "3"]
    main([*options, "--cache-only"])
    return options


def options(cache: list[str], assets: Path, out: Path) -> list[str]:
    small = ["--batch-size", "2", "--patch-px", "48", "--warm-start", str(assets / "prior"), "--steps", "4", "--threads", "1"]
    return [*cache, *small, "--out", str(out)]


def parameters(out: Path) -> dict[str, torch.Tensor]:
    return torch.load(out / "checkpoint.pt", weights_only=True)["parameters"]


def test_warm_start_trains_exports_and_resumes(cache, assets, tmp_path):
    """A run that stops after the first step and goes on gives the bits of one that never stopped."""
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    main([*options(cache, assets, whole), "--export", str(tmp_path / "prior")])
    main([*options(cache, assets, cut), "--minutes", "0"])
    assert torch.load(cut / "checkpoint.pt", weights_only=True)["step"] == 1
    main([*options(cache, assets, cut), "--resume"])
    a, b = parameters(whole), parameters(cut)
    assert all(torch.equal(a[name], b[name]) for name in a)
    started, ended = load_prior(assets / "prior"), load_prior(tmp_path / "prior")
    assert ended.fingerprint != started.fingerprint
    assert ended.codec == started.codec
    rows = [json.loads(line) for line in (whole / "progress.jsonl").read_text().splitlines()]
    assert rows[-1].keys() == {"step", "text_contrast"}
    assert (whole / "sheet-000004.png").is_file()


def test_a_frozen_text_encoder_is_not_trained(cache, assets, tmp_path):
    main([*options(cache, assets, tmp_path / "run"), "--freeze-text", "--minutes", "0", "--export", str(tmp_path / "prior")])
    assert {name.split(".")[0] for name in parameters(tmp_path / "run")} == {"0"}
    before, after = (load_prior(folder / "prior").text.encode(["a lake"]).states for folder in (assets, tmp_path))
    assert torch.equal(before, after)


def test_dry_run_makes_nothing(photos, tmp_path, capsys):
    main(["--photos", str(photos), "--cache", str(tmp_path / "c"), "--out", str(tmp_path / "o"), "--dry-run"])
    assert "3 photographs" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_empty_pool_is_named(tmp_path, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--photos", str(tmp_path)])
    assert stop.value.code == 2
    assert f"no photographs for training in {tmp_path}" in capsys.readouterr().err


def test_cache_of_another_seed_is_refused(cache, assets, tmp_path, capsys):
    with pytest.raises(SystemExit):
        main([*options(cache, assets, tmp_path), "--cache-seed", "7"])
    assert "belongs to another seed, pool or kind of target" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "message"), [(["--patch-px", "40"], "multiple of 16"), (["--patch-px", "32"], "LPIPS needs 48")]
)
def test_patches_that_cannot_be_trained_on_are_refused(photos, tmp_path, capsys, given, message):
    with pytest.raises(SystemExit):
        main(["--photos", str(photos), "--cache", str(tmp_path / "c"), *given])
    assert message in capsys.readouterr().err
    assert not (tmp_path / "c").exists()
