"""Recipe: every setting of one comparison, as a frozen, JSON-serialisable value.

Same recipe + same image + same machine = same pixels. A field that is not in a JSON file keeps its default; a field
that does not exist, or a value out of its range, is an error that names it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

ColourFix = Literal["none", "wavelet", "adain"]
CleanerName = Literal["none", "real-esrgan"]
TileCaptions = Literal["global", "per tile"]

SHIPPED, NONE = "embedded", "none"
"""Refinements every studio has: the one in `assets/refinement`, of the embedded prior; and nothing plugged in, so that the branches differ in their
texts alone. Others are names on the shelf (refinement/shelf.py), or folders."""

PROMPT_LIMIT_CHARS = 4000
"""Longest accepted prompt or caption. CLIP reads 77 tokens; longer text is truncated there and the page says so."""


class RecipeError(ValueError):
    """A recipe field is unknown or out of range; the message names the field, the value and what is allowed."""


@dataclass(frozen=True)
class BaselineText:
    """Hand-written prompts, as existing methods use them."""

    positive: str = "clean, sharp, high quality"
    negative: str = ""


@dataclass(frozen=True)
class EnhancedText:
    """What RAP-SR changes: identifiers lead the prompts, and the refinement is plugged into the prior."""

    positive_identifier: str = "[X]. "
    negative_identifier: str = "[V]. "
    positive: str = ""
    negative: str = ""
    refinement: str = SHIPPED
    strength: float = 1.0


@dataclass(frozen=True)
class Recipe:
    """Both branches share everything but their text and the refinement."""

    host: str = "embedded"
    cleaner: CleanerName = "real-esrgan"
    steps: int = 1
    guidance_scale: float = 1.5
    seed: int = 0
    caption: str | None = None  # None = written by the captioner from the input
    colour_fix: ColourFix = "wavelet"
    output_scale: float = 4.0  # 1 to 4, reduced from the x4 result
    target_px: tuple[int, int] | None = None  # (width, height) instead of output_scale
    # output pixels a side, for cleaner, network and codec; None = from free memory, and the finished recipe says which
    tile_px: int | None = None
    tile_captions: TileCaptions = "global"  # "per tile": several tiles are each captioned by themselves, `caption` serves none
    host_settings: Mapping[str, float] = field(
        default_factory=dict
    )  # what only this host has (hosts/info.py); left out = its default
    baseline: BaselineText = field(default_factory=BaselineText)
    enhanced: EnhancedText = field(default_factory=EnhancedText)

    def __post_init__(self) -> None:
        for name, low, high in (
            ("steps", 1, 200),
            ("guidance_scale", 1.0, 10.0),
            ("seed", 0, 2**32 - 1),
            ("output_scale", 1.0, 4.0),
        ):
            _check_range(name, getattr(self, name), low, high)
        _check_range("enhanced.strength", self.enhanced.strength, 0.0, 1.5)
        _check_choice("cleaner", self.cleaner, ("none", "real-esrgan"))
        _check_choice("tile_captions", self.tile_captions, ("global", "per tile"))
        _check_choice("colour_fix", self.colour_fix, ("none", "wavelet", "adain"))
        if self.target_px is not None:
            if len(self.target_px) != 2:
                raise RecipeError(f"target_px is {self.target_px!r}; it must be [width, height] in pixels")
            for value in self.target_px:
                _check_range("target_px", value, 1, 16384)
        if self.tile_px is not None:
            _check_range("tile_px", self.tile_px, 64, 4096)
        for name, text in (
            ("caption", self.caption or ""),
            *((f"baseline.{k}", v) for k, v in dataclasses.asdict(self.baseline).items()),
            *((f"enhanced.{k}", v) for k, v in dataclasses.asdict(self.enhanced).items() if isinstance(v, str)),
        ):
            if len(text) > PROMPT_LIMIT_CHARS:
                raise RecipeError(f"{name} has {len(text)} characters; at most {PROMPT_LIMIT_CHARS} are accepted")

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; `Recipe.from_json` restores an equal recipe."""
        return dataclasses.asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Recipe:
        """Recipe from a (partial) JSON object. Raises RecipeError on an unknown field or a wrong type or value."""
        return _build(cls, values, "")


def _check_range(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise RecipeError(f"{name} is {value}; it must be between {low} and {high}")


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise RecipeError(f"{name} is {value!r}; it must be one of {', '.join(choices)}")


_NESTED: dict[str, type] = {"baseline": BaselineText, "enhanced": EnhancedText}
_INTEGERS, _NUMBERS = {"steps", "seed", "tile_px"}, {"guidance_scale", "output_scale", "strength"}
_NULLABLE = {"caption", "target_px", "tile_px"}


def _build(cls: type, values: Any, prefix: str) -> Any:
    if not isinstance(values, dict):
        raise RecipeError(f"{prefix or 'the recipe'} is {values!r}; it must be a JSON object")
    known = [f.name for f in dataclasses.fields(cls)]
    for name in values:
        if name not in known:
            raise RecipeError(f"unknown recipe field {prefix + name!r}; known fields: {', '.join(known)}")
    return cls(**{name: _value(name, value, prefix) for name, value in values.items()})


def _value(name: str, value: Any, prefix: str) -> Any:
    if name in _NESTED:
        return _build(_NESTED[name], value, f"{name}.")
    if value is None and name in _NULLABLE:
        return None
    if name == "host_settings":
        if not isinstance(value, dict) or any(isinstance(v, bool) or not isinstance(v, int | float) for v in value.values()):
            raise RecipeError(f"host_settings is {value!r}; it must be an object of numbers")
        return {key: float(number) for key, number in value.items()}
    if name == "target_px":
        if not (isinstance(value, (list, tuple)) and all(type(v) is int for v in value)):
            raise RecipeError(f"target_px is {value!r}; it must be [width, height] in whole pixels")
        return tuple(value)
    if name in _INTEGERS | _NUMBERS:
        whole = name in _INTEGERS
        if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
            raise RecipeError(f"{prefix}{name} is {value!r}; it must be a {'whole ' if whole else ''}number")
        return value if whole else float(value)
    if not isinstance(value, str):
        raise RecipeError(f"{prefix}{name} is {value!r}; it must be text")
    return value
