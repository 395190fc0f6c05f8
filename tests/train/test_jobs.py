"""A training run as a job of the studio: the real command, with a tiny prior."""

import sys
from pathlib import Path

import pytest
import torch

import rapsr_core
from rapsr_core.jobs import Command, Runs
from rapsr_core.priors import load_prior
from rapsr_core.refinement import load_refinement

ROOT = Path(rapsr_core.__file__).parents[1]


@pytest.mark.slow
def test_a_refinement_is_watched_stopped_with_a_checkpoint_resumed_and_used(photos, assets, tmp_path):
    runs, out, result = Runs(tmp_path / "runs"), tmp_path / "runs/tiny", tmp_path / "refinement"
    small = ["--steps", "60", "--batch-size", "1", "--resolution", "48", "--rank", "2", "--threads", "1", "--cache-items", "2"]
    where = ["--photos", str(photos), "--cache", str(tmp_path / "cache"), "--prior", str(assets / "prior")]
    argv = (sys.executable, "-m", "train.refine", *small, *where, "--out", str(out), "--export", str(result), "--resume")
    runs.start("tiny", Command(argv, ROOT, {"OMP_NUM_THREADS": "1"}, progress=out))
    for _, progress in runs.watch("tiny", every_s=0.05):
        if progress.curve:
            break
    job = runs.stop("tiny")
    assert job.state == "stopped", job.reason
    reached = torch.load(out / "checkpoint.pt", weights_only=True)["step"]
    assert 20 <= reached < 60 and f"stopped at step {reached}" in job.log.read_text()
    assert not result.exists()

    runs.resume("tiny")
    *_, (job, progress) = runs.watch("tiny", every_s=0.2)
    assert job.state == "finished", job.reason
    assert f"resumed at step {reached}" in job.log.read_text()
    assert (progress.step, progress.steps, progress.seconds_left) == (60, 60, 0.0)
    assert [step for step, _ in progress.curve] == [20, 40, 60]
    assert progress.sheet == out / "sheet-000060.png"
    assert load_refinement(result, load_prior(assets / "prior")).facts["steps"] == 60
