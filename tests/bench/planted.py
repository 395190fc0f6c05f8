"""What the default rules of stages 1 and 2 reject of planted failures, and of the untouched photographs beside them.

  python -m train.plant PHOTOS runs/planted --seed 2
  python tests/bench/planted.py runs/planted [--pool POOL] [--sheet PNG] [--set sharpness.low=-13]

Failures are counted twice: by thresholds alone, and with the near-duplicate rule (which also drops what is blurred or noisy when its twin is
there). A near duplicate is caught when it or its twin is left out and one of both is kept. A twin is lost when it is left out,
unless as the near duplicate of what was planted as one.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw

from rapsr_core.curation import admission, fidelity
from rapsr_core.curation.columns import Row, Stage
from rapsr_core.curation.picture import Picture
from rapsr_core.curation.planting import read_truth
from rapsr_core.curation.selecting import DUPLICATE, Columns, Verdict, changed, select
from rapsr_core.curation.stages import DUPLICATES
from rapsr_core.images import ImageError

STAGES = (
    Stage("admission", "Admission", "", 0.3, admission.COLUMNS, admission.RULES, admission.build),
    Stage("fidelity", "Fidelity", "", 0.3, fidelity.CLASSICAL, fidelity.RULES, lambda: fidelity.classical),
)
COLUMNS = [column for stage in STAGES for column in stage.columns]


def measured(path: Path) -> Row:
    torch.set_num_threads(1)
    picture = Picture(path.read_bytes(), path.name)
    try:
        return {"id": path.name, "error": "", **admission.measure(picture), **fidelity.classical(picture)}
    except ImageError as error:
        return {"id": path.name, "error": str(error)}


def manifest(rows: Sequence[Row]) -> Columns:
    made: dict[str, np.ndarray[Any, Any]] = {
        c.name: np.array([row.get(c.name) for row in rows], dtype=float if c.kind == "number" else object) for c in COLUMNS
    }
    return made | {name: np.array([row[name] for row in rows], dtype=object) for name in ("id", "error")}


def report(truth: Path, table: Columns, verdicts: dict[str, Verdict], alone: dict[str, Verdict]) -> None:
    planted = read_truth(truth)
    kind_of = {row.file: row.kind for row in planted}
    caught: Counter[str] = Counter()
    by_thresholds: Counter[str] = Counter()
    failures = [row for row in planted if row.kind != "twin"]
    for row in failures:
        pair = (verdicts[row.file].kept, verdicts[row.twin].kept)
        caught[row.kind] += (sum(pair) == 1) if row.kind == "near-duplicate" else not pair[0]
        by_thresholds[row.kind] += not alone[row.file].kept
    counts = Counter(row.kind for row in failures)
    print(f"{'kind':16} {'planted':>7} {'caught':>7} {'recall':>7} {'by thresholds alone':>20}")
    for kind, count in sorted(counts.items()):
        print(f"{kind:16} {count:7} {caught[kind]:7} {caught[kind] / count:7.1%} {by_thresholds[kind] / count:20.1%}")
    others = [kind for kind in counts if kind != "near-duplicate"]
    rest = sum(by_thresholds[kind] for kind in others) + caught["near-duplicate"]
    print(
        f"{'all':16} {counts.total():7} {caught.total():7} {caught.total() / counts.total():7.1%} {rest / counts.total():20.1%}"
    )
    print("(last figure: thresholds alone for all kinds, the duplicate rule for near duplicates only)")
    hashes = dict(zip(table["id"], table["phash"], strict=True))
    pairs = [(hashes[row.file], hashes[row.twin]) for row in failures if row.kind == "near-duplicate"]
    near = sum((int(a, 16) ^ int(b, 16)).bit_count() <= DUPLICATES.max_distance for a, b in pairs)
    print(
        f"near duplicates within {DUPLICATES.max_distance} bits of their twins, whatever the other rules say: {near} of {len(pairs)}"
    )
    twins = [row.file for row in planted if row.kind == "twin"]
    excused = [
        t for t in twins if verdicts[t].column == DUPLICATE and kind_of[verdicts[t].reason.split()[-1]] == "near-duplicate"
    ]
    lost = [t for t in twins if not verdicts[t].kept and t not in excused]
    print(
        f"\ntwins: {len(lost)} of {len(twins)} lost ({len(lost) / len(twins):.1%}), {len(excused)} replaced by their near duplicate"
    )
    print(f"twins by thresholds alone: {sum(not alone[t].kept for t in twins) / len(twins):.1%}")
    for name in lost:
        print(f"  {name}: {verdicts[name].reason}")
    for row in failures:
        if row.kind != "near-duplicate" and alone[row.file].kept:
            print(f"  missed by thresholds: {row.file} {row.parameters} of {row.twin}")
        if row.kind == "near-duplicate" and verdicts[row.file].kept == verdicts[row.twin].kept:
            reasons = [verdicts[f].reason or "kept" for f in (row.file, row.twin)]
            print(f"  missed: {row.file} {row.parameters}: {reasons[0]}; twin: {reasons[1]}")


def sheet(folder: Path, verdicts: Sequence[Verdict], path: Path, cell: int = 220, columns: int = 10) -> None:
    """The images left out, each with its reason."""
    out = [v for v in verdicts if not v.kept and v.column != "error"]
    height = cell * 3 // 4
    page = Image.new("RGB", (columns * cell, -(-len(out) // columns) * (height + 28)), "white")
    draw = ImageDraw.Draw(page)
    for n, verdict in enumerate(sorted(out, key=lambda v: v.column)):
        x, y = n % columns * cell, n // columns * (height + 28)
        with Image.open(folder / verdict.id) as image:
            small = image.convert("RGB")
        small.thumbnail((cell - 4, height))
        page.paste(small, (x, y))
        draw.text((x + 2, y + height), f"{verdict.id[-34:]}\n{verdict.reason[:38]}", "black")
    page.save(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("planted", type=Path, help="what train.plant wrote")
    parser.add_argument("--pool", type=Path, help="also the funnel of this folder, without the planted photographs")
    parser.add_argument("--sheet", type=Path, help="contact sheet of what is left out of the pool")
    parser.add_argument("--set", nargs="*", default=[], metavar="COLUMN.low=N", help="other thresholds")
    parser.add_argument("--workers", type=int, default=1)
    args = parser.parse_args()
    changes: dict[str, dict[str, float]] = {}
    for text in args.set:
        name, value = text.split("=")
        changes.setdefault(name.split(".")[0], {})[name.split(".")[1]] = float(value)
    rules = changed([rule for stage in STAGES for rule in stage.rules], changes, COLUMNS)
    with ProcessPoolExecutor(args.workers) as pool:
        began = time.perf_counter()
        rows = list(pool.map(measured, sorted((args.planted / "images").iterdir())))
        seconds = time.perf_counter() - began
        print(f"{len(rows)} files, {seconds * args.workers / len(rows):.2f} s each and worker\n")
        table = manifest(rows)
        found = select(table, STAGES, rules, DUPLICATES)
        alone = select(table, STAGES, rules)
        report(args.planted / "truth.tsv", table, *({v.id: v for v in s.verdicts} for s in (found, alone)))
        if args.pool:
            used = {row.file for row in read_truth(args.planted / "truth.tsv") if row.kind == "twin"}
            files = [path for path in sorted(args.pool.iterdir()) if path.name not in used]
            chosen = select(manifest(list(pool.map(measured, files))), STAGES, rules, DUPLICATES)
            print(f"\npool without the planted photographs: {len(files)}, kept {len(chosen.kept)}")
            for step in chosen.funnel:
                print(f"  {step.stage}: {step.entered} -> {step.left}  {step.reasons}")
            if args.sheet:
                sheet(args.pool, chosen.verdicts, args.sheet)


if __name__ == "__main__":
    main()
