"""Try several recipes on one set of images, and print a table: how the default recipe was chosen.

Every setting gets a folder below --out, as from train.evaluate; run again, what is finished is not repeated, so several processes can
share the settings with --only, and a last call without it makes the table.

Examples:
  python -m train.evaluate --make-list validation --photos PHOTOS --out runs/validation
  python -m train.tune --set runs/validation --settings rapsr_core/evaluation/lists/tuning.json --out runs/tuning
  # fidelity against quality, beside bicubic and Real-ESRGAN, each degradation by itself
  python -m train.tune --set runs/heldout --settings rapsr_core/evaluation/lists/frontier.json --restorers none real-esrgan \\
    --by-preset heldout --plot psnr:lpips lpips:niqe --out runs/frontier
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tqdm import tqdm

from rapsr_core import ASSETS
from rapsr_core.comparison import Comparer
from rapsr_core.evaluation import lists
from rapsr_core.evaluation.frontier import plot
from rapsr_core.evaluation.lists import presets_of
from rapsr_core.evaluation.pairs import EvaluationError, find_pairs
from rapsr_core.evaluation.restorers import LABELS, check_restorers, restore
from rapsr_core.evaluation.run import Settings, choose_metrics, evaluate
from rapsr_core.evaluation.table import Row
from rapsr_core.evaluation.tuning import choose_settings, grouped, points_of, read_settings, tuning_table
from rapsr_core.quality.table import METRICS
from train.cli import errors_told
from train.evaluate import ERRORS


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m train.tune", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--set",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder with lq/, and hq/ of the same stems if there are references",
    )
    parser.add_argument("--settings", type=Path, required=True, metavar="FILE", help="JSON object of named recipes")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="a folder per setting, and table.md")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="take these settings and write no table")
    parser.add_argument("--limit", type=int, metavar="N", help="take the first N images")
    parser.add_argument(
        "--metrics", nargs="+", default=["niqe", "brisque", "piqe"], help="[niqe brisque piqe], and the usual ones"
    )
    parser.add_argument("--restorers", nargs="+", default=[], metavar="CLEANER", help="cleaners by themselves, as further lines")
    parser.add_argument("--by-preset", choices=lists.NAMES, help="a table for each degradation of this list as well")
    parser.add_argument("--plot", nargs="+", type=_axes, default=[], metavar="X:Y", help="two metrics against each other, as SVG")
    parser.add_argument("--assets", type=Path, metavar="DIR", default=ASSETS, help="folder of prior/ and refinement/")
    return parser


def main(argv: list[str] | None = None) -> None:
    parser = arguments()
    args = parser.parse_args(argv)
    with errors_told(parser, ERRORS):
        run(args)


def _axes(text: str) -> tuple[str, str]:
    across, _, up = text.partition(":")
    if not (across in METRICS and up in METRICS):
        raise argparse.ArgumentTypeError(f"{text!r} must be two of {', '.join(METRICS)} with a colon between, as psnr:lpips")
    return across, up


def run(args: argparse.Namespace) -> None:
    recipes = choose_settings(read_settings(args.settings), args.only)
    check_restorers(args.restorers)
    references = args.set / "hq"
    pairs = find_pairs(args.set / "lq", references if references.is_dir() else None)[: args.limit]
    metrics = choose_metrics(args.metrics, has_reference=references.is_dir())
    if missing := [name for axes in args.plot for name in axes if name not in metrics]:
        raise EvaluationError(f"--plot takes {missing[0]}, which is not scored here; name it in --metrics")
    groups = grouped([pair.name for pair in pairs], presets_of(args.by_preset)) if args.by_preset else None
    comparer = Comparer(args.assets)
    rows: dict[str, list[Row]] = {}
    with tqdm(total=len(recipes) * len(pairs), desc="images") as bar:
        for name, recipe in recipes.items():
            bar.set_postfix_str(name)
            rows[name] = []
            for row in evaluate(pairs, Settings(recipe, metrics), comparer, args.out / name):
                rows[name].append(row)
                bar.update()
    if args.only:
        return
    alone = {
        LABELS[name]: dict(restore(pairs, name, metrics, args.out / "restorers" / name))
        for name in tqdm(args.restorers, desc="restorers", disable=not args.restorers)
    }
    report = []
    for group, names in (groups or {"all": [pair.name for pair in pairs]}).items():
        points = points_of(rows, alone, names, metrics)
        report += [*([f"{group}, {len(names)} images", ""] if groups else []), tuning_table(points, metrics), ""]
        for across, up in args.plot:
            plot(points, across, up, f"{args.set.name}: {group}, {len(names)} images", args.out / f"{group}-{across}-{up}.svg")
    text = "\n".join(report)
    (args.out / "table.md").write_text(text, encoding="utf-8")
    print(text, end="")


if __name__ == "__main__":
    main()
