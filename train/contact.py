"""A page of crops at 1:1, to be looked at: what several folders of results have of the same images.

Examples:
  python -m train.contact --column "Real-ESRGAN=runs/frontier/restorers/real-esrgan" --column "enhanced=runs/frontier/balanced/enhanced" \\
    --column "target=runs/sets/heldout/hq" --every 6 --out runs/crops.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rapsr_core.evaluation.contact import page
from rapsr_core.evaluation.pairs import EvaluationError, find_pairs
from train.cli import errors_told
from train.evaluate import ERRORS


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m train.contact", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--column", action="append", required=True, metavar="TITLE=DIR", help="a column: PNG files, named alike in every folder"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="the page, PNG")
    parser.add_argument("--names", nargs="+", metavar="NAME", help="file stems of the rows [those of the last column]")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="take each N-th row [1]")
    parser.add_argument("--side", type=int, default=192, metavar="PX", help="of a crop [192]")
    return parser


def main(argv: list[str] | None = None) -> None:
    parser = arguments()
    args = parser.parse_args(argv)
    with errors_told(parser, ERRORS):
        columns = dict(column(text) for text in args.column)
        *_, last = columns
        names = args.names or [pair.name for pair in find_pairs(columns[last], None)]
        page(columns, names[:: args.every], args.side, last, args.out)
        print(f"wrote {args.out}: {', '.join(columns)}; crops where {last} is busiest")


def column(text: str) -> tuple[str, Path]:
    """Title and folder. Raises EvaluationError without a title or folder."""
    title, _, folder = text.partition("=")
    if not title or not Path(folder).is_dir():
        raise EvaluationError(f"--column is {text!r}; it must be TITLE=DIR, with a folder that exists")
    return title, Path(folder)


if __name__ == "__main__":
    main()
