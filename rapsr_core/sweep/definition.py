"""A sweep: a recipe, the axes along which it changes, and the cells that makes. Everything is checked here, before anything runs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from rapsr_core.comparison import Comparer
from rapsr_core.hosts.registry import host_info
from rapsr_core.images import ImageError
from rapsr_core.recipe import Recipe, RecipeError
from rapsr_core.sweep.axes import MAX_AXES, MAX_CELLS, Axis, SweepError, Value, axis_info, label_of, value_from_json


@dataclass(frozen=True)
class Cell:
    """One comparison of a sweep. `index`: in row-major order of the axes, the first axis slowest; `values`: one for each axis."""

    index: int
    values: tuple[Value, ...]
    recipe: Recipe


@dataclass(frozen=True)
class Sweep:
    """`recipe` with every combination of the axes' values; `limit`: most cells.

    Raises SweepError with every problem: too many axes or cells, two axes that set one field, values that make no recipe.
    """

    recipe: Recipe
    axes: tuple[Axis, ...]
    limit: int = MAX_CELLS

    def __post_init__(self) -> None:
        problems = [*_shape_problems(self.axes, self.limit), *_value_problems(self.recipe, self.axes)]
        if not problems:
            problems = _combination_problems(self, lambda recipe: host_info(recipe.host).check(recipe))
        if problems:
            raise SweepError(*problems)

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of values of each axis."""
        return tuple(len(axis.values) for axis in self.axes)

    def position(self, cell: Cell) -> tuple[int, ...]:
        """Where a cell stands along each axis."""
        return tuple(axis.values.index(value) for axis, value in zip(self.axes, cell.values, strict=True))

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; `Sweep.from_json` restores an equal sweep."""
        axes = [{"path": axis.path, "values": [_plain(value) for value in axis.values]} for axis in self.axes]
        return {"recipe": self.recipe.to_json(), "axes": axes, "limit": self.limit}

    @classmethod
    def from_json(cls, values: Any) -> Sweep:
        """A sweep from a JSON object; `limit` may be left out. Raises SweepError or RecipeError."""
        if not isinstance(values, Mapping) or not {"recipe", "axes"} <= set(values) <= {"recipe", "axes", "limit"}:
            raise SweepError(f"{values!r} is no sweep; it must be an object with recipe, axes and perhaps limit")
        limit = values.get("limit", MAX_CELLS)
        if type(limit) is not int or not isinstance(values["axes"], list):
            raise SweepError(f"limit is {limit!r}, axes {values['axes']!r}; they must be a whole number and a list")
        return cls(Recipe.from_json(values["recipe"]), tuple(_axis(row) for row in values["axes"]), limit)


def cells(sweep: Sweep) -> list[Cell]:
    """All cells, by index."""
    combined = itertools.product(*(axis.values for axis in sweep.axes))
    return [Cell(i, values, _recipe(sweep.recipe, sweep.axes, values)) for i, values in enumerate(combined)]


def title(sweep: Sweep, cell: Cell) -> str:
    """ "Steps 8, Seed 0": what a cell is called."""
    return ", ".join(f"{axis.info.label} {label_of(value)}" for axis, value in zip(sweep.axes, cell.values, strict=True))


def check(sweep: Sweep, comparer: Comparer, image: Tensor) -> None:
    """Raises SweepError with every cell that this picture, (1, 3, H, W), is too small or too large for."""
    height, width = image.shape[-2:]
    if problems := _combination_problems(sweep, lambda recipe: comparer.check_size(height, width, recipe)):
        raise SweepError(*problems)


def on_host(recipe: Recipe, name: str) -> Recipe:
    """`recipe` on another host, with that one's defaults (HostInfo.recipe); on its own host, as it is. Raises RecipeError."""
    return recipe if name == recipe.host else host_info(name).recipe(recipe)


def _recipe(recipe: Recipe, axes: Sequence[Axis], values: Sequence[Value]) -> Recipe:
    """`recipe` with the values put in; the host first, so that what else is swept wins over its defaults."""
    given = {axis.path: value for axis, value in zip(axes, values, strict=True)}
    if "host" in given:
        recipe = on_host(recipe, str(given.pop("host")))
    fields = recipe.to_json()
    for path, value in given.items():
        row = axis_info(path)
        for name, part in zip(row.sets, value if row.fields and isinstance(value, tuple) else (value,), strict=True):
            *parents, last = name.split(".")
            (fields[parents[0]] if parents else fields)[last] = part
    return Recipe.from_json(fields)


def _shape_problems(axes: Sequence[Axis], limit: int) -> list[str]:
    found = []
    if not 1 <= len(axes) <= MAX_AXES:
        found.append(f"a sweep of {len(axes)} axes; give 1 to {MAX_AXES}")
    setters: dict[str, str] = {}
    for axis in axes:
        for name in axis.info.sets:
            if name in setters:
                found.append(f"{setters[name]} and {axis.info.label} both set {name}; take one of them")
            setters[name] = axis.info.label
    shape = [len(axis.values) for axis in axes]
    if math.prod(shape) > limit:
        product = " x ".join(map(str, shape))
        found.append(f"{product} = {math.prod(shape)} cells; at most {limit} are run: take fewer values")
    return found


def _value_problems(recipe: Recipe, axes: Sequence[Axis]) -> list[str]:
    """Each value alone in the recipe."""
    found = []
    for axis in axes:
        for value in axis.values:
            try:
                _recipe(recipe, [axis], [value])
            except RecipeError as error:
                found.append(f"{axis.info.label} {label_of(value)}: {error}")
    return found


def _combination_problems(sweep: Sweep, checked: Callable[[Recipe], None]) -> list[str]:
    """Cells that make no recipe or do not pass; those with the same message together."""
    found: dict[str, list[str]] = {}
    for values in itertools.product(*(axis.values for axis in sweep.axes)):
        try:
            checked(_recipe(sweep.recipe, sweep.axes, values))
        except (RecipeError, ImageError) as error:
            name = title(sweep, Cell(0, values, sweep.recipe))
            found.setdefault(str(error), []).append(name)
    return [f"{named[0]}{f' and {len(named) - 1} more cells' if len(named) > 1 else ''}: {said}" for said, named in found.items()]


def _plain(value: Value) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _axis(row: Any) -> Axis:
    if not isinstance(row, Mapping) or set(row) != {"path", "values"} or not isinstance(row["values"], list):
        raise SweepError(f"{row!r} is no axis; it must be an object with path and a list of values")
    info = axis_info(row["path"])
    return Axis(row["path"], tuple(value_from_json(info, value) for value in row["values"]))
