"""Fixed test sets as text: which crop of which photograph, and how it is degraded.

A list is UTF-8 text: comment lines start with `#`, then one crop a line with seven tab-separated columns:
file, x, y, width, height (pixels of the photograph, origin top left), degradation preset, degradation seed.
`-` for preset and seed means that the crop is the low-quality input itself and has no reference.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from rapsr_core.degradation import degrade, preset
from rapsr_core.images import read, save_png

FOLDER = Path(__file__).parent / "lists"

NAMES = ("real_lq", "heldout", "validation")
"""real_lq and heldout make the README's table; settings are tuned on validation only."""

COLUMNS = ("file", "x", "y", "width", "height", "preset", "seed")


class ListError(ValueError):
    """A list or what it names cannot be used; the message names the line or the file."""


@dataclass(frozen=True)
class Entry:
    """One crop of one photograph. `preset` and `seed` are None for a real low-quality input."""

    file: str
    x: int
    y: int
    width: int
    height: int
    preset: str | None = None
    seed: int | None = None

    @property
    def name(self) -> str:
        """File stem of the crop in the folders `lq` and `hq`."""
        return f"{Path(self.file).stem}_x{self.x}_y{self.y}"

    def line(self) -> str:
        values = (self.file, self.x, self.y, self.width, self.height, self.preset, self.seed)
        return "\t".join("-" if value is None else str(value) for value in values)


def read_list(path: str | Path) -> list[Entry]:
    """Entries of a list file, in its order. Raises ListError with the line that is wrong."""
    lines = enumerate(Path(path).read_text(encoding="utf-8").splitlines(), 1)
    entries = [_entry(line, f"{Path(path).name}:{number}") for number, line in lines if line and line[0] != "#"]
    names = [entry.name for entry in entries]
    for name in names:
        if names.count(name) > 1:
            raise ListError(f"{Path(path).name}: {name} is there twice; each crop may be listed once")
    return entries


def named_list(name: str) -> list[Entry]:
    """One of the lists in NAMES."""
    if name not in NAMES:
        raise ListError(f"no list named {name!r}; there are {', '.join(NAMES)}")
    return read_list(FOLDER / f"{name}.txt")


def presets_of(name: str) -> dict[str, str | None]:
    """Degradation preset of every crop of a list, by the crop's name; None for a real low-quality input."""
    return {entry.name: entry.preset for entry in named_list(name)}


def make_list(entries: Sequence[Entry], photos: Path, out: Path) -> Iterator[str]:
    """Write the crops as 8-bit PNG: `out`/lq, and `out`/hq where the photograph is the reference. Yields each name.

    Raises ListError, before anything is written, for photographs that are missing below `photos`.
    """
    missing = sorted({entry.file for entry in entries if not (photos / entry.file).is_file()})
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise ListError(f"{missing[0]}{more} not found below {photos}; give the folder that holds them with --photos")
    for entry in entries:
        crop = _crop(read(photos / entry.file), entry)
        _save(crop if entry.preset is None else degraded(crop, entry), out / "lq", entry.name)
        if entry.preset is not None:
            _save(crop, out / "hq", entry.name)
        yield entry.name


def degraded(crop: Tensor, entry: Entry) -> Tensor:
    """(1, 3, H, W) -> (1, 3, H/4, W/4), sRGB in [0, 1], by the preset and seed of the entry."""
    assert entry.preset is not None
    assert entry.seed is not None
    return degrade(crop, preset(entry.preset), [entry.seed]).image


def _crop(photo: Tensor, entry: Entry) -> Tensor:
    height, width = photo.shape[-2:]
    if entry.x + entry.width > width or entry.y + entry.height > height:
        raise ListError(
            f"{entry.file} is {width} x {height}, too small for the crop {entry.width} x {entry.height} at "
            f"({entry.x}, {entry.y}); this is not the photograph the list was made from"
        )
    return photo[..., entry.y : entry.y + entry.height, entry.x : entry.x + entry.width]


def _save(image: Tensor, folder: Path, name: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    save_png(image, folder / f"{name}.png")


def _entry(line: str, where: str) -> Entry:
    cells = line.split("\t")
    if len(cells) != len(COLUMNS):
        raise ListError(f"{where}: {len(cells)} tab-separated columns, {len(COLUMNS)} expected: {', '.join(COLUMNS)}")
    try:
        x, y, width, height = map(int, cells[1:5])
        seed = None if cells[6] == "-" else int(cells[6])
    except ValueError as error:
        raise ListError(f"{where}: {error}; x, y, width, height and seed are whole numbers") from error
    if (cells[5] == "-") != (seed is None):
        raise ListError(f"{where}: preset is {cells[5]} and seed is {cells[6]}; give both, or - for both")
    return Entry(cells[0], x, y, width, height, None if cells[5] == "-" else cells[5], seed)
