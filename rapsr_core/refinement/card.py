"""The model card of a refinement: README.md with the front matter that the Hugging Face hub reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rapsr_core.priors import PRIORS

_TAGS = {"lora": "lora", "full": "diffusers", "delta": "diffusers"}

_LOADING = {
    "lora": """pipe.load_lora_weights(FOLDER)  # a diffusers pipeline of the prior; a UNet alone, as the embedded prior's:
unet.load_lora_adapter(FOLDER, weight_name="pytorch_lora_weights.safetensors", prefix="unet")""",
    "full": 'pipe.unet = UNet2DConditionModel.from_pretrained(FOLDER, subfolder="unet")  # diffusers',
    "delta": "# delta.safetensors is added to the weights of the same names; diffusers has no loader for it",
}

_WHAT = {
    "lora": "LoRA factors for the prior's UNet",
    "full": "All weights of the UNet, fp16",
    "delta": "Differences to the weights of the prior's UNet, fp16",
}

_TOLD_ELSEWHERE = ("format", "prior", "prior_fingerprint", "license")


def model_card(stored: Mapping[str, Any]) -> str:
    """Text of README.md from the contents of `refinement.json`. Strings are quoted as JSON, which YAML reads."""
    identifiers = stored["identifiers"]
    front = {
        "base_model": _base_model(stored["prior"]),
        "library_name": "diffusers",
        "tags": [_TAGS[stored["format"]], "super-resolution", "rap-sr"],
        "pipeline_tag": "image-to-image",
        "license": stored["license"],
        "instance_prompt": identifiers["positive"],
    }
    lines = ["---", *(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in front.items()), "---", ""]
    lines += ["# Restoration-prior refinement", "", _origin(stored), "", *_identifier_lines(stored), "", *_settings(stored)]
    return "\n".join([*lines, "", "## Loading", "", "```python", *_loading(stored["format"]), "```", ""])


def _base_model(prior: str) -> str:
    """The hub id of a catalogue name, where it has one."""
    source = PRIORS[prior].source if prior in PRIORS else prior
    return prior if Path(source).is_absolute() else source


def _origin(stored: Mapping[str, Any]) -> str:
    return (
        f"{_WHAT[stored['format']]}, after RAP-SR (arXiv 2412.07149). They fit the prior `{stored['prior']}` with "
        f"fingerprint `{stored['prior_fingerprint']}` and no other. Nothing here says how well they restore: compare for yourself."
    )


def _identifier_lines(stored: Mapping[str, Any]) -> list[str]:
    """One row per identifier: the text, what it means, its token ids."""
    identifiers = stored["identifiers"]
    meanings = {identifiers["positive"]: "good", identifiers["negative"]: "bad", **identifiers.get("others", {})}
    rows = [f"| `{text}` | {meaning} | {stored['token_ids'][text]} |" for text, meaning in meanings.items()]
    return ["| identifier, before the caption | means | token ids |", "|---|---|---|", *rows]


def _settings(stored: Mapping[str, Any]) -> list[str]:
    """The single-valued facts; lists and curves stay in refinement.json."""
    facts = {k: v for k, v in stored.items() if k not in _TOLD_ELSEWHERE and isinstance(v, str | int | float)}
    return ["How it was made (more in `refinement.json`):", "", *(f"- {key}: {value}" for key, value in facts.items())]


def _loading(format_name: str) -> list[str]:
    return [
        _LOADING[format_name],
        "# or with RAP-SR Studio, which checks prior and token ids and can take less than all of it:",
        "refinement = load_refinement(FOLDER, prior)  # rapsr_core.refinement",
        "with plugged_in(prior.unet, refinement, strength=1.0):",
        "    ...",
    ]
