"""Plant failures, made from photographs, beside the untouched photographs, to measure what a curation rejects.

Writes OUT/images and OUT/truth.tsv (file, kind, twin, parameters). The same seed and photographs give the same files.

Examples:
  python -m train.plant PHOTOS OUT --seed 1 --count 200
  python -m train.plant PHOTOS OUT --seed 2 --packages budgie-backgrounds,mate-backgrounds
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from PIL import Image

from rapsr_core.curation.planting import plant
from rapsr_core.images import ImageError
from rapsr_core.training.photos import SUFFIXES
from train.cli import errors_told


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m train.plant", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", type=Path, metavar="PHOTOS", help="folder of good photographs, with its subfolders")
    parser.add_argument("out", type=Path, metavar="OUT", help="new folder")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=200, help="failures in all [200]")
    parser.add_argument("--packages", metavar="A,B", help="photographs whose names begin with A__ or B__ alone")
    parser.add_argument("--min-px", type=int, default=512, metavar="PX", help="shortest side of a photograph that is used [512]")
    return parser


def main(argv: list[str] | None = None) -> None:
    parser = arguments()
    args = parser.parse_args(argv)
    with errors_told(parser, (ValueError, OSError)):
        run(args)


def run(args: argparse.Namespace) -> None:
    if args.out.exists() and any(args.out.iterdir()):
        raise ImageError(f"{args.out} is not empty; choose a new folder")
    files = sorted(p for p in args.photos.rglob("*") if p.suffix.lower() in SUFFIXES)
    if args.packages:
        files = [p for p in files if p.name.split("__")[0] in args.packages.split(",")]
    photos = {p.relative_to(args.photos).as_posix(): p for p in files if short_side_px(p) >= args.min_px}
    if not photos:
        raise ImageError(f"no photographs with a short side of {args.min_px} px in {args.photos}")
    rows = plant(photos, args.out, args.count, args.seed)
    found = Counter(row.kind for row in rows)
    print(f"{args.out}: " + ", ".join(f"{count} {kind}" for kind, count in found.most_common()))


def short_side_px(path: Path) -> int:
    with Image.open(path) as image:
        return min(image.size)


if __name__ == "__main__":
    main()
