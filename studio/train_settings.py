"""Settings of a refinement run as controls, and as arguments of train.refine: one table says what each is. Needs no torch."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import gradio as gr

from rapsr_core.degradation.presets import PRESETS as DEGRADATIONS
from rapsr_core.refinement.presets import PRESETS

Kind = Literal["integer", "number", "share", "text", "choice", "tick"]
Of = Literal["all", "embedded", "others"]
Preset = Literal["embedded", "paper"]
EMBEDDED = "embedded"
"""Name of the prior that is trained on cached patches; all others are trained on whole photographs."""
PATCH_PX, LPIPS_PX, PHOTO_PX, UNIT_PX = 256, 48, 80, 16
"""Bounds of the side of a training image: embedded prior, with LPIPS at least, other priors at least; a multiple of."""
FAULTS_SHARE = 0.3
"""What the identifiers of faults take of the positive one's share (refinement/samples.py)."""


@dataclass(frozen=True)
class Setting:
    """One row. `name`: of train.refine's argument; `default`: where a preset says nothing; `of`: of which priors it says anything;
    `low` and `high` are allowed themselves. `zero`: 0 is allowed too, and means that it is not given (the browser makes 0 of an empty number)."""

    name: str
    label: str
    kind: Kind
    group: str
    info: str
    default: Any = None
    low: float = 0
    high: float = 1
    choices: tuple[tuple[str, str], ...] = ()
    of: Of = "all"
    zero: bool = False
    flag: str = ""

    @property
    def option(self) -> str:
        """ "--learning-rate"."""
        return self.flag or "--" + self.name.replace("_", "-")

    def belongs(self, prior: str) -> bool:
        """Whether it says anything about runs on this prior."""
        return self.of == "all" or (self.of == EMBEDDED) == (prior == EMBEDDED)


GROUPS: tuple[tuple[str, str], ...] = (
    ("main", ""),
    ("identifiers", "Identifiers and their shares"),
    ("samples", "Samples"),
    ("optimiser", "Objective, optimiser, memory"),
    ("watching", "Sheets and checkpoints"),
)
"""In page order: name and heading; without a heading the group is always open."""

SETTINGS = (
    Setting("steps", "Steps", "integer", "main", "Optimiser steps. Time grows with them.", low=1, high=1_000_000),
    Setting("batch_size", "Batch size", "integer", "main", "Samples of a step. Time and memory grow with them.", low=1, high=4096),
    Setting(
        "method", "Method", "choice", "main",
        "What of the prior's UNet learns: a low-rank adapter beside it, all of it (as published), or its attention layers.",
        choices=(("LoRA", "lora"), ("Whole UNet", "full"), ("Attention only", "attention-only")),
    ),
    Setting("rank", "LoRA rank", "integer", "main", "Of the low-rank adapter. More learns more, and takes more room.", 16, 1, 1024),
    Setting("learning_rate", "Learning rate", "number", "main", "The highest one. Too high, and the loss rises or is no number any more.", low=1e-8, high=1),
    Setting(
        "minutes", "Minutes at most", "number", "main",
        "Ends the training after this time, and writes the refinement as it is by then. What is prepared first does not count. 0 = no limit.",
        0, 0.01, 100_000, zero=True,
    ),
    Setting(
        "threads", "CPU threads", "integer", "main",
        f"This machine has {os.cpu_count()} cores. Comparing works meanwhile, and slows down the training as the training slows it down: leave it a core.",
        2, 1, 1024,
    ),
    Setting("seed", "Seed", "integer", "main", "Of every draw. The same seed and settings give the same refinement.", low=0, high=2**32 - 1),
    Setting("positive_identifier", "Positive identifier", "text", "identifiers", "Put before the caption of clean targets.", "[X]. "),
    Setting("negative_identifier", "Negative identifier", "text", "identifiers", "Put before the caption of degraded targets.", "[V]. "),
    Setting("negative_share", "Share of negative samples", "share", "identifiers", "Of all samples; the published run takes 0.2."),
    Setting(
        "negative_lq", "Degradation of negative targets", "choice", "identifiers",
        "That of the very input, or a draw of their own.", "same", choices=(("The input's", "same"), ("Their own", "independent")),
    ),
    Setting("drop_text_share", "Share without text", "share", "identifiers", "Samples that lose identifier and caption, for guidance."),
    Setting("faults", "Teach three faults as well", "tick", "identifiers", "[N]. for noise, [B]. for blur and [J]. for JPEG, a tenth of the samples each.", False),
    Setting("learn_identifiers", "Learn the identifiers", "tick", "identifiers", "Vectors of their own in place of plain text (textual inversion).", False),
    Setting(
        "resolution", "Side of a training image in px", "integer", "samples",
        "0 = the prior's own: 128 embedded, 512 Stable Diffusion, 1024 SDXL.", 0, 16, 4096, zero=True,
    ),
    Setting(
        "cache_items", "Cached patches", "integer", "samples",
        "Of 256 px, cut, degraded and cleaned before the first step, about one a second; runs on the same dataset with the same seed share them.", 800, 1, 1_000_000, of="embedded",
    ),
    Setting("pure_noise_share", "Share at pure noise", "share", "samples", "Samples at the last timestep, where only text and guide say anything (objective ours).", 0.3, of="embedded"),
    Setting(
        "degradation", "Degradation", "choice", "samples", "Preset of inputs and negative targets.", "rapsr",
        choices=tuple((name, name) for name in DEGRADATIONS), of="others",
    ),
    Setting("cache_latents", "Keep latents on disk", "tick", "samples", "Of clean targets, so that they are encoded once.", False, of="others"),
    Setting(
        "objective", "Objective", "choice", "optimiser",
        "Ours, of the embedded prior alone: LPIPS beside the squared error. Plain: the squared error at uniform timesteps, as published.",
        choices=(("Ours", "ours"), ("Plain", "plain")),
    ),
    Setting("lpips_weight", "Weight of LPIPS", "number", "optimiser", "Beside the squared error (objective ours). 0 = none.", 2.0, 0, 100, of="embedded"),
    Setting("snr_gamma", "Min-SNR gamma", "number", "optimiser", "Weighs timesteps of the plain objective. 0 = none.", 0, 0.01, 100, zero=True),
    Setting(
        "lr_schedule", "Learning rate over time", "choice", "optimiser", "In the second half of the steps.",
        choices=(("Constant", "constant"), ("Linear to 0", "linear"), ("Cosine to 0", "cosine")), flag="--lr-scheduler",
    ),
    Setting("warmup_steps", "Warm-up steps", "integer", "optimiser", "The learning rate rises over these.", low=0, high=1_000_000, flag="--lr-warmup-steps"),
    Setting("weight_decay", "Weight decay", "number", "optimiser", "Pull towards zero (AdamW), on all but biases, norms and embeddings.", low=0, high=1),
    Setting("ema_decay", "Decay of the average", "number", "optimiser", "The refinement is a moving average of the weights.", low=0, high=0.999999),
    Setting(
        "mixed_precision", "Mixed precision", "choice", "optimiser", "bf16 suits CPUs and new cards, fp16 older cards.",
        choices=(("bf16", "bf16"), ("fp16", "fp16"), ("None", "no")),
    ),
    Setting("gradient_accumulation_steps", "Forward passes of a step", "integer", "optimiser", "More take less memory for the same batch.", 1, 1, 4096),
    Setting("gradient_checkpointing", "Gradient checkpointing", "tick", "optimiser", "Less memory, more time."),
    Setting(
        "validation_steps", "A sheet every so many steps", "integer", "watching",
        "Pictures with each identifier, drawn while it trains. There is always one at the end. 0 = one every 20 minutes besides.", 60, 1, 1_000_000, zero=True,
    ),
    Setting("sheet_steps", "Steps of a sheet's pictures", "integer", "watching", "Denoising steps they are drawn in.", 50, 1, 1000, of="others"),
    Setting("checkpoint_minutes", "Minutes between checkpoints", "number", "watching", "What a crash may cost. Stop always writes one.", 4.0, 0.1, 1440),
)  # fmt: skip

BY_PAGE = ("preset", "photos", "prior", "cache", "out", "shelve", "resume", "dry_run")
"""Arguments that the page gives itself (train_jobs.py)."""
NOT_ON_PAGE = {
    "targets": "all groups of layers learn",
    "cache_texts": "worth it on a GPU with a large prior",
    "use_8bit_adam": "needs a CUDA card and bitsandbytes",
    "lq_free": "for the ablation",
    "ema_warmup": "comes with the preset",
    "report_to": "the page is the tracker",
    "export": "the shelf takes its place",
    "push_to_hub": "needs a token",
}
"""Arguments without a control, and why. The command line has them."""
PAGE_DEFAULTS = {"validation_steps": 60}
"""Where the page begins with another value than the command line."""


def preset_for(prior: str) -> Preset:
    """The preset a prior begins with."""
    return "embedded" if prior == EMBEDDED else "paper"


def defaults(preset: Preset) -> dict[str, Any]:
    """What the controls begin with, by name in the order of SETTINGS."""
    return {row.name: PRESETS[preset].get(row.name, row.default) for row in SETTINGS}


def tokens(preset: Preset, prior: str, values: Mapping[str, Any]) -> list[str]:
    """Arguments for what differs from the preset's own values on the command line. Raises no error; see `problems`."""
    start, found = {**defaults(preset), **dict.fromkeys(PAGE_DEFAULTS, 0)}, []
    for row in SETTINGS:
        value = values[row.name]
        if value == start[row.name] or (row.zero and not value) or not row.belongs(prior):
            continue
        if row.kind == "tick":
            found.append(row.option if value else f"--no-{row.option.removeprefix('--')}")
        else:
            found += [row.option, str(int(value)) if row.kind == "integer" else str(value)]
    return found


def problems(prior: str, values: Mapping[str, Any]) -> dict[str, str]:
    """What train.refine would refuse: name of a setting -> sentence with the value and the remedy. Empty when there is nothing."""
    found = {row.name: message for row in SETTINGS if row.belongs(prior) and (message := _problem(row, values[row.name]))}
    return found or {name: message for name, message in _together(prior, values).items() if message}


def component(row: Setting, value: Any, prior: str) -> gr.components.Component:
    """The Gradio component of a setting, hidden when it says nothing about the prior. Limits are checked by `problems`, with a sentence."""
    common = {
        "label": row.label,
        "info": row.info,
        "value": value,
        "elem_id": f"train-{row.name.replace('_', '-')}",
        "visible": row.belongs(prior),
    }
    if row.kind == "share":
        return gr.Slider(0, 1, step=0.01, **common)
    if row.kind == "choice":
        return gr.Radio(list(row.choices), **common)
    if row.kind == "tick":
        return gr.Checkbox(**common)
    if row.kind == "text":
        return gr.Textbox(max_length=40, **common)
    return gr.Number(precision=0 if row.kind == "integer" else None, **common)


def _problem(row: Setting, value: Any) -> str:
    if row.kind == "text":
        if not value.strip() or value.startswith("-"):
            return f"{row.label} is {value!r}; write a text that does not begin with a hyphen"
    elif row.kind in ("integer", "number"):
        if row.zero and not value:
            return ""
        if value is None or not row.low <= value <= row.high:
            given = "empty" if value is None else f"{value:g}"
            return f"{row.label} is {given}; it must be from {row.low:g} to {row.high:g}{', or 0' if row.zero else ''}"
    return ""


def _together(prior: str, values: Mapping[str, Any]) -> dict[str, str]:
    share, batch, passes = values["negative_share"], values["batch_size"], values["gradient_accumulation_steps"]
    positive = 1 - share - (FAULTS_SHARE if values["faults"] else 0)
    same = values["positive_identifier"] == values["negative_identifier"]
    ours = values["objective"] == "ours"
    return {
        "negative_identifier": "The two identifiers are the same; they must differ" if same else "",
        "negative_share": f"Share of negative samples is {share:g}; nothing is left for the positive ones"
        if positive < -1e-9
        else "",
        "batch_size": f"Batch size is {batch}; it must be a multiple of the {passes} forward passes of a step"
        if batch % passes
        else "",
        "objective": "Objective ours is the embedded prior's alone; take the plain one" if ours and prior != EMBEDDED else "",
        "resolution": _side(prior, values["resolution"], ours and values["lpips_weight"] > 0),
    }


def _side(prior: str, side: int | None, lpips: bool) -> str:
    if not side:
        return ""
    low, high = (LPIPS_PX if lpips else UNIT_PX, PATCH_PX) if prior == EMBEDDED else (PHOTO_PX, 4096)
    fine = side % UNIT_PX == 0 and low <= side <= high
    return "" if fine else f"Side of a training image is {side} px; it must be a multiple of {UNIT_PX} from {low} to {high}"
