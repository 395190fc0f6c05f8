"""Pretrain the embedded prior on a folder of photographs.

Examples:
  # make 4000 cached triples with two processes (start the command twice), then train 90 minutes
  python -m train.pretrain --photos PHOTOS --cache-only --cache-items 4000
  python -m train.pretrain --photos PHOTOS --steps 9000 --minutes 90
  # continue after a stop on the same machine; the result is bit-identical to one that was never stopped
  python -m train.pretrain --photos PHOTOS --steps 9000 --resume
  # several processes, one GPU each: they share every batch
  torchrun --nproc-per-node 2 -m train.pretrain --photos PHOTOS --steps 9000
  # go on elsewhere from the committed weights, with a fresh optimiser
  python -m train.pretrain --photos PHOTOS --steps 9000 --warm-start assets/prior
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

import torch
from tqdm import tqdm

from rapsr_core import ASSETS
from rapsr_core.pretraining.targets import MIXED_QUALITY
from rapsr_core.pretraining.task import PretrainingTask
from rapsr_core.pretraining.texts import choose_target_and_text
from rapsr_core.priors import load_prior
from rapsr_core.priors.embedded import (
    EmbeddedConfig,
    build_codec,
    build_scheduler,
    build_text_encoder,
    build_unet,
    clip_tokenizer,
    let_see_lq,
    save_embedded,
)
from rapsr_core.training.cache import Cache, build_cache
from rapsr_core.training.loop import LoopSettings, Trainer, TrainingError
from rapsr_core.training.patches import PatchSampler
from rapsr_core.training.photos import Photo, training_photos
from train.cli import errors_told
from train.common import caption_all, check_patch_px, progress, training_device


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m train.pretrain", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data = parser.add_argument_group("data")
    data.add_argument(
        "--photos",
        type=Path,
        required=True,
        help="folder of photographs, with a manifest.tsv or not, or a curated dataset (image/, caption/)",
    )
    data.add_argument("--cache", type=Path, default=Path("runs/cache"), help="patch cache [runs/cache]")
    data.add_argument("--cache-items", type=int, default=4000, metavar="N", help="triples of 256 px in the cache [4000]")
    data.add_argument("--cache-seed", type=int, default=0, help="of crops, faults and degradations in the cache [0]")
    data.add_argument(
        "--pass-over-faulty",
        type=float,
        default=0.6,
        metavar="SHARE",
        help="share of the draws of a faulty target (half of the cache) in whose place another is drawn [0.6]",
    )
    data.add_argument("--cache-only", action="store_true", help="make the cache and stop; several processes may share the work")
    data.add_argument("--cache-part", default="0/1", metavar="K/N", help="shards K, K+N, ... of the cache [0/1]")
    run = parser.add_argument_group("run")
    run.add_argument("--out", type=Path, default=Path("runs/pretrain"), help="checkpoints, sheets, progress [runs/pretrain]")
    run.add_argument("--export", type=Path, metavar="DIR", help="write the averaged weights as a prior folder at the end")
    run.add_argument("--steps", type=int, default=9000, help="optimiser steps of the whole schedule [9000]")
    run.add_argument("--minutes", type=float, help="stop after this time, with a checkpoint")
    run.add_argument("--batch-size", type=int, default=16)
    run.add_argument("--patch-px", type=int, default=128, help="side of a training patch, multiple of 16 [128]")
    run.add_argument("--learning-rate", type=float, default=6e-4)
    run.add_argument("--lpips-weight", type=float, default=0.4, help="weight of LPIPS beside the squared error; 0 = none [0.4]")
    run.add_argument("--decay-from", type=float, default=0.5, help="share of the steps after which the rate decays [0.5]")
    run.add_argument("--ema-decay", type=float, default=0.999)
    run.add_argument(
        "--seed", type=int, default=0, help="of weights and samples; after --warm-start, give another than before [0]"
    )
    run.add_argument("--threads", type=int, default=2, help="CPU threads [2]")
    run.add_argument("--sheet-minutes", type=float, default=15, help="time between validation sheets [15]")
    run.add_argument("--resume", action="store_true", help="continue from the checkpoint in --out")
    run.add_argument("--warm-start", type=Path, metavar="DIR", help="start from the weights of a prior folder")
    run.add_argument("--freeze-text", action="store_true", help="with --warm-start: the text encoder stays as it is")
    run.add_argument("--dry-run", action="store_true", help="print what would be trained on what, and stop")
    return parser


def build_task(args: argparse.Namespace, photos: list[Photo]) -> PretrainingTask:
    torch.manual_seed(args.seed)
    config = EmbeddedConfig()
    if args.warm_start:
        prior = load_prior(args.warm_start)
        unet, text_encoder, codec = prior.unet, prior.text.encoders[0], prior.space_to_depth
        let_see_lq(unet, codec)
    else:
        unet, text_encoder, codec = build_unet(config), build_text_encoder(config), build_codec(config)
    for module in (unet, text_encoder):
        module.to(training_device()).train().requires_grad_(True)
    text_encoder.requires_grad_(not args.freeze_text)
    scheduler = build_scheduler()
    texts = caption_all(photos, args.cache / "captions.json")

    def sampler(seed: int) -> PatchSampler:
        return PatchSampler(
            cache=Cache(args.cache, args.cache_items),
            choose=partial(choose_target_and_text, texts),
            patch_px=args.patch_px,
            codec=codec,
            timesteps=scheduler.config.num_train_timesteps,
            seed=seed,
            pass_over_faulty=args.pass_over_faulty,
        )

    return PretrainingTask(
        unet=unet.to(memory_format=torch.channels_last),
        text_encoder=text_encoder,
        tokenizer=clip_tokenizer(),
        codec=codec,
        scheduler=scheduler,
        samples=sampler(args.seed),
        sheet_samples=sampler(args.seed + 1_000_003),
        lpips_weight=args.lpips_weight,
    )


def main(argv: list[str] | None = None) -> None:
    parser = arguments()
    args = parser.parse_args(argv)
    torch.set_num_threads(args.threads)
    with errors_told(parser, (TrainingError, ValueError, OSError)):
        check_patch_px(args.patch_px, args.lpips_weight)
        photos = training_photos(args.photos)
        part, parts = (int(v) for v in args.cache_part.split("/"))
        if args.dry_run:
            print(f"{len(photos)} photographs, {args.cache_items} cached triples, {args.steps} steps of {args.batch_size}")
            for module in (build_unet(EmbeddedConfig()), build_text_encoder(EmbeddedConfig())):
                print(f"{type(module).__name__}: {sum(p.numel() for p in module.parameters()) / 1e6:.1f} M parameters")
            return
        with tqdm(total=args.cache_items // parts, desc="cache items") as bar:
            build_cache(args.cache, photos, args.cache_seed, args.cache_items, MIXED_QUALITY, (part, parts), bar.update)
        if args.cache_only:
            return
        train(args, build_task(args, photos))


def train(args: argparse.Namespace, task: PretrainingTask) -> None:
    settings = LoopSettings(
        steps=args.steps,
        batch_size=args.batch_size,
        learning_rate=args.learning_rate,
        decay_from=args.decay_from,
        ema_decay=args.ema_decay,
        seed=args.seed,
        sheet_minutes=args.sheet_minutes,
    )
    trainer = Trainer(task, settings, args.out)
    if args.resume and trainer.resume():
        print(f"resumed at step {trainer.step}")
    with progress(args.steps, trainer.step) as show:
        trainer.run(minutes=args.minutes, report=show)
    if args.export and trainer.is_main:
        with trainer.averaged():
            save_embedded(args.export, task.unet, task.text_encoder, task.codec)
        print(f"wrote {args.export} (default: {ASSETS / 'prior'})")
    trainer.close()


if __name__ == "__main__":
    main()
