"""QDAISP: from a pool of images to an HFAID dataset. Score once, select many.

Examples:
  python -m train.curate PHOTOS runs/hfaid
  python -m train.curate PHOTOS runs/hfaid --rules rules.json        # other thresholds: seconds, no pixel is read
  python -m train.curate PHOTOS runs/hfaid --engine ray --actors 16  # pip install -r requirements-ray.txt
  python -m studio.review PHOTOS --kept runs/hfaid/kept.txt --reviewer me --review runs/hfaid/review.jsonl   # stage 4
  python -m train.curate PHOTOS runs/hfaid --review runs/hfaid/review.jsonl

A rules file: {"sharpness": {"low": -9}, "noise": null, "niqe": {"best": 0.5}}: replaces, takes away, adds.
"""

from __future__ import annotations

import argparse
import json
import platform
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tqdm import tqdm

from rapsr_core.captions import CAPTIONERS, CaptionError
from rapsr_core.captions import find as find_captioner
from rapsr_core.curation.columns import Stage
from rapsr_core.curation.dataset import DatasetError, Kept, write_dataset
from rapsr_core.curation.dataset_card import Facts
from rapsr_core.curation.decisions import Log, ReviewError, read
from rapsr_core.curation.engines import score_pool, seconds_per_image
from rapsr_core.curation.estimate import as_text, estimate, machines
from rapsr_core.curation.items import Item, find_items, read_item
from rapsr_core.curation.judges.contract import JudgeError
from rapsr_core.curation.local import EngineError, Local
from rapsr_core.curation.manifest import ManifestError, read_manifest
from rapsr_core.curation.opening import write_selection
from rapsr_core.curation.places import PoolError
from rapsr_core.curation.progress import Progress
from rapsr_core.curation.ray_engine import Ray
from rapsr_core.curation.report import Report, funnel_markdown, write_report
from rapsr_core.curation.review import agreement, verdicts
from rapsr_core.curation.selecting import Columns, Selection, SelectionError, changed, select
from rapsr_core.curation.settings import SettingsError
from rapsr_core.curation.stages import DUPLICATES, pipeline
from rapsr_core.curation.thumbnails import jpeg_thumbnail
from rapsr_core.images import ImageError
from train.cli import errors_told

ERRORS = (
    CaptionError, DatasetError, EngineError, ImageError, JudgeError, ManifestError, OSError, PoolError, ReviewError, SelectionError,
    SettingsError, json.JSONDecodeError,
)  # fmt: skip
THUMBNAIL_PX = 160


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m train.curate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("pool", help="folder, list (text, parquet), .tar of a webdataset, or a URI of one (s3://...)")
    add("out", type=Path, help="scores.parquet, kept.txt, left_out.tsv, selection.json, report.html, dataset/")
    add("--judge", default="embedded", help="embedded | q-align | vlm:MODEL | clip-aesthetic:[CLIP@]HEAD [embedded]")
    add("--captioner", default="embedded", help=f"{' | '.join(CAPTIONERS)} | florence-2:FOLDER [embedded]")
    add("--rules", type=Path, metavar="FILE", help="JSON of what differs from the default thresholds")
    add("--review", type=Path, metavar="FILE", help="decisions of stage 4 (studio.review)")
    add("--reviewed-only", action="store_true", help="leave out what the reviewers have not decided")
    add("--minimum-votes", type=int, default=1, metavar="N", help="reviewers who must have decided [1]")
    add("--engine", choices=("local", "ray"), default="local")
    add("--workers", type=int, metavar="N", help="processes of the local engine [one a core]")
    add("--actors", type=int, default=2, metavar="N", help="most Ray actors [2]")
    add("--gpus", type=float, default=0.0, help="of each Ray actor, fractions allowed [0]")
    add("--ray-address", help="a running cluster [one on this machine]")
    add("--limit", type=int, metavar="N", help="take the first N images")
    add("--no-dataset", action="store_true", help="stop after selection and report")
    add("--dry-run", action="store_true", help="print pool, stages and thresholds, and stop")
    return parser


def main(argv: list[str] | None = None) -> None:
    parser = arguments()
    args = parser.parse_args(argv)
    with errors_told(parser, ERRORS):
        run(args)


def run(args: argparse.Namespace) -> None:
    stages = pipeline(args.judge)
    find_captioner(args.captioner)
    changes = json.loads(args.rules.read_text(encoding="utf-8")) if args.rules else {}
    rules = changed([r for s in stages for r in s.rules], changes, [c for s in stages for c in s.columns])
    log = read(args.review) if args.review else None
    items = find_items(args.pool)[: args.limit]
    if args.dry_run:
        print(f"{len(items)} files in {args.pool}")
        print("\n".join(f"{stage.label}: {len(stage.columns)} measurements" for stage in stages))
        print("\n".join(f"  {rule}" for rule in rules))
        return
    scores(args, items, stages)
    columns = read_manifest(args.out / "scores.parquet")
    review = verdicts(log.decisions, [str(i) for i in columns["id"]], args.minimum_votes) if log else None
    selection = select(columns, stages, rules, DUPLICATES, review, args.reviewed_only)
    write_selection(args.out, selection)
    print(funnel_markdown(selection, stages))
    sources = {item.id: item for item in items}
    write_report(report_of(args, columns, stages, selection, sources, log), args.out / "report.html")
    print(f"wrote {args.out / 'report.html'}")
    if not args.no_dataset:
        export(args, columns, selection, sources)
        print(f"wrote {args.out / 'dataset'}")


def scores(args: argparse.Namespace, items: list[Item], stages: tuple[Stage, ...]) -> None:
    """scores.parquet, with a progress bar, and what a million images would take."""
    local = Local(args.workers) if args.workers else Local()
    ray = Ray(max_actors=args.actors, gpus=args.gpus, address=args.ray_address)
    with tqdm(total=len(items), desc="images") as bar:

        def show(progress: Progress) -> None:
            bar.update(progress.done - bar.n)
            bar.set_postfix(errors=progress.errors)

        score_pool(items, stages, args.out, local if args.engine == "local" else ray, show)
    seconds = seconds_per_image(args.out)
    print(as_text(seconds, estimate(seconds, machines(nodes=8))))


def report_of(
    args: argparse.Namespace,
    columns: Columns,
    stages: tuple[Stage, ...],
    selection: Selection,
    sources: dict[str, Item],
    log: Log | None,
) -> Report:
    def thumbnail(name: str) -> bytes | None:
        try:
            return jpeg_thumbnail(read_item(sources[name]), THUMBNAIL_PX)
        except (ImageError, OSError):
            return None

    settings = {"pool": str(args.pool), "judge": args.judge, "rules": str(args.rules or "defaults")}
    versions = {name: version(name) for name in ("torch", "pillow", "numpy", "pyarrow")} | {"python": platform.python_version()}
    agreed = agreement(log) if log else None
    return Report("Curation", columns, stages, selection, thumbnail, settings, versions, agreed)


def export(args: argparse.Namespace, columns: Columns, selection: Selection, sources: dict[str, Item]) -> None:
    """dataset/: the images that were kept, with captions, in the layout of HFAID and of ImageFolder."""
    number = {str(name): i for i, name in enumerate(columns["id"])}
    kept = [
        Kept(
            id=name,
            read=partial(read_item, sources[name]),
            row=row_of(columns, number[name]),
            licence=sources[name].licence or "",
            source=sources[name].source,
        )
        for name in selection.kept
    ]
    facts = Facts("HFAID by RAP-SR Studio", str(args.pool), args.judge, selection.funnel, selection.thresholds)
    with tqdm(total=len(kept), desc="dataset") as bar:
        write_dataset(kept, args.out / "dataset", args.captioner, facts, bar.update)


def row_of(columns: Columns, i: int) -> dict[str, Any]:
    """Measurements of an image as JSON values; NaN becomes None."""
    told = {name: values[i] for name, values in columns.items() if name not in ("id", "error", "source", "licence")}
    return {name: None if value != value else value.item() if hasattr(value, "item") else value for name, value in told.items()}


if __name__ == "__main__":
    main()
