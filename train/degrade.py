"""Degrade a folder of photographs, as data for training or testing.

Writes OUT/lq, OUT/hq (cropped to whole multiples of the scale) and OUT/metadata.jsonl in the ImageFolder layout of `datasets`:
one row an image with file_name, hq_file_name and the record of every random decision.

Examples:
  python -m train.degrade --hq PHOTOS --out runs/lq --preset rapsr --variants 3 --workers 2
  python -m train.degrade --hq PHOTOS --out runs/lq --preset my.yaml     # a preset of one's own
  python -m train.degrade --explain photo.png --out runs/explained       # every stage of one image, as PNG files
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from rapsr_core.degradation import PRESETS, Preset, degrade, draw, preset
from rapsr_core.degradation.pipeline import MIN_SIDE_PX, JpegName, stages
from rapsr_core.degradation.preset_file import load_preset
from rapsr_core.images import ImageError, read, resize, save_png
from rapsr_core.training.photos import SUFFIXES
from train.cli import errors_told

METADATA = "metadata.jsonl"


@dataclass(frozen=True)
class Job:
    """One output: variant `variant` of the photograph `name` (path below the HQ folder)."""

    name: str
    variant: int

    @property
    def stem(self) -> str:
        return f"{Path(self.name).with_suffix('').as_posix().replace('/', '__')}_{self.variant}"

    def seed(self, base: int) -> int:
        """Depends on the base seed, the name and the variant alone: neither on the other files nor on the workers."""
        digest = hashlib.sha256(f"{base}/{self.name}/{self.variant}".encode()).digest()
        return int.from_bytes(digest[:6], "big")


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m train.degrade", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--hq", type=Path, metavar="DIR", help="folder of photographs, with its subfolders")
    source.add_argument("--explain", type=Path, metavar="FILE", help="write every stage of one photograph instead")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--preset", default="rapsr", help=f"{', '.join(PRESETS)}, or a JSON/YAML file [rapsr]")
    parser.add_argument("--jpeg", choices=["codec", "torch"], default="codec", help="libjpeg, or the official arithmetic [codec]")
    parser.add_argument(
        "--resize-back", action="store_true", help="resize the result to the photograph's size (RAP-SR negatives)"
    )
    parser.add_argument("--variants", type=int, default=1, metavar="N", help="degraded versions of each photograph [1]")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes; the pixels do not depend on it [1]")
    parser.add_argument("--limit", type=int, metavar="N", help="take the first N photographs in name order")
    parser.add_argument("--sheet", type=Path, metavar="PNG", help="also write a contact sheet: 8 photographs over their results")
    return parser


def main(argv: list[str] | None = None) -> None:
    parser = arguments()
    args = parser.parse_args(argv)
    with errors_told(parser, (ValueError, OSError)):
        chosen = load_preset(Path(args.preset)) if Path(args.preset).suffix in (".json", ".yaml", ".yml") else preset(args.preset)
        if args.explain:
            explain(args, chosen)
        else:
            run(args, chosen)


def explain(args: argparse.Namespace, chosen: Preset) -> None:
    """OUT/00-original.png, 01-..., and record.json."""
    record = draw(chosen, args.seed, resize_back=args.resize_back, jpeg=args.jpeg)
    image = whole(read(args.explain), chosen.scale, args.explain)
    args.out.mkdir(parents=True, exist_ok=True)
    for number, (name, stage) in enumerate(stages(image, record)):
        save_png(stage.clamp(0, 1), args.out / f"{number:02d}-{name.lower().replace(' ', '-')}.png")
        print(f"{number:02d} {name}: {stage.shape[-1]} x {stage.shape[-2]} px")
    (args.out / "record.json").write_text(json.dumps(record, indent=2) + "\n")


def run(args: argparse.Namespace, chosen: Preset) -> None:
    """All jobs that `metadata.jsonl` does not list yet."""
    settings = {"preset": chosen.name, "seed": args.seed, "jpeg": args.jpeg, "resize_back": args.resize_back}
    jobs, done = jobs_of(args), read_metadata(args.out, settings)
    left = [job for job in jobs if f"lq/{job.stem}.png" not in done]
    for folder in ("lq", "hq"):
        (args.out / folder).mkdir(parents=True, exist_ok=True)
    work = partial(one, args.hq, args.out, chosen, args.seed, args.resize_back, args.jpeg)
    with (args.out / METADATA).open("a") as file, tqdm(total=len(jobs), initial=len(jobs) - len(left)) as bar:
        for row in mapped(work, left, args.workers):
            file.write(json.dumps(row) + "\n")
            file.flush()
            bar.update()
    sort_metadata(args.out)
    if args.sheet:
        sheet(args.out, args.sheet)
    print(f"{args.out}: {len(jobs)} images, {len(left)} of them new")


def jobs_of(args: argparse.Namespace) -> list[Job]:
    files = sorted(p for p in args.hq.rglob("*") if p.suffix.lower() in SUFFIXES)[: args.limit]
    if not files:
        raise ImageError(f"no photographs in {args.hq}; give a folder of {', '.join(sorted(SUFFIXES))} files")
    if args.variants < 1:
        raise ValueError(f"--variants is {args.variants}; it must be at least 1")
    jobs = [Job(p.relative_to(args.hq).as_posix(), n) for p in files for n in range(args.variants)]
    by_stem: dict[str, str] = {}
    for job in jobs:
        if by_stem.setdefault(job.stem, job.name) != job.name:
            raise ValueError(f"{by_stem[job.stem]} and {job.name} would both be written as {job.stem}.png; rename one")
    return jobs


def mapped(work: Any, jobs: list[Job], workers: int) -> Iterator[dict[str, Any]]:
    if workers == 1:
        yield from map(work, jobs)
    else:
        with ProcessPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            yield from pool.map(work, jobs)


def one(hq: Path, out: Path, chosen: Preset, seed: int, resize_back: bool, jpeg: JpegName, job: Job) -> dict[str, Any]:
    """Degrade and write one job; returns its row. The files appear before the row does."""
    image = whole(read(hq / job.name), chosen.scale, hq / job.name)
    made = degrade(image, chosen, [job.seed(seed)], resize_back=resize_back, jpeg=jpeg)
    save_png(image, out / "hq" / f"{job.stem}.png")
    save_png(made.image, out / "lq" / f"{job.stem}.png")
    return {
        "file_name": f"lq/{job.stem}.png",
        "hq_file_name": f"hq/{job.stem}.png",
        "source": job.name,
        "record": made.records[0],
    }


def whole(image: Tensor, scale: int, path: Path) -> Tensor:
    """The image without the rows and columns beyond a multiple of the scale. Raises ImageError when too small."""
    height, width = (side // scale * scale for side in image.shape[-2:])
    if min(height, width) < MIN_SIDE_PX:
        raise ImageError(f"{path} is {image.shape[-1]} x {image.shape[-2]} px; at least {MIN_SIDE_PX} px a side are needed")
    return image[..., :height, :width]


def read_metadata(out: Path, settings: dict[str, Any]) -> set[str]:
    """File names of the rows already written. Raises ValueError when they were made with other settings."""
    path = out / METADATA
    if not path.is_file():
        out.mkdir(parents=True, exist_ok=True)
        (out / "settings.json").write_text(json.dumps(settings, indent=2) + "\n")
        return set()
    before = json.loads((out / "settings.json").read_text())
    if before != settings:
        raise ValueError(f"{out} was made with {before}, now asked for {settings}; choose another --out")
    text = path.read_text()
    lines = text.splitlines()
    if text and not text.endswith("\n"):  # a kill in the middle of a row
        lines.pop()
        path.write_text("".join(f"{line}\n" for line in lines))
    return {json.loads(line)["file_name"] for line in lines}


def sort_metadata(out: Path) -> None:
    """Rows in name order, whatever the workers did."""
    path = out / METADATA
    rows = sorted(path.read_text().splitlines(), key=lambda line: json.loads(line)["file_name"])
    path.write_text("".join(f"{row}\n" for row in rows))


def sheet(out: Path, path: Path, tile_px: int = 160) -> None:
    """Up to 8 photographs in a row, their results below, centre crops of the same place at tile_px."""
    rows = [json.loads(line) for line in (out / METADATA).read_text().splitlines()][:8]
    columns = []
    for row in rows:
        hq, lq = (read(out / row[key]) for key in ("hq_file_name", "file_name"))
        columns.append(torch.cat([centre(image, hq.shape[-2:], tile_px) for image in (hq, lq)], dim=-2))
    save_png(torch.cat(columns, dim=-1), path)


def centre(image: Tensor, size: torch.Size, tile_px: int) -> Tensor:
    """The central square of an image, first brought to `size`, as tile_px pixels."""
    image = resize(image, (size[0], size[1]))
    side = min(tile_px, *image.shape[-2:])
    y, x = ((n - side) // 2 for n in image.shape[-2:])
    return resize(image[..., y : y + side, x : x + side], (tile_px, tile_px))


if __name__ == "__main__":
    main()
