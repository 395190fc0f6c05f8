"""Try several recipes on one set of images with references, and print a table: how the default recipe was chosen.

Every setting gets a folder below --out, as from train.evaluate; run again, what is finished is not repeated, so several processes can
share the settings with --only, and a last call without it makes the table.

Examples:
  python -m train.evaluate --make-list validation --photos PHOTOS --out runs/validation
  python -m train.tune --set runs/validation --settings rapsr_core/evaluation/lists/tuning.json --out runs/tuning
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from tqdm import tqdm

from rapsr_core import ASSETS
from rapsr_core.comparison import Comparer
from rapsr_core.evaluation.pairs import find_pairs
from rapsr_core.evaluation.run import Settings, choose_metrics, evaluate
from rapsr_core.evaluation.tuning import choose_settings, read_settings, tuning_table
from train.cli import errors_told
from train.evaluate import ERRORS


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m train.tune", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--set", type=Path, required=True, metavar="DIR", help="folder with lq/ and hq/, of the same stems")
    parser.add_argument("--settings", type=Path, required=True, metavar="FILE", help="JSON object of named recipes")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="a folder per setting, and table.md")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="take these settings and write no table")
    parser.add_argument("--limit", type=int, metavar="N", help="take the first N images")
    parser.add_argument(
        "--metrics", nargs="+", default=["niqe", "brisque", "piqe"], help="[niqe brisque piqe], and the usual ones"
    )
    parser.add_argument("--assets", type=Path, metavar="DIR", default=ASSETS, help="folder of prior/ and refinement/")
    return parser


def main(argv: list[str] | None = None) -> None:
    parser = arguments()
    args = parser.parse_args(argv)
    with errors_told(parser, ERRORS):
        run(args)


def run(args: argparse.Namespace) -> None:
    recipes = choose_settings(read_settings(args.settings), args.only)
    pairs = find_pairs(args.set / "lq", args.set / "hq")[: args.limit]
    metrics = choose_metrics(args.metrics, has_reference=True)
    comparer = Comparer(args.assets)
    with tqdm(total=len(recipes) * len(pairs), desc="images") as bar:
        for name, recipe in recipes.items():
            bar.set_postfix_str(name)
            for _ in evaluate(pairs, Settings(recipe, metrics), comparer, args.out / name):
                bar.update()
    if args.only:
        return
    summaries = {name: json.loads((args.out / name / "summary.json").read_text(encoding="utf-8")) for name in recipes}
    table = tuning_table(summaries, metrics)
    (args.out / "table.md").write_text(table + "\n", encoding="utf-8")
    print(table)


if __name__ == "__main__":
    main()
