"""Compare baseline and enhanced over a folder, and score both.

Writes to --out: baseline/ and enhanced/ (PNG), scores.csv (a row an image), summary.json, run.json (what was asked).
Run again with the same arguments, it goes on where it stopped.

Examples:
  python -m train.evaluate --lq photos --out runs/mine
  python -m train.evaluate --lq set/lq --hq set/hq --out runs/set --limit 10
  python -m train.evaluate --hq photos --preset seesr_mild --out runs/degraded
  python -m train.evaluate --make-list heldout --photos PHOTOS --out set
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from rapsr_core import ASSETS
from rapsr_core.captions import CaptionError
from rapsr_core.comparison import Comparer
from rapsr_core.degradation import PRESETS
from rapsr_core.evaluation import lists
from rapsr_core.evaluation.pairs import EvaluationError, find_pairs, read_names
from rapsr_core.evaluation.run import DEFAULT_METRICS, Settings, choose_metrics, evaluate
from rapsr_core.evaluation.summary import markdown
from rapsr_core.hosts.registry import recipe_from_json
from rapsr_core.images import ImageError
from rapsr_core.recipe import Recipe, RecipeError
from rapsr_core.refinement import RefinementError
from train.cli import errors_told

ERRORS = (EvaluationError, lists.ListError, ImageError, RecipeError, RefinementError, CaptionError, OSError)


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m train.evaluate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_argument_group("images")
    what.add_argument("--lq", type=Path, metavar="DIR", help="low-quality inputs")
    what.add_argument(
        "--hq",
        type=Path,
        metavar="DIR",
        help="references of the same stems, 4 times the size; alone: degraded by --preset",
    )
    what.add_argument("--out", type=Path, metavar="DIR", required=True, help="results")
    what.add_argument("--list", type=Path, metavar="FILE", help="text file naming the images to take, one a line")
    what.add_argument("--limit", type=int, metavar="N", help="take the first N images")
    how = parser.add_argument_group("settings")
    how.add_argument("--recipe", type=Path, metavar="FILE", help="JSON recipe; every field is optional")
    how.add_argument("--seed", type=int, help="noise and degradation seed [the recipe's]")
    how.add_argument(
        "--assets", type=Path, metavar="DIR", default=ASSETS, help="folder of prior/ and refinement/ [the shipped one]"
    )
    how.add_argument("--preset", choices=list(PRESETS), default="rapsr", help="degradation of --hq without --lq [rapsr]")
    how.add_argument(
        "--metrics", nargs="+", default=list(DEFAULT_METRICS), help=f"[{' '.join(DEFAULT_METRICS)}], and always grid"
    )
    make = parser.add_argument_group("test sets")
    make.add_argument("--make-list", choices=lists.NAMES, help="write a fixed list as --out/lq and --out/hq, and stop")
    make.add_argument("--photos", type=Path, metavar="DIR", help="folder of the photographs that the list names")
    return parser


def main(argv: list[str] | None = None) -> None:
    parser = arguments()
    args = parser.parse_args(argv)
    with errors_told(parser, ERRORS):
        if args.make_list:
            make(args)
        else:
            run(args)


def make(args: argparse.Namespace) -> None:
    if args.photos is None:
        raise lists.ListError("--make-list needs --photos, the folder that holds the photographs it names")
    entries = lists.named_list(args.make_list)[: args.limit]
    for _ in tqdm(lists.make_list(entries, args.photos, args.out), total=len(entries), desc=args.make_list):
        pass
    print(f"wrote {len(entries)} images to {args.out}")


def run(args: argparse.Namespace) -> None:
    if args.limit is not None and args.limit < 1:
        raise EvaluationError(f"--limit is {args.limit}; it must be at least 1")
    recipe = read_recipe(args.recipe) if args.recipe else recipe_from_json({})
    if args.seed is not None:
        recipe = replace(recipe, seed=args.seed)
    pairs = find_pairs(args.lq, args.hq, read_names(args.list) if args.list else None)[: args.limit]
    metrics = choose_metrics(args.metrics, has_reference=args.hq is not None)
    settings = Settings(recipe, metrics, args.preset, recipe.seed)
    rows = evaluate(pairs, settings, Comparer(args.assets), args.out)
    with tqdm(total=len(pairs), desc="images") as bar:
        for row in rows:
            bar.set_postfix_str(row.image)
            bar.update()
    print(markdown(json.loads((args.out / "summary.json").read_text(encoding="utf-8"))))


def read_recipe(path: Path) -> Recipe:
    try:
        return recipe_from_json(json.loads(path.read_text(encoding="utf-8")))
    except json.JSONDecodeError as error:
        raise RecipeError(f"{path} is not JSON ({error})") from error


if __name__ == "__main__":
    main()
