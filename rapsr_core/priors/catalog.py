"""The priors by name. A prior is one row; a path to a folder of the same layout works wherever a name does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rapsr_core import ASSETS


@dataclass(frozen=True)
class PriorRow:
    """Where a prior is and what it is."""

    name: str
    label: str
    folder: Path
    licence: str


PRIORS = {
    row.name: row for row in (PriorRow("embedded", "Embedded prior (space-to-depth, x0)", ASSETS / "prior", "CC-BY-SA-4.0"),)
}


def prior_folder(name_or_folder: str | Path) -> Path:
    """Folder of a prior given by catalogue name or path. Raises FileNotFoundError that lists the names."""
    row = PRIORS.get(str(name_or_folder))
    folder = row.folder if row else Path(name_or_folder)
    if not (folder / "unet" / "config.json").is_file():
        raise FileNotFoundError(
            f"no prior at {str(name_or_folder)!r} (looked for {folder / 'unet' / 'config.json'}); "
            f"known names: {', '.join(PRIORS)}"
        )
    return folder
