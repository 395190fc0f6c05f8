"""Arguments of train.refine: names as in diffusers' training examples beside ours."""

from __future__ import annotations

import argparse
from pathlib import Path

from rapsr_core.degradation import PRESETS as DEGRADATIONS
from rapsr_core.refinement.methods import TARGETS
from rapsr_core.refinement.presets import MESSAGES, PRESETS


def names(*hyphened: str) -> tuple[str, ...]:
    """Each option also with underscores, as diffusers writes them."""
    return tuple(dict.fromkeys(form for name in hyphened for form in (name, "--" + name[2:].replace("-", "_"))))


def arguments(description: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m train.refine", description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--preset",
        choices=list(PRESETS),
        default="embedded",
        help="; ".join(f"{k}: {v}" for k, v in MESSAGES.items()) + ". Defaults of the other arguments [embedded]",
    )
    _data(parser.add_argument_group("data"))
    _identifiers(parser.add_argument_group("identifiers"))
    _model(parser.add_argument_group("model and objective"))
    _run(parser.add_argument_group("run"))
    return parser


def parse(parser: argparse.ArgumentParser, argv: list[str] | None) -> argparse.Namespace:
    """Arguments with the defaults of the preset that is named among them."""
    known, _ = parser.parse_known_args(argv)
    parser.set_defaults(**PRESETS[known.preset])
    return parser.parse_args(argv)


def _data(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add(
        *names("--photos", "--train-data-dir"),
        type=Path,
        required=True,
        help="curated dataset (image/, caption/) as train.curate writes it, or any folder of photographs",
    )
    add(*names("--resolution"), type=int, metavar="PX", help="side of a training image [128 embedded, 512, SDXL 1024]")
    add("--cache", type=Path, default=Path("runs/cache-curated"), help="patches (embedded prior), captions [runs/cache-curated]")
    add("--cache-items", type=int, default=800, metavar="N", help="triples of 256 px, embedded prior [800]")
    add("--cache-latents", action="store_true", help="keep the latents of clean targets in --cache")
    add("--cache-texts", type=int, default=0, metavar="N", help="keep so many encoded texts in memory [0]")
    add("--degradation", choices=list(DEGRADATIONS), default="rapsr", help="preset of LQ and negative targets [rapsr]")


def _identifiers(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--positive-identifier", default="[X]. ")
    add("--negative-identifier", default="[V]. ")
    add("--negative-share", type=float, help="share of negative samples")
    add("--negative-lq", choices=("same", "independent"), default="same", help="LQ and negative target: one draw or two [same]")
    add("--faults", action="store_true", help="teach [N]. noise, [B]. blur and [J]. JPEG as well, a tenth each")
    add("--learn-identifiers", action="store_true", help="learned tokens in place of plain text (textual inversion)")
    add("--drop-text-share", type=float, help="share of samples without any text")


def _model(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add(
        *names("--prior", "--pretrained-model-name-or-path"),
        default="embedded",
        help="catalogue name, diffusers folder or hub id [embedded]",
    )
    add("--method", choices=("lora", "full", "attention-only"), help="what of the UNet learns")
    add("--rank", type=int, default=16)
    add("--targets", nargs="+", choices=list(TARGETS), default=list(TARGETS), help="module groups of the LoRA [all]")
    add(
        "--objective",
        choices=("ours", "plain"),
        help="plain: squared error, uniform timesteps, as published; ours: embedded only",
    )
    add(*names("--snr-gamma"), type=float, help="min-SNR weighting of the plain objective [none]")
    add("--pure-noise-share", type=float, default=0.3, help="share of samples at the last timestep, objective ours [0.3]")
    add("--lpips-weight", type=float, default=2.0, help="of LPIPS beside the squared error, objective ours; 0 = none [2]")
    add("--lq-free", action="store_true", help="train the embedded prior without any guide, as a text-only prior")


def _run(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add(
        *names("--out", "--output-dir"),
        type=Path,
        default=Path("runs/refine"),
        help="checkpoints, sheets, progress [runs/refine]",
    )
    result = group.add_mutually_exclusive_group()
    result.add_argument("--export", type=Path, metavar="DIR", help="write the refinement folder at the end")
    result.add_argument("--shelve", metavar="NAME", help="write it under this name where the studio looks for refinements")
    add(*names("--steps", "--max-train-steps"), type=int, help="optimiser steps")
    add("--minutes", type=float, help="stop after this time, with a checkpoint")
    add("--batch-size", type=int, help="samples of an optimiser step, over all processes and forward passes")
    add(*names("--gradient-accumulation-steps"), type=int, default=1, metavar="N", help="forward passes of a step [1]")
    add(*names("--gradient-checkpointing"), action=argparse.BooleanOptionalAction, help="less memory, more time")
    add(*names("--learning-rate"), type=float)
    add(*names("--lr-scheduler"), dest="lr_schedule", choices=("constant", "linear", "cosine"), help="after half of the steps")
    add(*names("--lr-warmup-steps"), dest="warmup_steps", type=int)
    add("--weight-decay", type=float)
    add(*names("--use-8bit-adam"), action="store_true", help="AdamW of bitsandbytes")
    add(*names("--mixed-precision"), choices=("no", "bf16", "fp16"))
    add("--ema-decay", type=float)
    add("--ema-warmup", choices=("power", "diffusers"), help="how the decay grows: 1 - (1 + n)^-3/4, or (1 + n) / (10 + n)")
    add(*names("--checkpoint-minutes"), type=float, default=4.0)
    add(*names("--validation-steps"), type=int, help="a sheet every N steps [one every 20 minutes, and at the end]")
    add("--sheet-steps", type=int, default=50, metavar="N", help="steps a validation image is drawn in [50; embedded 8]")
    add(*names("--report-to"), nargs="+", default=[], metavar="TRACKER", help="tensorboard, wandb, ... (through accelerate)")
    add("--seed", type=int)
    add("--threads", type=int, default=2, help="CPU threads [2]")
    add(*names("--resume", "--resume-from-checkpoint"), nargs="?", const="latest", choices=["latest"], help="go on in --out")
    add(*names("--push-to-hub"), metavar="OWNER/NAME", help="upload the --export folder to the Hugging Face Hub")
    add("--dry-run", action="store_true", help="print what would be trained on what, and the memory it takes, and stop")
