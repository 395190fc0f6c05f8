from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

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

    def loss(self, step: int, batch_size: int) -> tuple[Tensor, dict[str, float]]:
        x = torch.cat(
            [torch.randn(1, 1, generator=torch.Generator().manual_seed(step * batch_size + k)) for k in range(batch_size)]
        )
        return (self.network(x) - (3 * x - 1)).square().mean(), {}

    def sheet(self, path: Path) -> None:
        self.sheets.append(path)


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
    assert len((tmp_path / "progress.jsonl").read_text().splitlines()) == 8


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
