"""The one training loop, shared by pretraining and refinement.

Every random draw of sample n comes from a generator seeded with (seed, n), so the data position IS the step number, and a
checkpoint of parameters, optimiser, EMA and step resumes to bit-identical parameters. Checkpoints are written to a
temporary name and renamed, so a kill leaves the previous one whole.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import torch
from accelerate import Accelerator
from diffusers.training_utils import EMAModel
from torch import Tensor, nn


class TrainingError(ValueError):
    """Settings that cannot train, or a checkpoint that belongs to other settings; the message names the value."""


@dataclass(frozen=True)
class LoopSettings:
    """Everything the loop itself needs. Units in the names; `steps` are optimiser steps."""

    steps: int
    batch_size: int = 16
    learning_rate: float = 6e-4
    warmup_steps: int = 100
    decay_from: float = 0.5  # share of `steps` after which a half cosine takes the learning rate to zero; 1 = constant
    weight_decay: float = 0.01
    gradient_clip: float = 1.0
    ema_decay: float = 0.999
    mixed_precision: Literal["no", "bf16"] = "bf16"
    seed: int = 0
    checkpoint_minutes: float = 4.0
    sheet_minutes: float = 20.0
    log_steps: int = 20


class Task(Protocol):
    """What is learned. A task owns no random state: `loss` depends on its arguments and the parameters alone."""

    @property
    def modules(self) -> Sequence[nn.Module]:
        """Modules whose trainable parameters are optimised, checkpointed and averaged, in a fixed order."""

    def loss(self, step: int, batch_size: int) -> tuple[Tensor, dict[str, float]]:
        """Mean loss of the samples step * batch_size ... (step + 1) * batch_size - 1, and figures to log."""

    def sheet(self, path: Path) -> None:
        """Write a validation sheet (PNG) made with the parameters as they are (the loop puts the EMA in)."""


def learning_rate(settings: LoopSettings, step: int) -> float:
    """Linear warm-up, constant, then a half cosine to zero from `decay_from * steps` on."""
    warm = min(1.0, (step + 1) / max(settings.warmup_steps, 1))
    start = settings.decay_from * settings.steps
    done = 0.0 if step <= start else (step - start) / max(settings.steps - start, 1)
    return settings.learning_rate * warm * 0.5 * (1 + torch.cos(torch.tensor(done * torch.pi)).item())


class Trainer:
    """Runs a task. `folder` receives `checkpoint.pt`, `progress.jsonl`, `settings.json` and `sheet-*.png`."""

    def __init__(self, task: Task, settings: LoopSettings, folder: Path) -> None:
        self.task, self.settings, self.folder = task, settings, folder
        self.accelerator = Accelerator(mixed_precision=settings.mixed_precision, cpu=not torch.cuda.is_available())
        named = [(f"{i}.{n}", p) for i, m in enumerate(task.modules) for n, p in m.named_parameters() if p.requires_grad]
        if not named:
            raise TrainingError("no parameter requires a gradient; choose a method or targets that match the model")
        self.parameters = dict(named)
        self.optimizer = torch.optim.AdamW(_decay_groups(task.modules, settings.weight_decay), lr=settings.learning_rate)
        self.ema = EMAModel(list(self.parameters.values()), decay=settings.ema_decay, use_ema_warmup=True, power=0.75)
        self.step = 0
        folder.mkdir(parents=True, exist_ok=True)

    def run(self, *, minutes: float | None = None, report: Callable[[dict[str, Any]], None] = lambda row: None) -> int:
        """Train to `settings.steps`, or for at most `minutes`; writes a checkpoint at the end. Returns the step reached."""
        began = saved = drawn = time.monotonic()
        (self.folder / "settings.json").write_text(json.dumps(asdict(self.settings), indent=2) + "\n")
        logged_at, first = time.monotonic(), self.step
        while self.step < self.settings.steps and (minutes is None or time.monotonic() - began < minutes * 60):
            figures = self.train_step()
            now = time.monotonic()
            if self.step % self.settings.log_steps == 0:
                rate = (self.step - first) * self.settings.batch_size / (now - logged_at)
                logged_at, first = now, self.step
                self._log(figures | {"samples_per_s": round(rate, 2), "seconds": round(now - began, 1)}, report)
            if now - saved > self.settings.checkpoint_minutes * 60:
                self.save()
                saved = now
            if now - drawn > self.settings.sheet_minutes * 60:
                self.sheet()
                drawn = now
        self.save()
        self.sheet()
        return self.step

    def train_step(self) -> dict[str, float]:
        """One optimiser step; deterministic given the parameters and the step number."""
        rate = learning_rate(self.settings, self.step)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        with self.accelerator.autocast():
            loss, figures = self.task.loss(self.step, self.settings.batch_size)
        if not torch.isfinite(loss):
            raise TrainingError(f"the loss is {loss.item()} at step {self.step}; lower the learning rate ({rate:.2g})")
        self.accelerator.backward(loss)
        norm = torch.nn.utils.clip_grad_norm_(list(self.parameters.values()), self.settings.gradient_clip)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.ema.step(list(self.parameters.values()))
        self.step += 1
        return {"step": self.step, "loss": loss.item(), "lr": rate, "gradient_norm": norm.item()} | figures

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Parameters replaced by their EMA inside the block, restored after it."""
        live = list(self.parameters.values())
        self.ema.store(live)
        self.ema.copy_to(live)
        try:
            yield
        finally:
            self.ema.restore(live)

    def sheet(self) -> None:
        with self.averaged(), torch.no_grad():
            self.task.sheet(self.folder / f"sheet-{self.step:06d}.png")

    def save(self) -> None:
        """Write `checkpoint.pt` atomically."""
        state = {
            "step": self.step,
            "settings": asdict(self.settings),
            "parameters": {n: p.detach() for n, p in self.parameters.items()},
            "optimizer": self.optimizer.state_dict(),
            "ema": self.ema.state_dict(),
        }
        temporary = self.folder / "checkpoint.pt.tmp"
        torch.save(state, temporary)
        os.replace(temporary, self.folder / "checkpoint.pt")

    def resume(self) -> bool:
        """Continue from `checkpoint.pt` if it is there. Raises TrainingError if it was made with other settings."""
        path = self.folder / "checkpoint.pt"
        if not path.is_file():
            return False
        state = torch.load(path, map_location="cpu", weights_only=True)
        free = {"checkpoint_minutes", "sheet_minutes", "log_steps"}
        differ = {k: (v, state["settings"][k]) for k, v in asdict(self.settings).items() if state["settings"][k] != v}
        if differ.keys() - free:
            named = "; ".join(f"{k} is {a}, was {b}" for k, (a, b) in differ.items())
            raise TrainingError(f"{path} was made with other settings ({named}); repeat them, or choose another folder")
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                parameter.copy_(state["parameters"][name])
        self.optimizer.load_state_dict(state["optimizer"])
        self.ema.load_state_dict(state["ema"])
        self.step = state["step"]
        return True

    def _log(self, row: dict[str, Any], report: Callable[[dict[str, Any]], None]) -> None:
        with (self.folder / "progress.jsonl").open("a") as file:
            file.write(json.dumps({k: round(v, 6) if isinstance(v, float) else v for k, v in row.items()}) + "\n")
        report(row)


def _decay_groups(modules: Sequence[nn.Module], weight_decay: float) -> list[dict[str, Any]]:
    """Weight decay for matrices and kernels; none for biases, norms and embeddings."""
    embeddings = {id(p) for m in modules for s in m.modules() if isinstance(s, nn.Embedding) for p in s.parameters()}
    trained = [p for m in modules for p in m.parameters() if p.requires_grad]
    decayed = [p for p in trained if p.ndim > 1 and id(p) not in embeddings]
    chosen = {id(p) for p in decayed}
    plain = [p for p in trained if id(p) not in chosen]
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": plain, "weight_decay": 0.0}]
