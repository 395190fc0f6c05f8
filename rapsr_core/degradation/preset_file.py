"""A user's own preset as JSON or YAML, checked field by field.

name: my_phone
base: seesr_mild            # every field not given comes from this preset
usm: true
orders:
  - {noise_sigma: [1, 8]}   # first order
  - {jpeg_quality: [70, 95]}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import yaml

from rapsr_core.degradation.presets import Order, Preset, preset

SHARES = {"blur_share", "sinc_share", "gaussian_share", "grey_share", "final_sinc_share"}
LIMITS = {
    "blur_sigma": (0.01, 20.0),
    "beta_generalized": (0.01, 20.0),
    "beta_plateau": (0.01, 20.0),
    "resize_range": (0.05, 4.0),
    "noise_sigma": (0.0, 255.0),
    "poisson_scale": (0.0, 20.0),
    "jpeg_quality": (1.0, 100.0),
}
"""Ranges of an order, and what their two ends may be."""
BETAS = {"beta_generalized", "beta_plateau", "resize_range"}
"""Ranges that are drawn from below and above 1, so they must contain it."""


class PresetError(ValueError):
    """A preset file that cannot be used; the message names the field, its value and what it may be."""


def load_preset(path: Path) -> Preset:
    """Preset from a file. Raises PresetError."""
    return read_preset(path.read_bytes(), path.stem, str(path))


def read_preset(data: bytes, name: str, told: str) -> Preset:
    """Preset from the bytes of a file; `name` unless the file has one, `told`: the file's name in messages. Raises PresetError.

    Aliases are refused: a few lines of them stand for more than any memory holds.
    """
    try:
        text = data.decode("utf-8")
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.SafeLoader)):
            raise PresetError(f"{told} has a YAML alias (*name); write the values out")
        facts = yaml.safe_load(text)  # every JSON document is a YAML document
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise PresetError(f"{told} is neither JSON nor YAML: {error}") from error
    if not isinstance(facts, dict):
        raise PresetError(f"{told} holds {facts!r}; it must be a table of fields")
    return preset_from(facts, name)


def preset_yaml(chosen: Preset) -> str:
    """The file that `load_preset` reads back as an equal preset: every field is written out, whatever the base becomes."""
    facts = {"base": "realesrgan", **asdict(chosen), "blur_kernel_size": list(chosen.blur_kernel_size)}
    facts["orders"] = [
        {field: list(value) if isinstance(value, tuple) else value for field, value in order.items()} for order in facts["orders"]
    ]
    text: str = yaml.safe_dump(facts, sort_keys=False, allow_unicode=True, default_flow_style=None)
    return text


def preset_from(facts: Mapping[str, Any], name: str) -> Preset:
    """Preset from plain values over `base` (realesrgan). Raises PresetError."""
    facts = dict(facts)
    start = preset(str(facts.pop("base", "realesrgan")))
    given = facts.pop("orders", None)
    _refuse_unknown(facts, Preset, "")
    changes: dict[str, Any] = {"name": name}
    for field, value in facts.items():
        changes[field] = _CHECKS[field](field, value)
    return replace(start, **changes, orders=start.orders if given is None else _orders(start, given))


def _orders(start: Preset, given: Any) -> tuple[Order, ...]:
    if not isinstance(given, list) or len(given) not in (0, 2):
        raise PresetError(f"orders is {given!r}; it must be a list of two tables, or empty for plain bicubic")
    if given and not start.orders:
        raise PresetError(f"orders needs a base with orders; {start.name!r} has none")
    return tuple(_order(old, new, f"orders[{n}]") for n, (old, new) in enumerate(zip(start.orders, given, strict=False)))


def _order(start: Order, facts: Any, where: str) -> Order:
    if not isinstance(facts, dict):
        raise PresetError(f"{where} is {facts!r}; it must be a table of fields")
    _refuse_unknown(facts, Order, f"{where}.")
    changes: dict[str, Any] = {}
    for field, value in facts.items():
        path = f"{where}.{field}"
        if field in SHARES:
            changes[field] = _share(path, value)
        elif field == "resize_shares":
            changes[field] = _three_shares(path, value)
        else:
            changes[field] = _range(path, value, LIMITS[field], field in BETAS)
    return replace(start, **changes)


def _refuse_unknown(facts: Mapping[str, Any], kind: type[Preset] | type[Order], where: str) -> None:
    known = [f.name for f in fields(kind)]
    for field in facts:
        if field not in known:
            raise PresetError(f"{where}{field} is no field; there are {', '.join(known)}")


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _share(path: str, value: Any) -> float:
    if not _number(value) or not 0 <= value <= 1:
        raise PresetError(f"{path} is {value!r}; it must be a number from 0 to 1")
    return float(value)


def _three_shares(path: str, value: Any) -> tuple[float, float, float]:
    if not isinstance(value, list) or len(value) != 3:
        raise PresetError(f"{path} is {value!r}; it must be three shares: up, down, keep")
    up, down, keep = (_share(f"{path}[{n}]", v) for n, v in enumerate(value))
    if abs(up + down + keep - 1) > 1e-8:  # numpy's choice bears no more
        raise PresetError(f"{path} is {value!r}, which sums to {up + down + keep:.9g}; it must sum to 1")
    return up, down, keep


def _range(path: str, value: Any, limits: tuple[float, float], around_one: bool) -> tuple[float, float]:
    if not isinstance(value, list) or len(value) != 2 or not all(map(_number, value)):
        raise PresetError(f"{path} is {value!r}; it must be two numbers, low and high")
    low, high = value
    if not limits[0] <= low <= high <= limits[1]:
        raise PresetError(f"{path} is {value!r}; it must rise within {limits[0]:g} to {limits[1]:g}")
    if around_one and not low <= 1 <= high:
        raise PresetError(f"{path} is {value!r}; it must contain 1, as values are drawn on both sides of it")
    return low, high


def _flag(path: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise PresetError(f"{path} is {value!r}; it must be true or false")
    return value


def _name(path: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise PresetError(f"{path} is {value!r}; it must be a text")
    return value


def _scale(path: str, value: Any) -> int:
    if value not in (1, 2, 3, 4, 8) or isinstance(value, bool):
        raise PresetError(f"{path} is {value!r}; it must be 1, 2, 3, 4 or 8")
    return int(value)


def _kernel_sizes(path: str, value: Any) -> tuple[int, int]:
    odd = (5, 7, 9, 11, 13, 15, 17, 19, 21)
    if not isinstance(value, list) or len(value) != 2 or any(v not in odd for v in value):
        raise PresetError(f"{path} is {value!r}; it must be two odd sizes from 5 to 21")
    return value[0], value[1]


_CHECKS = {
    "name": _name,
    "usm": _flag,
    "final_sinc_share": _share,
    "scale": _scale,
    "blur_kernel_size": _kernel_sizes,
    "honour_kernel_size": _flag,
}
