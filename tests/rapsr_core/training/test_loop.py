import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from signals import heard
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import Tensor, nn

import rapsr_core
from rapsr_core.training.loop import LoopSettings, Trainer, TrainingError, learning_rate


class Line:
    """Fit y = 3x - 1: a real task with its own seeded samples."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.network = nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 1))
        self.sheets = 0

    @property
    def modules(self) -> list[nn.Module]:
        return [self.network]

    def loss(self, first: int, count: int) -> tuple[Tensor, dict[str, float]]:
        x = torch.cat([torch.randn(1, 1, generator=torch.Generator().manual_seed(first + k)) for k in range(count)])
        return (self.network(x) - (3 * x - 1)).square().mean(), {}

    def sheet(self, path: Path) -> dict[str, float]:
        self.sheets += 1
        path.write_bytes(b"a sheet")
        return {"sheets": float(self.sheets)}


SETTINGS = LoopSettings(steps=40, batch_size=4, learning_rate=0.05, warmup_steps=3, mixed_precision="no", log_steps=5)

TWENTY = replace(SETTINGS, steps=20)


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


@pytest.mark.parametrize("accumulation", [2, 4])
def test_forward_passes_add_up_to_the_batch(tmp_path: Path, accumulation: int) -> None:
    whole = Trainer(Line(), SETTINGS, tmp_path / "whole")
    parts = Trainer(Line(), replace(SETTINGS, accumulation=accumulation), tmp_path / "parts")
    for _ in range(20):
        one, other = whole.train_step(), parts.train_step()
        assert one["loss"] == pytest.approx(other["loss"], abs=1e-5)
    assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(weights(whole), weights(parts), strict=True))


def test_two_processes_learn_what_one_does_in_two_passes(tmp_path: Path) -> None:
    """Each takes half of every batch; the mean of their gradients is that of the one's two passes."""
    alone = Trainer(Line(), replace(TWENTY, accumulation=2), tmp_path / "alone")
    alone.run()
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", __file__]
    subprocess.run([*launch, "train", str(tmp_path / "two")], check=True, env=environment(), timeout=120)
    state = torch.load(tmp_path / "two" / "checkpoint.pt", weights_only=True)
    assert state["step"] == 20
    assert all(torch.allclose(state["parameters"][n], p, atol=1e-5) for n, p in alone.parameters.items())


def test_a_killed_run_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    """kill -9 somewhere after the first checkpoint, the same command again, and again nothing but the steps tells."""
    whole = Trainer(Line(), SETTINGS, tmp_path / "whole")
    whole.run()
    command, folder = [sys.executable, __file__, "slowly", str(tmp_path / "cut"), "0"], tmp_path / "cut"
    victim = subprocess.Popen(command, env=environment())
    while not (folder / "checkpoint.pt").is_file():
        assert victim.poll() is None, "the run ended before its first checkpoint"
        time.sleep(0.05)
    victim.kill()
    assert victim.wait() == -signal.SIGKILL
    reached = torch.load(folder / "checkpoint.pt", weights_only=True)["step"]
    assert 0 < reached < SETTINGS.steps
    subprocess.run(command, check=True, env=environment(), timeout=120)
    state = torch.load(folder / "checkpoint.pt", weights_only=True)
    assert state["step"] == SETTINGS.steps
    assert all(torch.equal(state["parameters"][n], p) for n, p in whole.parameters.items())
    assert all(torch.equal(a, b) for a, b in zip(state["ema"]["shadow_params"], whole.ema.shadow_params, strict=True))


def test_an_interrupted_run_keeps_its_last_step_and_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    """Ctrl-C in the middle: no checkpoint was due, and one is there; no step is done twice."""
    whole = Trainer(Line(), SETTINGS, tmp_path / "whole")
    whole.run()
    folder = tmp_path / "cut"
    command = [sys.executable, __file__, "slowly", str(folder), "4"]
    run = subprocess.Popen(command, env=environment(), preexec_fn=heard, stderr=subprocess.PIPE, text=True)
    while not (folder / "progress.jsonl").is_file():
        assert run.poll() is None, "the run ended before its first row"
        time.sleep(0.02)
    assert not (folder / "checkpoint.pt").exists()
    run.send_signal(signal.SIGINT)
    _, said = run.communicate(timeout=60)
    reached = torch.load(folder / "checkpoint.pt", weights_only=True)["step"]
    assert 0 < reached < SETTINGS.steps
    assert run.returncode == -signal.SIGINT and f"stopped at step {reached};" in said
    assert not list(folder.glob("sheet-*"))
    subprocess.run(command, check=True, env=environment(), timeout=120)
    state = torch.load(folder / "checkpoint.pt", weights_only=True)
    assert all(torch.equal(state["parameters"][n], p) for n, p in whole.parameters.items())
    rows = [json.loads(line) for line in (folder / "progress.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows if "loss" in row] == [5, 10, 15, 20, 25, 30, 35, 40]


def test_a_run_in_a_thread_leaves_signals_alone(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    with ThreadPoolExecutor(1) as threads:
        assert threads.submit(Trainer(Line(), TWENTY, tmp_path).run).result() == 20
    assert signal.getsignal(signal.SIGINT) is before


def environment() -> dict[str, str]:
    root = Path(rapsr_core.__file__).parents[1]
    paths = os.pathsep.join([str(root), str(root / "tests/support")])
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": paths}


def test_an_uneven_batch_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"a batch of 4 .* 3 forward passes each; give a multiple of 3"):
        Trainer(Line(), replace(SETTINGS, accumulation=3), tmp_path)


def test_half_precision_learns_too(tmp_path: Path) -> None:
    """fp16 with a scaled loss: on the CPU here, as far as that goes."""
    trainer = Trainer(Line(), replace(SETTINGS, mixed_precision="fp16"), tmp_path)
    start = trainer.task.loss(1000, 64)[0].item()
    trainer.run()
    assert trainer.task.loss(1000, 64)[0].item() < 0.3 * start


def test_trackers_get_the_rows(tmp_path: Path) -> None:
    Trainer(Line(), SETTINGS, tmp_path, ["tensorboard"]).run()
    events = EventAccumulator(str(next(tmp_path.rglob("events.out.*"))))
    events.Reload()
    assert [event.step for event in events.Scalars("loss")] == [5, 10, 15, 20, 25, 30, 35, 40]


def test_sheets_every_so_many_steps(tmp_path: Path) -> None:
    task = Line()
    Trainer(task, replace(SETTINGS, sheet_every_steps=15), tmp_path).run()
    assert sorted(path.name for path in tmp_path.glob("*.png")) == ["sheet-000015.png", "sheet-000030.png", "sheet-000040.png"]
    assert task.sheets == 3


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
    assert learning_rate(replace(SETTINGS, lr_schedule="linear"), 30) == pytest.approx(0.025)
    assert learning_rate(replace(SETTINGS, lr_schedule="constant"), 40) == 0.05


def slowly() -> None:
    """A run that leaves time to be killed: a checkpoint at every step, or after the minutes given."""
    task = Line()
    quick = task.loss

    def loss(first: int, count: int) -> tuple[Tensor, dict[str, float]]:
        time.sleep(0.05)
        return quick(first, count)

    task.loss = loss  # type: ignore[method-assign]
    trainer = Trainer(task, replace(SETTINGS, checkpoint_minutes=float(sys.argv[3])), Path(sys.argv[2]))
    trainer.resume()
    trainer.run()


if __name__ == "__main__":  # a process of one of the tests above
    if sys.argv[1] == "slowly":
        slowly()
    else:
        trainer = Trainer(Line(), TWENTY, Path(sys.argv[2]))
        trainer.run()
        trainer.close()
