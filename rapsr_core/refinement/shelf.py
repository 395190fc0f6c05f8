"""Refinements by name: the shipped one, none at all, and those on the shelf, a folder of refinement folders.

A recipe that people share names a refinement, never a place on a machine.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from rapsr_core.recipe import NONE, SHIPPED
from rapsr_core.refinement.facts import FACTS, RefinementError, read_facts

VARIABLE = "RAPSR_REFINEMENTS"


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
