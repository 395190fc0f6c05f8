"""The selection as a folder: HFAID's layout, which RAP-SR's and our training read, and `datasets`' ImageFolder, in one.

    image/NAME.jpg     the file as it was, byte for byte
    caption/NAME.json  {"microsoft-Florence-2-large-ft": {"<MORE_DETAILED_CAPTION>": text}}   (RAP-SR, RPEF/dataloaders/dataset.py)
    metadata.jsonl     a row for each image: file_name, text, id, licence, source and every score
    README.md          the dataset card

RAP-SR's own loader finds captions of .jpg and .png only; `imagefolder` skips AVIF.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath

from PIL import Image

from rapsr_core.captions import Captioner, caption_many, find
from rapsr_core.curation.columns import Value
from rapsr_core.curation.dataset_card import Facts, card
from rapsr_core.images import read

BATCH = 16
"""Images captioned and written at once: what a killed run loses."""
SUFFIX = {"JPEG": ".jpg", "MPO": ".jpg", "TIFF": ".tif"}
"""Of a Pillow format; of any other its name in small letters."""


class DatasetError(ValueError):
    """The selection cannot be written there; the message says why."""


@dataclass(frozen=True)
class Kept:
    """One image of the selection. `read()` gives the bytes of the original file; `row`: its scores by column name."""

    id: str
    read: Callable[[], bytes]
    row: Mapping[str, Value]
    licence: str = ""
    source: str = ""


def write_dataset(
    kept: Sequence[Kept],
    out: Path,
    captioner: str,
    facts: Facts,
    report: Callable[[int], object] = lambda images: None,
) -> None:
    """Write the selection to `out`, in the order of ids; `report` is told how many images each batch had.

    What is there already is kept: an image with the same bytes is not written again, and one with a caption by this captioner is not
    captioned again. So a run after a killed one, or after a finished one, leaves the same folder. Captions by other captioners stay.

    Raises:
        DatasetError: no image, an id twice, or an `out` that holds images of another selection.
        CaptionError: the captioner cannot be loaded. ImageError: an image cannot be decoded for its caption.
    """
    who, ordered = find(captioner), sorted(kept, key=lambda image: image.id)
    stems = names([image.id for image in ordered])
    _check_folder(out, set(stems.values()))
    for folder in ("image", "caption"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    rows: list[dict[str, Value]] = []
    for batch in _batches(ordered):
        rows += _write_batch(out, batch, stems, who)
        report(len(batch))
    lines = [json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows]
    _write(out / "metadata.jsonl", "".join(lines).encode())
    _write(out / "README.md", card(facts, who, [image.licence for image in ordered]).encode())


def names(ids: Sequence[str]) -> dict[str, str]:
    """File name without suffix for each id: that of its last part, with anything but letters, digits, `-` and `_` made `_`.

    Ids whose names are the same (also a.jpg and a.png, which would share a caption file, or names equal but for capitals) all get the first
    8 hex digits of their SHA-256 behind it. Raises DatasetError for an id that is there twice or for no ids.
    """
    if not ids:
        raise DatasetError("no image was kept; there is no dataset to write. Loosen the rules")
    if double := [i for i, count in Counter(ids).items() if count > 1]:
        raise DatasetError(f"id {double[0]!r} is in the selection twice")
    plain = {i: re.sub(r"[^\w-]", "_", PurePosixPath(i).stem) for i in ids}
    uses = Counter(name.casefold() for name in plain.values())
    return {i: name if uses[name.casefold()] == 1 else f"{name}-{_digest(i)}" for i, name in plain.items()}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def _check_folder(out: Path, stems: set[str]) -> None:
    images = out / "image"
    foreign = sorted(p.name for p in images.iterdir() if p.stem not in stems) if images.is_dir() else []
    if foreign:
        raise DatasetError(
            f"{images} holds {len(foreign)} files that are not in this selection, the first {foreign[0]!r}; give another folder, "
            "or remove that one"
        )


def _batches(ordered: Sequence[Kept]) -> Iterator[list[Kept]]:
    left = iter(ordered)
    while batch := list(islice(left, BATCH)):
        yield batch


def _write_batch(out: Path, batch: Sequence[Kept], stems: Mapping[str, str], who: Captioner) -> list[dict[str, Value]]:
    files = {image.id: image.read() for image in batch}
    paths = {i: out / "image" / f"{stems[i]}{_suffix(i, data)}" for i, data in files.items()}
    texts = {i: _caption_of(out / "caption" / f"{stems[i]}.json", who) for i in files if _same(paths[i], files[i])}
    missing = [i for i in files if not texts.get(i)]
    texts |= dict(zip(missing, caption_many([read(files[i]) for i in missing], who.name) if missing else [], strict=True))
    for i in missing:
        _write(out / "caption" / f"{stems[i]}.json", _with_caption(out / "caption" / f"{stems[i]}.json", who, texts[i]))
    for i, data in files.items():
        if not _same(paths[i], data):
            _write(paths[i], data)
    return [_metadata(image, paths[image.id].relative_to(out).as_posix(), texts[image.id]) for image in batch]


def _suffix(name: str, data: bytes) -> str:
    """By what the file is, not by what it is called. Raises DatasetError for no image."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            return SUFFIX.get(str(image.format), f".{str(image.format).lower()}")
    except OSError as error:
        raise DatasetError(f"{name!r} was kept and is no image ({error}); score the pool again") from error


def _same(path: Path, data: bytes) -> bool:
    return path.is_file() and path.read_bytes() == data


def _captions(path: Path) -> dict[str, dict[str, str]]:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _caption_of(path: Path, who: Captioner) -> str:
    return _captions(path).get(who.key, {}).get(who.task, "")


def _with_caption(path: Path, who: Captioner, text: str) -> bytes:
    found = _captions(path) | {who.key: {who.task: text}}
    return json.dumps(found, indent=1, ensure_ascii=False).encode()


def _metadata(image: Kept, file_name: str, text: str) -> dict[str, Value]:
    scores = {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in image.row.items()}
    return scores | {"file_name": file_name, "text": text, "id": image.id, "licence": image.licence, "source": image.source}


def _write(path: Path, data: bytes) -> None:
    """All or nothing: a killed run leaves no half file (`.writing` beside `image/` at most)."""
    temporary = path.parents[1 if path.parent.name in ("image", "caption") else 0] / ".writing"
    temporary.write_bytes(data)
    os.replace(temporary, path)
