"""Score the images of one folder, or of two with the same names (before, after), by metrics that need no reference. Resumable.

Examples:
  python -m train.score runs/heldout/baseline runs/heldout/enhanced --metrics ilniqe --out runs/heldout/ilniqe.csv
  python -m train.score PHOTOS --metrics niqe piqe --out scores.csv
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tqdm import tqdm

from rapsr_core import csv_rows
from rapsr_core.evaluation.pairs import EvaluationError
from rapsr_core.evaluation.summary import paired_interval
from rapsr_core.images import read
from rapsr_core.quality.scoring import score
from rapsr_core.quality.table import METRICS, lower_better
from rapsr_core.training.photos import SUFFIXES
from train.cli import errors_told, part
from train.evaluate import ERRORS

Key = tuple[str, str, str]
"""Folder, image, metric."""


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m train.score", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIR", help="one folder, or two: before and after")
    parser.add_argument("--metrics", nargs="+", default=["niqe", "brisque", "piqe", "ilniqe"], help="[niqe brisque piqe ilniqe]")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="CSV, a row for each image and metric")
    parser.add_argument(
        "--part", type=part, default="0/1", metavar="K/N", help="images K, K+N, ... so that several processes share them [0/1]"
    )
    return parser


def main(argv: list[str] | None = None) -> None:
    parser = arguments()
    args = parser.parse_args(argv)
    with errors_told(parser, ERRORS):
        print(run(args.folders, args.metrics, args.out, args.part))


def run(folders: list[Path], metrics: list[str], out: Path, taken: slice) -> str:
    """Score what `out` does not have yet; lines of means, and with two folders of the mean difference and its 95 % interval."""
    names = images_of(folders)
    known = read_scores(out)
    asked = [(str(folder), name, metric) for name in names[taken] for folder in folders for metric in metrics]
    out.parent.mkdir(parents=True, exist_ok=True)
    for folder, name, metric in tqdm([key for key in asked if key not in known]):
        row = score(read(Path(folder) / name), [metric])[metric]
        if row.value is None:
            raise EvaluationError(f"{folder}/{name}: {row.error}")
        csv_rows.append(out, [[folder, name, metric, csv_rows.number(row.value)]])
    known = read_scores(out)
    return "\n".join(
        line(metric, [[known[str(f), name, metric] for name in names[taken]] for f in folders]) for metric in metrics
    )


def images_of(folders: list[Path]) -> list[str]:
    """Names of the images. Raises EvaluationError for a folder without any, more than two folders, or other names in the second."""
    if len(folders) > 2:
        raise EvaluationError(f"{len(folders)} folders are given; give one, or two to compare")
    found = [sorted(p.name for p in folder.iterdir() if p.suffix.lower() in SUFFIXES) for folder in folders]
    if not found[0]:
        raise EvaluationError(f"no images in {folders[0]}; they must end in {', '.join(sorted(SUFFIXES))}")
    if odd := sorted(set(found[0]) ^ set(found[-1])):
        raise EvaluationError(f"{odd[0]} is in only one of {folders[0]} and {folders[1]}; both must hold the same names")
    return found[0]


def read_scores(path: Path) -> dict[Key, float]:
    """What is in the file."""
    return {(folder, name, metric): float(value) for folder, name, metric, value in csv_rows.read(path)}


def line(metric: str, columns: list[list[float]]) -> str:
    """Means of one metric, best direction marked."""
    means = [sum(values) / len(values) for values in columns]
    label = f"{METRICS[metric].label if metric in METRICS else metric} {'↓' if lower_better(metric) else '↑'}"
    text = f"{label}  {'  '.join(f'{mean:.3f}' for mean in means)}"
    if len(columns) == 1:
        return f"{text}  ({len(columns[0])} images)"
    differences = [after - before for before, after in zip(*columns, strict=True)]
    better = sum(d < 0 if lower_better(metric) else d > 0 for d in differences) / len(differences)
    span = paired_interval(differences)
    interval = f" [{span[0]:+.3f}, {span[1]:+.3f}]" if span else ""
    return f"{text}  {means[1] - means[0]:+.3f}{interval}  improved {better:.0%} of {len(differences)}"


if __name__ == "__main__":
    main()
