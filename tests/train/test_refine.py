import json
from pathlib import Path

import pytest
import torch

from rapsr_core.priors import load_prior
from rapsr_core.refinement import load_refinement
from train.refine import main


@pytest.fixture
def options(photos: Path, assets: Path, tmp_path: Path) -> list[str]:
    data = ["--photos", str(photos), "--curate", "2", "--cache", str(tmp_path / "cache"), "--cache-items", "2"]
    return [*data, "--prior", str(assets / "prior"), "--out", str(tmp_path / "out"), "--rank", "2", "--threads", "1"]


def test_refinement_is_written_and_belongs_to_its_prior(options, assets, tmp_path):
    main([*options, "--steps", "2", "--batch-size", "2", "--patch-px", "48", "--export", str(tmp_path / "refinement")])
    facts = json.loads((tmp_path / "refinement/refinement.json").read_text())
    assert facts["steps"] == 2
    assert facts["curated_photographs"] == 2
    assert facts["prior_fingerprint"] == load_prior(assets / "prior").fingerprint
    refinement = load_refinement(tmp_path / "refinement", load_prior(assets / "prior"))
    assert any(torch.count_nonzero(update.delta()) for name, update in refinement.updates.items() if "add_embedding" in name)


def test_dry_run_makes_no_cache(options, tmp_path, capsys):
    main([*options, "--dry-run"])
    printed = capsys.readouterr().out
    assert "2 curated photographs" in printed
    assert "'[X]. ' is token ids [314, 343, 26262]" in printed
    assert not (tmp_path / "cache").exists()
