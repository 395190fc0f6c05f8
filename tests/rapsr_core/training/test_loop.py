import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import rapsr_core
from rapsr_core.training.loop import LoopSettings, Trainer, TrainingError, learning_rate


class Line:
    """Fit y = 3x - 1: a real task with its own seeded samples."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.network = nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1))
        self.sheets: list[Path] = []

    @property
    def modules(self) -> list[nn.Module]:
        return [self.network]

    def loss(self, first: int, count: int) -> tuple[Tensor, dict[str, float]]:
        x = torch.cat([torch.randn(1, 1, generator=torch.Generator().manual_seed(first + k)) for k in range(count)])
        return (self.network(x) - (3 * x - 1)).square().mean(), {}

    def sheet(self, path: Path) -> dict[str, float]:
        self.sheets.append(path)
        return {"sheets": float(len(self.sheets))}


SETTINGS = LoopSettings(steps=40, batch_size=4, learning_rate=0.05, warmup_steps=3, mixed_precision="no", log_steps=5)


def weights(trainer: Trainer) -> list[Tensor]:
    return [p.detach().clone() for p in trainer.parameters.values()] + [p.clone() for p in trainer.ema.shadow_params]


def test_resume_is_bit_identical(tmp_path: Path) -> None:
    whole = Trainer(Line(), SETTINGS, tmp_path / "whole")
    whole.run()
    first = Trainer(Line(), SETTINGS, tmp_path / "cut")
    for _ in range(17):
        first.train_step()
    first.save()
    first.train_step()  # lost by the kill
    second = Trainer(Line(), SETTINGS, tmp_path / "cut")
    assert second.resume()
    assert second.step == 17
    second.run()
    assert all(torch.equal(a, b) for a, b in zip(weights(whole), weights(second), strict=True))


def test_it_learns_and_logs(tmp_path: Path) -> None:
    trainer = Trainer(Line(), SETTINGS, tmp_path)
    start = trainer.task.loss(1000, 64)[0].item()
    trainer.run()
    assert trainer.task.loss(1000, 64)[0].item() < 0.2 * start
    rows = [json.loads(line) for line in (tmp_path / "progress.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows if "loss" in row] == [5, 10, 15, 20, 25, 30, 35, 40]
    assert rows[-1] == {"step": 40, "sheets": 1.0}


def test_resume_forgets_the_rows_it_will_repeat(tmp_path: Path) -> None:
    first = Trainer(Line(), SETTINGS, tmp_path)
    for _ in range(7):
        first.train_step()
    first.save()
    (tmp_path / "progress.jsonl").write_text('{"step": 5}\n{"step": 10}\n')
    Trainer(Line(), SETTINGS, tmp_path).resume()
    assert (tmp_path / "progress.jsonl").read_text() == '{"step": 5}\n'


def test_two_processes_learn_what_one_does(tmp_path: Path) -> None:
    """Each takes half of every batch; the mean of their gradients is the gradient of the batch."""
    alone = Trainer(Line(), SETTINGS, tmp_path / "alone")
    alone.run()
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", __file__]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(rapsr_core.__file__).parents[1])}
    subprocess.run([*launch, str(tmp_path / "two")], check=True, env=env, timeout=120)
    state = torch.load(tmp_path / "two" / "checkpoint.pt", weights_only=True)
    assert state["step"] == 40
    assert all(torch.allclose(state["parameters"][n], p, atol=1e-4) for n, p in alone.parameters.items())


def test_other_settings_are_refused(tmp_path: Path) -> None:
    Trainer(Line(), SETTINGS, tmp_path).save()
    other = Trainer(
        Line(), LoopSettings(steps=41, batch_size=4, learning_rate=0.05, warmup_steps=3, mixed_precision="no"), tmp_path
    )
    with pytest.raises(TrainingError, match="steps is 41, was 40"):
        other.resume()


def test_averaged_restores(tmp_path: Path) -> None:
    trainer = Trainer(Line(), SETTINGS, tmp_path)
    for _ in range(5):
        trainer.train_step()
    live = [p.detach().clone() for p in trainer.parameters.values()]
    with trainer.averaged():
        assert not torch.equal(next(iter(trainer.parameters.values())), live[0])
    assert all(torch.equal(p, q) for p, q in zip(trainer.parameters.values(), live, strict=True))


def test_learning_rate() -> None:
    assert learning_rate(SETTINGS, 0) == pytest.approx(0.05 / 3)
    assert learning_rate(SETTINGS, 15) == pytest.approx(0.05)
    assert learning_rate(SETTINGS, 40) == pytest.approx(0.0, abs=1e-6)


if __name__ == "__main__":  # one of the processes of test_two_processes_learn_what_one_does
    Trainer(Line(), SETTINGS, Path(sys.argv[1])).run()
