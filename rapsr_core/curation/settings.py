"""run.json: what a scoring run was asked for. The same command resumes it, another setting is refused."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rapsr_core.curation.columns import Stage
from rapsr_core.curation.items import Item
from rapsr_core.curation.places import is_uri

RUN = "run.json"

MEASURING = ("numpy", "scipy", "torch", "torchvision", "pillow", "pyiqa", "transformers", "scikit-image")
"""Packages whose version may change a measurement."""


class SettingsError(ValueError):
    """A run that cannot be resumed as asked; the message names what differs."""


def settings(items: Sequence[Item], stages: Sequence[Stage], shard_images: int) -> dict[str, Any]:
    """What decides the rows, as plain JSON values. The engine does not: a run may be resumed by another, and from another folder."""
    listed = hashlib.sha256()
    for item in items:
        place = item.source if is_uri(item.source) else os.path.abspath(item.source)
        listed.update(json.dumps([item.id, place, item.package, item.licence, item.span]).encode())
    return {
        "pool": {"images": len(items), "sha256 of names, places and licences": listed.hexdigest()},
        "shard_images": shard_images,
        "stages": {s.name: {"columns": [c.name for c in s.columns], "build": _described(s.build)} for s in stages},
        "versions": versions(MEASURING),
    }


def versions(packages: Sequence[str]) -> dict[str, str]:
    """Of those that are installed."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def begin(out: Path, asked: Mapping[str, Any]) -> None:
    """Write out/run.json, or check that it asks the same. Raises SettingsError naming every setting that differs."""
    path = out / RUN
    out.mkdir(parents=True, exist_ok=True)
    if not path.is_file():
        new = path.with_suffix(".tmp")
        new.write_text(json.dumps(asked, indent=1))
        new.replace(path)
        return
    differing = list(_differences(json.loads(path.read_text()), asked, ""))
    if differing:
        raise SettingsError(
            f"{out} was begun with other settings: " + "; ".join(differing) + ". Ask for the same, or give another folder"
        )


def _differences(was: Any, now: Any, name: str) -> Any:
    if isinstance(was, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys([*was, *now]):
            yield from _differences(was.get(key), now.get(key), f"{name}.{key}" if name else key)
    elif was != now:
        yield f"{name} was {_short(was)}, is {_short(now)}"


def _short(value: Any) -> str:
    text = "absent" if value is None else json.dumps(value)
    return text if len(text) <= 160 else text[:157] + "..."


def _described(build: Callable[..., Any]) -> str:
    """A function by its importable name, a functools.partial with its arguments."""
    if isinstance(build, partial):
        given = [*map(repr, build.args), *(f"{name}={value!r}" for name, value in sorted(build.keywords.items()))]
        return f"{_described(build.func)}({', '.join(given)})"
    return f"{build.__module__}.{build.__qualname__}"
