"""RPR + ROPO: refine a prior on curated photographs and teach it the restoration identifiers.

Examples:
  python -m train.curate PHOTOS runs/hfaid   # QDAISP: which photographs
  python -m train.refine --photos runs/hfaid/dataset --export assets/refinement
  python -m train.refine --photos runs/hfaid/dataset --resume
  python -m train.refine --photos runs/hfaid/dataset --shelve my-refinement   # Compare offers it at once
  # the published run, on the published prior
  accelerate launch --num_processes 2 -m train.refine --preset paper --prior sd21-base --photos HFAID --export rap-sr
"""

from __future__ import annotations

import argparse
import json
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from rapsr_core.priors import Prior, load_prior
from rapsr_core.refinement.artifact import describe, save_delta, save_full, save_learned, save_refinement
from rapsr_core.refinement.latents import LatentCache
from rapsr_core.refinement.methods import let_learn
from rapsr_core.refinement.patch_task import PatchTask
from rapsr_core.refinement.photo_samples import PhotoSampler
from rapsr_core.refinement.photo_task import PhotoTask
from rapsr_core.refinement.samples import Identifier, Ropo, published, with_faults
from rapsr_core.refinement.shelf import place_for, shelving
from rapsr_core.refinement.texts import SampleTexts, learn_identifiers
from rapsr_core.training.cache import CRISP, Cache, build_cache
from rapsr_core.training.loop import LoopSettings, Trainer, TrainingError
from rapsr_core.training.memory import estimate_gb
from rapsr_core.training.patches import GUIDE_SHARES, NO_GUIDE, PatchSampler
from rapsr_core.training.photos import Photo, data_fingerprint, training_photos
from train.cli import errors_told
from train.common import caption_all, check_patch_px, progress, training_device
from train.refine_arguments import arguments, parse

CURVE_ROWS = 100
"""Most rows of the log that a refinement folder carries."""


def main(argv: list[str] | None = None) -> None:
    parser = arguments(__doc__)
    args = parse(parser, argv)
    torch.set_num_threads(args.threads)
    with errors_told(parser, (TrainingError, ValueError, OSError)):
        run(args)


def run(args: argparse.Namespace) -> None:
    photos = training_photos(args.photos)
    prior = load_prior(args.prior, device=training_device())
    args.resolution = args.resolution or prior.kind.resolution_px
    check(args, prior)
    torch.manual_seed(args.seed)
    trained = let_learn(prior.unet, args.method, args.rank, args.targets)
    ropo = Ropo(identifiers(args), args.drop_text_share)
    if args.gradient_checkpointing:
        prior.unet.enable_gradient_checkpointing()
    describe_run(args, prior, trained, len(photos), ropo)
    if args.dry_run:
        return
    written = [row.text for row in ropo.identifiers]
    texts = learn_identifiers(prior.text, written) if args.learn_identifiers else SampleTexts(prior.text)
    make = patch_task if prior.kind.name == "embedded" else photo_task
    task = make(args, prior, photos, ropo, texts)
    trainer = train(args, task)
    if (args.export or args.shelve) and trainer.is_main:
        with trainer.averaged(), shelving(args.shelve) if args.shelve else nullcontext(args.export) as folder:
            export(args, folder, prior, photos, ropo, trainer.step)
            if texts.learned is not None:
                save_learned(folder, texts.identifiers, texts.learned.first_id, list(texts.learned.vectors))
        print(f"wrote {args.export or f'refinement {args.shelve}'}")
        if args.push_to_hub:
            push(args.export, args.push_to_hub)
    trainer.close()


def check(args: argparse.Namespace, prior: Prior) -> None:
    """Raises ValueError for arguments that do not go together."""
    if prior.kind.name == "embedded":
        check_patch_px(args.resolution, args.lpips_weight if args.objective == "ours" else 0.0)
    else:
        if args.objective == "ours" or args.lq_free:
            raise ValueError(
                f"--objective ours and --lq-free are for the embedded prior; {args.prior} is of kind {prior.kind.name}: take --preset paper"
            )
        unit = 4 * 2 ** len(prior.unet.config.block_out_channels)
        if args.resolution % unit or args.resolution < 80:
            raise ValueError(f"--resolution is {args.resolution}; it must be a multiple of {unit} and at least 80")
    if args.push_to_hub and not args.export:
        raise ValueError("--push-to-hub needs --export: the folder to upload")
    if args.shelve:
        place_for(args.shelve)


def identifiers(args: argparse.Namespace) -> tuple[Identifier, ...]:
    two = published(args.positive_identifier, args.negative_identifier, args.negative_share, args.negative_lq)
    return with_faults(two) if args.faults else two


def describe_run(args: argparse.Namespace, prior: Prior, trained: int, photos: int, ropo: Ropo) -> None:
    """What is trained on what, one fact a line."""
    print(f"{photos} photographs at {args.resolution} px; {args.steps} steps of {args.batch_size}, seed {args.seed}")
    print(f"prior {prior.name} ({prior.kind.label}, {prior.fingerprint}); predicts {prior.scheduler.config.prediction_type}")
    print(f"method {args.method}: {trained / 1e6:.2f} M parameters learn; objective {args.objective}")
    for row in ropo.identifiers:
        ids = prior.tokenizer(row.text, add_special_tokens=False).input_ids
        print(f"{row.text!r} is token ids {ids}: {row.share:.0%}, target {row.target}")
    memory = estimate_gb(prior.unet, args.use_8bit_adam)
    print(f"memory for weights, gradients, optimiser and average: {memory:.2f} GB; activations come on top of it")


def patch_task(args: argparse.Namespace, prior: Prior, photos: list[Photo], ropo: Ropo, texts: SampleTexts) -> PatchTask:
    with tqdm(total=args.cache_items, desc="cache items") as bar:
        build_cache(args.cache, photos, args.seed, args.cache_items, CRISP, report=bar.update)
    captions = caption_all(photos, args.cache / "captions.json")
    ours = args.objective == "ours"

    def sampler(ropo: Ropo, seed: int) -> PatchSampler:
        return PatchSampler(
            cache=Cache(args.cache, args.cache_items),
            choose=partial(ropo.choose_of_item, captions),
            patch_px=args.resolution,
            codec=prior.space_to_depth,
            timesteps=prior.scheduler.config.num_train_timesteps,
            seed=seed,
            pure_noise_share=args.pure_noise_share if ours else 0.0,
            guide_shares=NO_GUIDE if args.lq_free else GUIDE_SHARES,
        )

    only_positive = Ropo(published(args.positive_identifier, args.negative_identifier, 0.0), 0.0)
    return PatchTask(
        prior=prior,
        samples=sampler(ropo, args.seed),
        sheet_samples=sampler(only_positive, args.seed + 1_000_003),
        ropo=ropo,
        texts=texts,
        lpips_weight=args.lpips_weight,
        plain=not ours,
        snr_gamma=args.snr_gamma,
    )


def photo_task(args: argparse.Namespace, prior: Prior, photos: list[Photo], ropo: Ropo, texts: SampleTexts) -> PhotoTask:
    samples = PhotoSampler(
        photos=photos,
        captions=caption_all(photos, args.cache / "captions.json"),
        ropo=ropo,
        resolution_px=args.resolution,
        latent=(prior.autoencoder.channels, prior.autoencoder.block_px),
        timesteps=prior.scheduler.config.num_train_timesteps,
        seed=args.seed,
        takes_lq=prior.kind.takes == "lq",
        degradation=args.degradation,
    )
    latents = LatentCache(prior.autoencoder, args.cache / "latents" if args.cache_latents else None)
    return PhotoTask(prior, samples, latents, texts, args.snr_gamma, args.cache_texts, args.sheet_steps)


def train(args: argparse.Namespace, task: PatchTask | PhotoTask) -> Trainer:
    settings = LoopSettings(
        steps=args.steps,
        batch_size=args.batch_size,
        accumulation=args.gradient_accumulation_steps,
        learning_rate=args.learning_rate,
        warmup_steps=args.warmup_steps,
        lr_schedule=args.lr_schedule,
        optimizer="adamw8bit" if args.use_8bit_adam else "adamw",
        weight_decay=args.weight_decay,
        ema_decay=args.ema_decay,
        ema_warmup=args.ema_warmup,
        mixed_precision=args.mixed_precision,
        seed=args.seed,
        checkpoint_minutes=args.checkpoint_minutes,
        sheet_every_steps=args.validation_steps,
    )
    trainer = Trainer(task, settings, args.out, args.report_to)
    if args.resume and trainer.resume():
        print(f"resumed at step {trainer.step}")
    with progress(args.steps, trainer.step) as show:
        trainer.run(minutes=args.minutes, report=show)
    return trainer


def export(args: argparse.Namespace, folder: Path, prior: Prior, photos: list[Photo], ropo: Ropo, steps: int) -> None:
    """The refinement folder, in the format of the method: LoRA, the whole UNet, or what changed of it."""
    pair = (args.positive_identifier, args.negative_identifier)
    others = {row.text: row.meaning for row in ropo.identifiers if row.text not in pair}
    told = ("method", "objective", "batch_size", "learning_rate", "lr_schedule", "snr_gamma", "seed", "negative_share")
    ours = ("lpips_weight", "pure_noise_share", "lq_free") if prior.kind.name == "embedded" else ("degradation",)
    facts = {
        **{name: getattr(args, name) for name in (*told, "negative_lq", "drop_text_share", "resolution", *ours)},
        "steps": steps,
        "photographs": len(photos),
        "data_fingerprint": data_fingerprint(photos),
        "curve": curve(args.out / "progress.jsonl"),
    }
    if args.method == "lora":
        save_refinement(folder, prior, pair, facts | {"targets": args.targets}, others=others)
    elif args.method == "full":
        save_full(folder, prior, pair, facts, others=others)
    else:
        before = dict(load_prior(args.prior).unet.named_parameters())
        differences = ((n, p.detach().cpu().float() - before[n].float()) for n, p in prior.unet.named_parameters())
        save_delta(folder, differences, describe("delta", prior, pair, others) | facts)


def curve(progress: Path) -> list[dict[str, Any]]:
    """The rows of a progress file, evenly thinned to at most CURVE_ROWS; the last one is always there."""
    rows = [json.loads(line) for line in progress.read_text().splitlines()]
    return rows[:: -max(1, -(-len(rows) // CURVE_ROWS))][::-1]


def push(folder: Path, repository: str) -> None:
    """Upload a refinement folder; needs a token (`hf auth login`)."""
    from huggingface_hub import HfApi

    api = HfApi()
    api.create_repo(repository, exist_ok=True)
    print(api.upload_folder(repo_id=repository, folder_path=folder).commit_url)


if __name__ == "__main__":
    main()
