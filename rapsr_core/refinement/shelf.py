"""Refinements by name: the shipped one, none at all, and those on the shelf, a folder of refinement folders.

A recipe that people share names a refinement, never a place on a machine.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from rapsr_core.recipe import NONE, SHIPPED
from rapsr_core.refinement.facts import FACTS, RefinementError, read_facts

VARIABLE = "RAPSR_REFINEMENTS"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")


@dataclass(frozen=True)
class Shelved:
    """One refinement on the shelf. `prior`: name of the prior it was trained on; `fingerprint`: of its exact weights."""

    name: str
    prior: str
    fingerprint: str


def shelf() -> Path:
    """RAPSR_REFINEMENTS, or ~/.cache/rapsr/refinements."""
    return Path(os.environ.get(VARIABLE) or Path.home() / ".cache/rapsr/refinements")


def shelved() -> list[Shelved]:
    """What is on the shelf, by name; folders without a readable `refinement.json` are left out. Reads no weights."""
    found = []
    for path in sorted(shelf().glob(f"*/{FACTS}")):
        try:
            facts = read_facts(path.parent)
        except RefinementError:
            continue
        found.append(Shelved(path.parent.name, facts["prior"], facts["prior_fingerprint"]))
    return found


def names_for(prior: str) -> tuple[str, ...]:
    """Names that a recipe on this prior may give: the shelf's that were trained on it, the shipped one on the embedded prior, and NONE."""
    shipped = (SHIPPED,) if prior == "embedded" else ()
    return (*shipped, *(entry.name for entry in shelved() if entry.prior == prior), NONE)


def on_shelf(name: str) -> Path | None:
    """The folder of a name on the shelf; None when there is none (a name with a slash is a path, and not the shelf's)."""
    folder = shelf() / name
    return folder if "/" not in name and (folder / FACTS).is_file() else None


def place_for(name: str) -> Path:
    """Where a new refinement of this name goes. Raises RefinementError: no file name, one that every studio has, or taken."""
    if not _NAME.fullmatch(name):
        raise RefinementError(
            f"{name!r} is no name for a refinement; take letters, digits, dots, hyphens and underscores, at most 60"
        )
    if name in (SHIPPED, NONE):
        raise RefinementError(f"{name!r} is a name that every studio has; take another one")
    if (shelf() / name).exists():
        raise RefinementError(f"there is a refinement named {name} already; take another name")
    return shelf() / name


@contextmanager
def shelving(name: str) -> Iterator[Path]:
    """A folder to write a refinement into. It is on the shelf, whole, when the block ends without an error; RefinementError as `place_for`."""
    place = place_for(name)
    shelf().mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=shelf(), prefix=".") as folder:
        yield Path(folder) / name
        os.rename(Path(folder) / name, place)
