"""Compare the bundled examples with the default recipe and the weights in assets/, so that they open at once in the studio.

Run it again when weights, default recipe or examples have changed: until then what is stale is not shown. Minutes on two CPU cores.

Examples:
  python -m train.precompute --first 4
  python -m train.precompute --check
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

from tqdm import tqdm

from rapsr_core import ASSETS, precomputed
from rapsr_core.comparison import Comparer
from train.cli import errors_told
from train.evaluate import ERRORS


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m train.precompute", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--assets", type=Path, metavar="DIR", default=ASSETS, help="folder of prior/, refinement/, cleaner/, examples/"
    )
    parser.add_argument(
        "--side",
        type=int,
        metavar="PX",
        default=precomputed.SIDE_PX,
        help="longest side of the centre that is compared [%(default)s]",
    )
    parser.add_argument(
        "--first", type=int, metavar="N", help="take the first N examples; the others open as any photograph does"
    )
    parser.add_argument(
        "--check", action="store_true", help="compute nothing; say what is stale, and end with status 1 if something is"
    )
    return parser


def main(argv: list[str] | None = None) -> None:
    parser = arguments()
    options = parser.parse_args(argv)
    with errors_told(parser, ERRORS):
        photos = examples(options.assets)
        if options.check:
            check(parser, photos, options.assets)
            return
        folder = options.assets / precomputed.FOLDER
        shutil.rmtree(folder, ignore_errors=True)
        comparer = Comparer(options.assets)
        for photo in tqdm(photos[: options.first], unit="example"):
            precomputed.make(comparer, photo, folder, options.side)
        size = sum(path.stat().st_size for path in folder.iterdir())
        print(f"{len(photos[: options.first])} examples, {size / 1e6:.2f} MB in {folder}")
        if problem := precomputed.too_large(options.assets):
            parser.exit(1, f"{problem}: give a smaller --side, or --first\n")


def examples(assets: Path) -> list[Path]:
    """The bundled photographs."""
    folder = assets / "examples"
    return [folder / row["file"] for row in json.loads((folder / "examples.json").read_text(encoding="utf-8"))]


def check(parser: argparse.ArgumentParser, photos: list[Path], assets: Path) -> None:
    """Print how many are shown; exit 1 with the names of those that are not."""
    old = precomputed.stale(photos, assets)
    shown = sum(precomputed.find(photo, assets) is not None for photo in photos)
    print(f"{shown} of {len(photos)} examples open at once")
    if old:
        parser.exit(1, f"stale, so not shown: {', '.join(old)}; run python -m train.precompute\n")


if __name__ == "__main__":
    main()
