"""RPR + ROPO: refine a prior on curated photographs and teach it the restoration identifiers.

Examples:
  python -m train.refine --photos PHOTOS --curate 300 --steps 1500 --export assets/refinement
  python -m train.refine --photos PHOTOS --steps 1500 --resume
"""

from __future__ import annotations

import argparse
import json
from functools import partial
from pathlib import Path

import torch
from tqdm import tqdm

from rapsr_core.priors import load_prior
from rapsr_core.refinement.artifact import save_refinement
from rapsr_core.refinement.curated import best_photos
from rapsr_core.refinement.samples import Ropo
from rapsr_core.refinement.task import TARGETS, RefinementTask, lora_config
from rapsr_core.training.cache import CRISP, Cache, build_cache
from rapsr_core.training.loop import LoopSettings, Trainer, TrainingError
from rapsr_core.training.patches import PatchSampler
from rapsr_core.training.photos import training_photos
from train.common import caption_all, check_patch_px, progress


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m train.refine", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    data = parser.add_argument_group("data")
    data.add_argument("--photos", type=Path, required=True, help="folder of photographs (manifest.tsv optional)")
    data.add_argument("--curate", type=int, default=300, metavar="N", help="keep the N best by NIQE, BRISQUE, PIQE ranks [300]")
    data.add_argument("--cache", type=Path, default=Path("runs/cache-curated"), help="patch cache [runs/cache-curated]")
    data.add_argument("--cache-items", type=int, default=1000, metavar="N", help="triples of 256 px [1000]")
    data.add_argument("--negative-share", type=float, default=0.2, help="share of negative samples, as published [0.2]")
    data.add_argument("--drop-text-share", type=float, default=0.05, help="share of samples without any text [0.05]")
    data.add_argument("--positive-identifier", default="[X]. ")
    data.add_argument("--negative-identifier", default="[V]. ")
    run = parser.add_argument_group("run")
    run.add_argument("--prior", default="embedded", help="catalogue name or folder [embedded]")
    run.add_argument("--rank", type=int, default=16)
    run.add_argument("--targets", nargs="+", choices=list(TARGETS), default=list(TARGETS), help="module groups [all]")
    run.add_argument("--out", type=Path, default=Path("runs/refine"))
    run.add_argument("--export", type=Path, metavar="DIR", help="write the refinement folder at the end")
    run.add_argument("--steps", type=int, default=1500)
    run.add_argument("--minutes", type=float, help="stop after this time, with a checkpoint")
    run.add_argument("--batch-size", type=int, default=16)
    run.add_argument("--patch-px", type=int, default=128)
    run.add_argument("--learning-rate", type=float, default=3e-4)
    run.add_argument(
        "--pure-noise-share", type=float, default=0.5, help="share of samples at the last timestep, where identifiers act [0.5]"
    )
    run.add_argument("--lpips-weight", type=float, default=0.4, help="weight of LPIPS beside the squared error; 0 = none [0.4]")
    run.add_argument("--ema-decay", type=float, default=0.998)
    run.add_argument("--seed", type=int, default=1024, help="[1024, the published one]")
    run.add_argument("--threads", type=int, default=2)
    run.add_argument("--resume", action="store_true", help="continue from the checkpoint in --out")
    run.add_argument("--dry-run", action="store_true", help="print what would be trained on what, and stop")
    return parser


def build_task(args: argparse.Namespace) -> RefinementTask:
    prior = load_prior(args.prior)
    torch.manual_seed(args.seed)
    prior.unet.add_adapter(lora_config(args.rank, args.targets))
    for name, parameter in prior.unet.named_parameters():
        parameter.requires_grad_("lora_" in name)
    ropo = Ropo(args.positive_identifier, args.negative_identifier, args.negative_share, args.drop_text_share)
    photos = training_photos(args.photos)
    texts = caption_all(photos, args.cache / "captions.json")

    def sampler(ropo: Ropo, seed: int) -> PatchSampler:
        return PatchSampler(
            cache=Cache(args.cache, args.cache_items),
            choose=partial(ropo.choose, texts),
            patch_px=args.patch_px,
            codec=prior.codec,
            timesteps=prior.scheduler.config.num_train_timesteps,
            seed=seed,
            pure_noise_share=args.pure_noise_share,
        )

    only_positive = Ropo(args.positive_identifier, args.negative_identifier, negative_share=0.0, drop_text_share=0.0)
    return RefinementTask(prior, sampler(ropo, args.seed), sampler(only_positive, args.seed + 1_000_003), ropo, args.lpips_weight)


def main(argv: list[str] | None = None) -> None:
    parser = arguments()
    args = parser.parse_args(argv)
    torch.set_num_threads(args.threads)
    try:
        check_patch_px(args.patch_px, args.lpips_weight)
        photos = best_photos(training_photos(args.photos), args.curate, args.out / "curated.json")
        if args.dry_run:
            dry_run(args, len(photos))
            return
        with tqdm(total=args.cache_items, desc="cache items") as bar:
            build_cache(args.cache, photos, args.seed, args.cache_items, CRISP, report=bar.update)
        task = build_task(args)
        trained = sum(p.numel() for p in task.prior.unet.parameters() if p.requires_grad)
        print(f"{len(photos)} curated photographs; {trained / 1e6:.2f} M trained parameters; prior {task.prior.fingerprint}")
        train(args, task, len(photos))
    except (TrainingError, ValueError, OSError) as error:
        parser.exit(2, f"error: {error}\n")


def dry_run(args: argparse.Namespace, photos: int) -> None:
    """What a run would train on what; makes no cache."""
    prior = load_prior(args.prior)
    prior.unet.add_adapter(lora_config(args.rank, args.targets))
    trained = sum(p.numel() for n, p in prior.unet.named_parameters() if "lora_" in n)
    print(f"{photos} curated photographs, {args.cache_items} cached triples, {args.steps} steps of {args.batch_size}")
    print(f"prior {prior.fingerprint}: rank {args.rank} on {', '.join(args.targets)}; {trained / 1e6:.2f} M trained parameters")
    for identifier in (args.positive_identifier, args.negative_identifier):
        print(f"{identifier!r} is token ids {prior.tokenizer(identifier, add_special_tokens=False).input_ids}")


def train(args: argparse.Namespace, task: RefinementTask, photos: int) -> None:
    settings = LoopSettings(
        steps=args.steps,
        batch_size=args.batch_size,
        learning_rate=args.learning_rate,
        weight_decay=0.0,
        ema_decay=args.ema_decay,
        seed=args.seed,
    )
    trainer = Trainer(task, settings, args.out)
    if args.resume and trainer.resume():
        print(f"resumed at step {trainer.step}")
    with progress(args.steps, trainer.step) as show:
        trainer.run(minutes=args.minutes, report=show)
    if args.export and trainer.is_main:
        facts = {
            "method": "lora",
            "steps": trainer.step,
            "batch_size": args.batch_size,
            "learning_rate": args.learning_rate,
            "lpips_weight": args.lpips_weight,
            "pure_noise_share": args.pure_noise_share,
            "seed": args.seed,
            "targets": args.targets,
            "negative_share": args.negative_share,
            "drop_text_share": args.drop_text_share,
            "curated_photographs": photos,
            "curve": [json.loads(line) for line in (args.out / "progress.jsonl").read_text().splitlines()][::10],
        }
        with trainer.averaged():
            save_refinement(args.export, task.prior, (args.positive_identifier, args.negative_identifier), facts)
        print(f"wrote {args.export}")


if __name__ == "__main__":
    main()
