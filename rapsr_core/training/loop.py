"""The one training loop, shared by pretraining and refinement.

Every random draw of sample n comes from a generator seeded with (seed, n), so the data position IS the step number, and a
checkpoint of parameters, optimiser, EMA and step resumes to bit-identical parameters. Checkpoints are written to a
temporary name and renamed, so a kill leaves the previous one whole.
"""

from __future__ import annotations

import json
import math
import os
import statistics
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

from rapsr_core.training.stopping import stop_on_interrupt

LrSchedule = Literal["constant", "linear", "cosine"]


class TrainingError(ValueError):
    """Settings that cannot train, or a checkpoint that belongs to other settings; the message names the value."""


@dataclass(frozen=True)
class LoopSettings:
    """Everything the loop itself needs. Units in the names; `steps` are optimiser steps."""

    steps: int
    batch_size: int = 16  # samples of an optimiser step, over all processes
    accumulation: int = 1  # forward passes that share out a process's part of them
    learning_rate: float = 6e-4
    warmup_steps: int = 100
    lr_schedule: LrSchedule = "cosine"
    decay_from: float = 0.5  # share of `steps` after which the schedule takes the learning rate to zero; 1 = constant
    optimizer: Literal["adamw", "adamw8bit"] = "adamw"
    weight_decay: float = 0.01
    gradient_clip: float = 1.0
    ema_decay: float = 0.999
    ema_warmup: Literal["power", "diffusers"] = "power"
    mixed_precision: Literal["no", "bf16", "fp16"] = "bf16"
    seed: int = 0
    checkpoint_minutes: float = 4.0
    sheet_minutes: float = 20.0
    sheet_every_steps: int | None = None  # in place of minutes
    log_steps: int = 20


class Task(Protocol):
    """What is learned. A task owns no random state: `loss` depends on its arguments and the parameters alone."""

    @property
    def modules(self) -> Sequence[nn.Module]:
        """Modules whose trainable parameters are optimised, checkpointed and averaged, in a fixed order."""

    def loss(self, first: int, count: int) -> tuple[Tensor, dict[str, float]]:
        """Mean loss of the samples first ... first + count - 1, and figures to log."""

    def sheet(self, path: Path) -> dict[str, float]:
        """Write a validation sheet (PNG) made with the parameters as they are (the loop puts the EMA in); figures to log."""


def learning_rate(settings: LoopSettings, step: int) -> float:
    """Linear warm-up, constant, then from `decay_from * steps` on to zero: along a half cosine, a line, or not at all."""
    warm = min(1.0, (step + 1) / max(settings.warmup_steps, 1))
    start = settings.decay_from * settings.steps
    done = 0.0 if step <= start else (step - start) / max(settings.steps - start, 1)
    left = {"constant": 1.0, "linear": 1 - done, "cosine": 0.5 * (1 + math.cos(done * math.pi))}[settings.lr_schedule]
    return settings.learning_rate * warm * left


class Trainer:
    """Runs a task. `folder` receives `checkpoint.pt`, `progress.jsonl`, `settings.json` and `sheet-*.png`."""

    def __init__(self, task: Task, settings: LoopSettings, folder: Path, trackers: Sequence[str] = ()) -> None:
        """`trackers`: names that accelerate knows ("tensorboard", "wandb", ...), fed with the rows of `progress.jsonl`."""
        self.task, self.settings, self.folder = task, settings, folder
        self.accelerator = Accelerator(
            cpu=not torch.cuda.is_available(), log_with=list(trackers) or None, project_dir=str(folder)
        )
        if trackers:
            self.accelerator.init_trackers("rap-sr", config=asdict(settings))
        named = [(f"{i}.{n}", p) for i, m in enumerate(task.modules) for n, p in m.named_parameters() if p.requires_grad]
        if not named:
            raise TrainingError("no parameter requires a gradient; choose a method or targets that match the model")
        self.parameters = dict(named)
        self.optimizer = _optimizer(settings, _decay_groups(task.modules, settings.weight_decay))
        self.scaler = torch.amp.GradScaler(self.accelerator.device.type, enabled=settings.mixed_precision == "fp16")
        power = settings.ema_warmup == "power"
        self.ema = EMAModel(
            list(self.parameters.values()), decay=settings.ema_decay, use_ema_warmup=power, power=0.75 if power else 2 / 3
        )
        self.step = 0
        parts = self.accelerator.num_processes * settings.accumulation
        if settings.batch_size % parts:
            raise TrainingError(
                f"a batch of {settings.batch_size} cannot be shared evenly by {self.accelerator.num_processes} processes with "
                f"{settings.accumulation} forward passes each; give a multiple of {parts}"
            )
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def is_main(self) -> bool:
        """True in the first process of several, and in the only one: who writes files."""
        return self.accelerator.is_main_process

    def run(self, *, minutes: float | None = None, report: Callable[[dict[str, Any]], None] = lambda row: None) -> int:
        """Train to `settings.steps`, or for at most `minutes`; writes a checkpoint at the end. Returns the step reached.

        SIGINT (Ctrl-C) ends it after the present step, in every process of several, with a checkpoint: then raises KeyboardInterrupt.
        """
        began = saved = drawn = time.monotonic()
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "settings.json").write_text(json.dumps(asdict(self.settings), indent=2) + "\n")
        logged_at, first = time.monotonic(), self.step
        time_is_up = stopped = False
        with stop_on_interrupt() as stop:
            while self.step < self.settings.steps and not (time_is_up or stopped):
                figures = self.train_step()
                now = time.monotonic()
                time_is_up = self._any_process(minutes is not None and now - began >= minutes * 60)
                stopped = self._any_process(stop.asked)
                if self.step % self.settings.log_steps == 0:
                    rate = (self.step - first) * self.settings.batch_size / (now - logged_at)
                    logged_at, first = now, self.step
                    self._log(figures | {"samples_per_s": round(rate, 2), "seconds": round(now - began, 1)}, report)
                if now - saved > self.settings.checkpoint_minutes * 60:
                    self.save()
                    saved = now
                if self._sheet_is_due(now - drawn) and self.step < self.settings.steps:
                    self.sheet()
                    drawn = now
            self.save()
        if stopped:
            raise KeyboardInterrupt(f"stopped at step {self.step}; {self.folder / 'checkpoint.pt'} has it")
        self.sheet()
        return self.step

    def close(self) -> None:
        """End of the program: trackers are finished, and this process leaves the others (without that, gloo's threads may abort it)."""
        self.accelerator.end_training()

    def train_step(self) -> dict[str, float]:
        """One optimiser step; deterministic given the parameters and the step number."""
        rate = learning_rate(self.settings, self.step)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        parts = [self._backward(first, count, rate) for first, count in self._shares()]
        self._average_gradients()
        self.scaler.unscale_(self.optimizer)
        norm = torch.nn.utils.clip_grad_norm_(list(self.parameters.values()), self.settings.gradient_clip)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        self.optimizer.zero_grad(set_to_none=True)
        self.ema.step(list(self.parameters.values()))
        self.step += 1
        return {"step": self.step, "lr": rate, "gradient_norm": norm.item()} | _means(parts)

    def _backward(self, first: int, count: int, rate: float) -> dict[str, float]:
        """Gradients of one forward pass, added to those already there; its loss and figures."""
        precision = {"no": None, "bf16": torch.bfloat16, "fp16": torch.float16}[self.settings.mixed_precision]
        with torch.autocast(self.accelerator.device.type, precision, enabled=precision is not None):
            loss, figures = self.task.loss(first, count)
        if not torch.isfinite(loss):
            raise TrainingError(f"the loss is {loss.item()} at step {self.step}; lower the learning rate ({rate:.2g})")
        self.scaler.scale(loss / self.settings.accumulation).backward()
        return {"loss": loss.item()} | figures

    def _shares(self) -> list[tuple[int, int]]:
        """(first sample, number of samples) of each forward pass of this process in the present step."""
        count = self.settings.batch_size // self.accelerator.num_processes // self.settings.accumulation
        start = self.step * self.settings.batch_size + self.accelerator.process_index * count * self.settings.accumulation
        return [(start + k * count, count) for k in range(self.settings.accumulation)]

    def _average_gradients(self) -> None:
        """Mean over processes, in one message. (DistributedDataParallel would need a forward through ONE module.)"""
        if self.accelerator.num_processes == 1:
            return
        gradients = [p.grad if p.grad is not None else torch.zeros_like(p) for p in self.parameters.values()]
        flat = self.accelerator.reduce(torch.cat([g.reshape(-1) for g in gradients]), "mean")
        for parameter, part in zip(self.parameters.values(), flat.split([g.numel() for g in gradients]), strict=True):
            parameter.grad = part.view_as(parameter).clone()

    def _sheet_is_due(self, seconds_since: float) -> bool:
        every = self.settings.sheet_every_steps
        return self.step % every == 0 if every else seconds_since > self.settings.sheet_minutes * 60

    def _any_process(self, flag: bool) -> bool:
        """True in every process when it is True in one: all must stop after the same step."""
        if self.accelerator.num_processes == 1:
            return flag
        return self.accelerator.reduce(torch.tensor(float(flag)), "sum").item() > 0

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
        if not self.is_main:
            return
        drawing = self.folder / "drawing.png"  # who watches the folder never sees half a sheet
        with self.averaged(), torch.no_grad():
            figures = self.task.sheet(drawing)
        os.replace(drawing, self.folder / f"sheet-{self.step:06d}.png")
        self._log({"step": self.step} | figures)

    def save(self) -> None:
        """Write `checkpoint.pt` atomically (the first process of several)."""
        if not self.is_main:
            return
        state = {
            "step": self.step,
            "settings": asdict(self.settings),
            "parameters": {n: p.detach() for n, p in self.parameters.items()},
            "optimizer": self.optimizer.state_dict(),
            "ema": self.ema.state_dict(),
            "scaler": self.scaler.state_dict(),
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
        free = {"checkpoint_minutes", "sheet_minutes", "sheet_every_steps", "log_steps"}
        differ = {k: (v, state["settings"][k]) for k, v in asdict(self.settings).items() if state["settings"][k] != v}
        if differ.keys() - free:
            named = "; ".join(f"{k} is {a}, was {b}" for k, (a, b) in differ.items())
            raise TrainingError(f"{path} was made with other settings ({named}); repeat them, or choose another folder")
        with torch.no_grad():
            for name, parameter in self.parameters.items():
                parameter.copy_(state["parameters"][name])
        self.optimizer.load_state_dict(state["optimizer"])
        self.ema.load_state_dict(state["ema"])
        self.scaler.load_state_dict(state["scaler"])
        self.step = state["step"]
        self._forget_rows_after(self.step)
        return True

    def _forget_rows_after(self, step: int) -> None:
        """Steps done after the checkpoint are done again, so their rows of `progress.jsonl` go."""
        path = self.folder / "progress.jsonl"
        if path.is_file() and self.is_main:
            rows = [line for line in path.read_text().splitlines(keepends=True) if json.loads(line)["step"] <= step]
            path.write_text("".join(rows))

    def _log(self, row: dict[str, Any], report: Callable[[dict[str, Any]], None] = lambda row: None) -> None:
        if not self.is_main:
            return
        with (self.folder / "progress.jsonl").open("a") as file:
            file.write(json.dumps({k: round(v, 6) if isinstance(v, float) else v for k, v in row.items()}) + "\n")
        self.accelerator.log({k: v for k, v in row.items() if k != "step"}, step=row["step"])
        report(row)


def _means(parts: Sequence[dict[str, float]]) -> dict[str, float]:
    """Of each figure over the passes that have it."""
    keys = dict.fromkeys(key for part in parts for key in part)
    return {key: statistics.fmean(part[key] for part in parts if key in part) for key in keys}


def _optimizer(settings: LoopSettings, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
    if settings.optimizer == "adamw":
        return torch.optim.AdamW(groups, lr=settings.learning_rate, fused=True)
    import bitsandbytes

    return bitsandbytes.optim.AdamW8bit(groups, lr=settings.learning_rate)


def _decay_groups(modules: Sequence[nn.Module], weight_decay: float) -> list[dict[str, Any]]:
    """Weight decay for matrices and kernels; none for biases, norms and embeddings."""
    embeddings = {id(p) for m in modules for s in m.modules() if isinstance(s, nn.Embedding) for p in s.parameters()}
    trained = [p for m in modules for p in m.parameters() if p.requires_grad]
    decayed = [p for p in trained if p.ndim > 1 and id(p) not in embeddings]
    chosen = {id(p) for p in decayed}
    plain = [p for p in trained if id(p) not in chosen]
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": plain, "weight_decay": 0.0}]
