"""The ablation: train each variant of the refinement, evaluate all on one set, print a table with intervals. Resumable.

Examples:
  python -m train.evaluate --make-list heldout --photos PHOTOS --out runs/heldout
  python -m train.curate PHOTOS/pool runs/hfaid
  python -m train.ablate --curated runs/hfaid/dataset --pool PHOTOS --set runs/heldout --out runs/ablation
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from tqdm import tqdm

from rapsr_core import ASSETS
from rapsr_core.comparison import Comparer
from rapsr_core.evaluation.ablation import VARIANTS, Variant, ablation_table
from rapsr_core.evaluation.pairs import find_pairs, read_names
from rapsr_core.evaluation.run import DEFAULT_METRICS, Settings, choose_metrics, evaluate
from rapsr_core.hosts.registry import recipe_from_json
from rapsr_core.refinement.artifact import FACTS
from train import refine
from train.cli import errors_told, part
from train.evaluate import ERRORS


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m train.ablate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--curated", type=Path, required=True, metavar="DIR", help="curated dataset, as train.curate writes it")
    parser.add_argument("--pool", type=Path, required=True, metavar="DIR", help="photographs of ROPO without curation")
    parser.add_argument("--set", type=Path, required=True, metavar="DIR", help="folder with lq/ and hq/, of the same stems")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="a folder per variant, the caches, and table.md")
    parser.add_argument("--variants", nargs="+", choices=list(VARIANTS), default=list(VARIANTS), help="[all]")
    parser.add_argument("--recipe", type=Path, metavar="FILE", help="JSON of what differs from the default recipe")
    parser.add_argument("--list", type=Path, metavar="FILE", help="text file naming the images to take, one a line")
    parser.add_argument("--limit", type=int, metavar="N", help="take the first N images")
    parser.add_argument(
        "--part",
        type=part,
        default="0/1",
        metavar="K/N",
        help="evaluate images K, K+N, ... so that several processes share them [0/1]",
    )
    parser.add_argument("--metrics", nargs="+", default=list(DEFAULT_METRICS), help=f"[{' '.join(DEFAULT_METRICS)}]")
    parser.add_argument("--assets", type=Path, metavar="DIR", default=ASSETS, help="folder of prior/ and refinement/")
    parser.add_argument(
        "--refine", nargs=argparse.REMAINDER, default=[], metavar="ARG", help="the rest goes to train.refine, for every variant"
    )
    return parser


def main(argv: list[str] | None = None) -> None:
    parser = arguments()
    args = parser.parse_args(argv)
    with errors_told(parser, ERRORS):
        run(args)


def run(args: argparse.Namespace) -> None:
    pairs = find_pairs(args.set / "lq", args.set / "hq", read_names(args.list) if args.list else None)[: args.limit][args.part]
    metrics = choose_metrics(args.metrics, has_reference=True)
    recipe = recipe_from_json(json.loads(args.recipe.read_text(encoding="utf-8")) if args.recipe else {})
    variants = [VARIANTS[name] for name in args.variants]
    refinements = {variant.name: refinement(args, variant) for variant in variants}
    comparer, folders = Comparer(args.assets), {name: args.out / name / "evaluation" for name in args.variants}
    runs = [
        evaluate(pairs, Settings(variant.recipe(recipe, refinements[variant.name]), metrics), comparer, folders[variant.name])
        for variant in variants
    ]
    with tqdm(total=len(variants) * len(pairs), desc="images") as bar:
        for _ in zip(*runs, strict=True):  # all variants of an image before the next one: they share its baseline
            bar.update(len(runs))
    summaries = {name: json.loads((out / "summary.json").read_text(encoding="utf-8")) for name, out in folders.items()}
    table = ablation_table(summaries, metrics)
    (args.out / "table.md").write_text(table + "\n", encoding="utf-8")
    print(table)


def refinement(args: argparse.Namespace, variant: Variant) -> str:
    """Folder of the variant's refinement, trained here unless it is there already; what is not trained gets the shipped one at strength 0."""
    if variant.trained_with is None:
        return "embedded"
    folder = args.out / variant.name / "refinement"
    if not (folder / FACTS).is_file():
        where = ["--out", str(args.out / variant.name / "run"), "--export", str(folder), "--prior", str(args.assets / "prior")]
        data = ["--photos", str(getattr(args, variant.data)), "--cache", str(args.out / f"cache-{variant.data}")]
        refine.main([*data, *where, "--resume", *variant.trained_with, *args.refine])
    return str(folder)


if __name__ == "__main__":
    main()
