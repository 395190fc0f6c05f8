"""The public actions of the API as a table: what each takes, gives and says of itself. Facts alone, read before torch is imported.

What they do stands in calls.py and short_calls.py, what they refuse in call_checks.py, under the same names. Texts of one line each: Gradio
hands them to MCP clients through docstrings, whose parameters it reads line by line.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from rapsr_core.degradation.presets import PRESETS as DEGRADATIONS
from rapsr_core.hosts.registry import HOSTS
from rapsr_core.quality.table import LIVE, METRICS
from rapsr_core.sweep.axes import AXES, MAX_AXES, MAX_CELLS

FILE = "file"
"""Type of an upload. Clients send the file itself; a path of the server is refused by Gradio."""
REQUIRED = object()
Kind = Literal["PNG", "CSV", "JSON", "JSON list", "text"]


@dataclass(frozen=True)
class Parameter:
    """One input. `type`: FILE, or a type that pydantic checks strictly. Without a default it must be given."""

    name: str
    type: Any
    help: str
    default: Any = REQUIRED

    @property
    def schema(self) -> dict[str, Any]:
        """JSON schema of a value that is no file."""
        return TypeAdapter(self.type).json_schema()


@dataclass(frozen=True)
class Result:
    """One output. PNG files are lossless."""

    name: str
    kind: Kind
    help: str


@dataclass(frozen=True)
class Endpoint:
    """One action. `computes`: it runs the model, holds the one compute slot and yields its progress; the others answer at once."""

    name: str
    what: str
    takes: tuple[Parameter, ...]
    gives: tuple[Result, ...]
    computes: bool = False

    @property
    def docstring(self) -> str:
        """As Gradio reads it: sentences, parameters, results."""
        takes = "".join(f"\n    {row.name}: {row.help}" for row in self.takes)
        gives = "".join(f"\n    {row.name} ({row.kind}): {row.help}" for row in self.gives)
        return f"{self.what}\n\nArgs:{takes}\n\nReturns:{gives}"


MetricNames = list[Literal[tuple(METRICS)]]  # type: ignore[valid-type, misc]
NO_REFERENCE = tuple(name for name, row in METRICS.items() if not row.needs_reference)

IMAGE = Parameter(
    "image",
    FILE,
    "The photograph: PNG, JPEG, WebP, AVIF, GIF, BMP, TIFF or HEIC, at least 16 px a side; it is turned by EXIF and read as sRGB.",
)
TRUTH = Parameter(
    "truth", FILE, "Ground truth with the same proportions, at least as large as the output: adds PSNR-Y, SSIM-Y and LPIPS.", None
)
RECIPE = Parameter(
    "recipe",
    dict[str, Any],
    "Settings as a JSON object; what is left out has its host's default (see hosts), unknown fields are refused.",
    {},
)
MORE_METRICS = Parameter(
    "metrics",
    list[Literal[NO_REFERENCE]],  # type: ignore[valid-type]
    f"Metrics besides {', '.join(METRICS[name].label for name in LIVE)} and grid energy, which are always there.",
    [],
)
PROGRESS = 'While it runs the files are null and the JSON is {"progress": sentence}.'

ENDPOINTS = (
    Endpoint(
        "compare",
        "Restore one photograph twice from the same noise, without and with the RAP-SR refinement. Output x1 to x4 of the input (x4 by default), "
        f"limited by the time it would take. Refused before the queue: unreadable images, unknown or impossible settings. {PROGRESS}",
        (IMAGE, RECIPE, MORE_METRICS, TRUTH),
        (
            Result("baseline", "PNG", "The host alone; the recipe is in its text chunk rapsr-recipe."),
            Result("enhanced", "PNG", "With the refinement plugged in; carries the recipe too."),
            Result("report", "JSON", "The whole recipe, prompts (text, token ids, count), scores, seconds of each part, notes, peak memory."),
        ),
        computes=True,
    ),
    Endpoint(
        "sweep",
        f"Compare one photograph under every combination of 1 to {MAX_AXES} axes, at most {MAX_CELLS} cells and an hour; all are checked before the "
        f"first runs, cells that share a baseline run together. {PROGRESS}",
        (
            IMAGE,
            Parameter(
                "axes",
                list[dict[str, Any]],
                'Columns, rows and sheets: a list of {"axis": name, "values": [...]}; a pair axis has values of two texts. '
                f"Names: {', '.join(AXES)}.",
            ),
            RECIPE,
            MORE_METRICS,
            TRUTH,
        ),
        (
            Result("enhanced", "PNG", "Grid of the enhanced results with labels; the sweep is in its text chunk rapsr-sweep."),
            Result("baseline", "PNG", "Grid of the baselines."),
            Result("table", "CSV", "A line for each cell: values, all scores of input, baseline and enhanced, seconds, error."),
            Result("report", "JSON", "The axes and for each cell its title, recipe, scores, seconds and error."),
        ),
        computes=True,
    ),
    Endpoint(
        "score",
        "Score one image as it is, without enlarging it. A metric that cannot be computed has its reason in `error` and stops nothing.",
        (
            IMAGE,
            Parameter("metrics", MetricNames, "Which metrics; PSNR-Y, SSIM-Y and LPIPS need a ground truth (see metrics).", [*LIVE, "grid"]),
            Parameter("truth", FILE, "Ground truth of exactly the same size.", None),
        ),
        (Result("scores", "JSON", "size_px [width, height], and for each metric value, label, lower_better, seconds and error."),),
    ),
    Endpoint(
        "degrade",
        "Make a low-quality input of a clean photograph by the second-order Real-ESRGAN process, a quarter of its size. The same image, preset and "
        "seed give the same pixels.",
        (
            Parameter("image", FILE, "A clean photograph, 80 to 2048 px a side; the centre with sides of whole multiples of 4 is used."),
            Parameter("preset", Literal[tuple(DEGRADATIONS)], "Which degradation (see degradations).", "rapsr"),
            Parameter("seed", Annotated[int, Field(ge=0, le=2**32 - 1)], "Seed of every random decision.", 0),
            Parameter("resize_back", bool, "Enlarge the result to the size of the photograph.", False),
        ),
        (
            Result("lq", "PNG", "The degraded picture; the record is in its text chunk rapsr-degradation."),
            Result("hq", "PNG", "The part of the photograph that was used: its ground truth."),
            Result("record", "JSON", "Every random decision; replays to the same pixels."),
        ),
    ),
    Endpoint(
        "caption",
        "Write the caption that a comparison uses when its recipe has none: an ImageNet tagger, which says `a photo` when it is not sure.",
        (IMAGE,),
        (Result("caption", "text", "One phrase."),),
    ),
    Endpoint(
        "encode",
        "What each branch's text encoder would be given by a recipe. Needs no photograph; a caption that is still to be written counts as empty.",
        (RECIPE,),
        (Result("prompts", "JSON", "baseline and enhanced, positive and negative: text, token_ids, count, limit, truncated."),),
    ),
    Endpoint(
        "hosts",
        "The super-resolution methods: which can run on this machine, what the others lack, their default recipe, settings and licences.",
        (),
        (Result("hosts", "JSON list", "A list of hosts; `recipe` has every field that `compare` takes, `refinements` the names it may give."),),
    ),
    Endpoint(
        "refinements",
        "The refinements of this machine by name, and the hosts that take each.",
        (),
        (Result("refinements", "JSON list", "A list of name, prior and hosts; `none` plugs nothing in."),),
    ),
    Endpoint(
        "presets",
        "Recipes of a host's presets: fast, balanced, quality, fidelity.",
        (Parameter("host", Literal[tuple(HOSTS)], "Which host (see hosts).", "embedded"),),
        (Result("presets", "JSON", "Preset name to label, aim and recipe."),),
    ),
    Endpoint(
        "degradations",
        "The degradation presets with all their settings; noise sigmas in 1/255.",
        (),
        (Result("degradations", "JSON", "Preset name to its settings."),),
    ),
    Endpoint(
        "metrics",
        "The metrics: direction, typical range, smallest image, whether a ground truth is needed, source.",
        (),
        (Result("metrics", "JSON list", "A list of metrics."),),
    ),
)  # fmt: skip
