"""Look at photographs one by one, or many at once, and accept or reject them. Stop at any time; it goes on where it was left.

Examples:
  python -m studio.review PHOTOS --kept kept.txt --reviewer ana
  python -m studio.review PHOTOS --kept kept.txt --reviewer ben --port 7871
Decisions are appended to REVIEW.jsonl; several reviewers may write to one file at the same time.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rapsr_core.curation.decisions import ReviewError
from rapsr_core.curation.review import SECOND_LOOK_SHARE, Session
from rapsr_core.training.photos import SUFFIXES
from studio.review.desk import Desk
from studio.review.server import serve


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m studio.review", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pool", type=Path, metavar="POOL", help="folder of the photographs; ids are paths in it")
    parser.add_argument("--kept", type=Path, metavar="FILE", help="ids to review, one a line [every image in POOL]")
    parser.add_argument("--reviewer", required=True, metavar="NAME", help="whose decisions these are")
    parser.add_argument("--review", type=Path, default=Path("review.jsonl"), metavar="FILE", help="decisions [review.jsonl]")
    parser.add_argument(
        "--second-looks", type=float, default=SECOND_LOOK_SHARE, metavar="SHARE", help="shown twice, unmarked [0.1]"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the order [0]")
    parser.add_argument("--port", type=int, default=7870, help="0 takes any free one [7870]")
    return parser


def main(argv: list[str] | None = None) -> None:
    parser = arguments()
    args = parser.parse_args(argv)
    try:
        ids = listed(args.kept) if args.kept else images_in(args.pool)
        session = Session(args.review, ids, args.reviewer, args.seed, args.second_looks)
        serve(Desk(session, args.pool), args.port)
    except (ReviewError, OSError) as error:
        parser.exit(2, f"error: {error}\n")


def listed(path: Path) -> list[str]:
    """Ids of a text file, one a line; empty lines do not count."""
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]


def images_in(pool: Path) -> list[str]:
    """Every image under `pool`, as a path relative to it, sorted."""
    return sorted(path.relative_to(pool).as_posix() for path in pool.rglob("*") if path.suffix.lower() in SUFFIXES)


if __name__ == "__main__":
    main()
