"""A refinement as one folder: `refinement.json`, a model card `README.md`, and ONE of the weight files in WEIGHTS.

`refinement.json` holds the format, the identifiers, the token ids they had in training, name and fingerprint of the prior, and
how it was trained. Loading checks token ids and fingerprint against the prior at hand and says what differs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import StableDiffusionPipeline
from peft.utils import get_peft_model_state_dict
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from rapsr_core.priors import PRIORS, Prior
from rapsr_core.recipe import NONE
from rapsr_core.refinement.card import model_card
from rapsr_core.refinement.facts import CARD, FACTS, WEIGHTS, RefinementError, read_facts, refinement_folder
from rapsr_core.refinement.identifiers import FORMS, MERGED, identifier_ids
from rapsr_core.refinement.updates import Delta, Full, LowRank, Update

LEARNED = "learned_identifiers.safetensors"


@dataclass(frozen=True)
class Refinement:
    """A loaded refinement; `updates` maps a weight's name in the prior's UNet to its update.

    `token_ids` has those of every identifier as trained, which need not be what a tokenizer of today gives: encode prompts with
    `prompts.tokenize_prescribed`. `others` are identifiers beside the two, with what they mean. `learned` has the vectors of learned
    identifiers, a tensor for each encoder; () where they are plain text, as published.
    """

    name: str
    updates: Mapping[str, Update]
    positive_identifier: str
    negative_identifier: str
    others: Mapping[str, str]
    token_ids: Mapping[str, tuple[int, ...]]
    learned: tuple[Tensor, ...]
    facts: Mapping[str, Any]


def save_refinement(
    folder: Path, prior: Prior, identifiers: tuple[str, str], facts: Mapping[str, Any], *, others: Mapping[str, str] | None = None
) -> None:
    """Write the adapter that `prior.unet` carries (name "default"), with fp16 factors.

    Args:
        folder: made if missing; a refinement in it is replaced.
        prior: the fingerprint stored is `prior.fingerprint`, taken before the adapter was added.
        identifiers: (positive, negative), for example ("[X]. ", "[V]. ").
        facts: anything JSON that tells how it was trained; `data_fingerprint` and `license` belong here.
        others: identifiers beside the two, with what they mean.
    """
    layers = {k: _stored(v) for k, v in get_peft_model_state_dict(prior.unet).items()}
    config = prior.unet.peft_config["default"].to_dict()
    metadata = {k: sorted(v) if isinstance(v, set) else v for k, v in config.items()}
    described = describe("lora", prior, identifiers, others)
    write_facts(folder, described | {"lora": {"rank": config["r"], "alpha": config["lora_alpha"]}, **facts})
    StableDiffusionPipeline.save_lora_weights(
        folder, unet_lora_layers=layers, weight_name=WEIGHTS["lora"], unet_lora_adapter_metadata=metadata
    )


def save_full(
    folder: Path,
    prior: Prior,
    identifiers: tuple[str, str],
    facts: Mapping[str, Any],
    *,
    others: Mapping[str, str] | None = None,
    form: str = MERGED,
) -> None:
    """Write `prior.unet` as it is now, as a diffusers UNet folder in fp16. Arguments as of `save_refinement`.

    `prior.fingerprint` must still be that of the prior before training; `form` is the form of the identifiers in training.
    """
    write_facts(folder, describe("full", prior, identifiers, others, form) | dict(facts))
    prior.unet.save_config(folder / "unet")
    weights = {name: _stored(weight) for name, weight in prior.unet.state_dict().items()}
    save_file(weights, folder / WEIGHTS["full"], metadata={"format": "pt"})


def save_delta(folder: Path, differences: Iterable[tuple[str, Tensor]], described: Mapping[str, Any]) -> None:
    """Write (name of a UNet weight, trained weight - prior's weight), those all zero in fp16 left out.

    `described` is the whole `refinement.json`: from `describe`, or the facts of a refinement that is a delta from now on.
    """
    stored = ((name, _stored(difference)) for name, difference in differences)
    changed = {name: difference for name, difference in stored if difference.count_nonzero()}
    write_facts(folder, described)
    save_file(changed, folder / WEIGHTS["delta"], metadata={"format": "pt"})


def save_learned(folder: Path, texts: Sequence[str], first_id: int, vectors: Sequence[Tensor]) -> None:
    """Add learned identifiers to a refinement folder: vectors (n, width) for each encoder, ids first_id, first_id + 1, ... for texts."""
    stored = json.loads((folder / FACTS).read_text())
    ids = {text: [first_id + k] for k, text in enumerate(texts)}
    write_facts(folder, stored | {"token_ids": stored["token_ids"] | ids, "learned_identifiers": list(texts)})
    save_file({str(k): rows.detach().float().cpu().contiguous() for k, rows in enumerate(vectors)}, folder / LEARNED)


def _stored(tensor: Tensor) -> Tensor:
    return tensor.detach().to("cpu", torch.float16).contiguous()


def describe(
    format_name: str, prior: Prior, identifiers: tuple[str, str], others: Mapping[str, str] | None, form: str = MERGED
) -> dict[str, Any]:
    """What `refinement.json` must hold in every format."""
    texts = {"positive": identifiers[0], "negative": identifiers[1]} | ({"others": dict(others)} if others else {})
    return {
        "format": format_name,
        "identifiers": texts,
        "token_ids": {text: list(identifier_ids(prior.tokenizer, text, form)) for text in (*identifiers, *(others or ()))},
        "prior": prior.name,
        "prior_fingerprint": prior.fingerprint,
        "license": licence(prior),
    }


def licence(prior: Prior) -> str:
    """Of what is made from a prior: the prior's own, as the Hugging Face hub spells it; "other" outside the catalogue."""
    return PRIORS[prior.name].licence.lower() if prior.name in PRIORS else "other"


def write_facts(folder: Path, stored: Mapping[str, Any]) -> None:
    """`refinement.json` and the model card; weights of other formats are removed, so that a folder holds one refinement."""
    folder.mkdir(parents=True, exist_ok=True)
    for format_name, weights in WEIGHTS.items():
        if format_name != stored["format"]:
            (folder / weights).unlink(missing_ok=True)
    (folder / LEARNED).unlink(missing_ok=True)
    (folder / FACTS).write_text(json.dumps(stored, indent=2, ensure_ascii=False) + "\n")
    (folder / CARD).write_text(model_card(stored))


def load_refinement(name_or_folder: str | Path, prior: Prior) -> Refinement:
    """Load and check against `prior`. Raises RefinementError on another fingerprint, other token ids or unknown layers."""
    facts = read_facts(name_or_folder)
    if facts["prior_fingerprint"] != prior.fingerprint:
        raise RefinementError(
            f"refinement {name_or_folder!s} was trained on the prior with fingerprint {facts['prior_fingerprint']}, "
            f"this one ({prior.name}) is {prior.fingerprint}; train it again with `python -m train.refine`"
        )
    token_ids = {text: tuple(ids) for text, ids in facts["token_ids"].items()}
    learned = facts.get("learned_identifiers", [])
    _check_token_ids({text: ids for text, ids in token_ids.items() if text not in learned}, prior)
    folder = refinement_folder(name_or_folder)
    updates = _updates(folder, facts)
    known = {name for name, _ in prior.unet.named_parameters()}
    if unknown := [name for name in updates if name not in known]:
        raise RefinementError(f"refinement {name_or_folder!s} updates layers the prior does not have: {listed(unknown)}")
    texts = facts["identifiers"]
    return Refinement(
        name=str(name_or_folder),
        updates=updates,
        positive_identifier=texts["positive"],
        negative_identifier=texts["negative"],
        others=texts.get("others", {}),
        token_ids=token_ids,
        learned=_learned(folder) if learned else (),
        facts=facts,
    )


def no_refinement(prior: Prior) -> Refinement:
    """One that changes nothing and knows no identifier: the branches then differ in their texts alone."""
    return Refinement(NONE, {}, "", "", {}, {}, (), {"prior": prior.name, "prior_fingerprint": prior.fingerprint})


def _learned(folder: Path) -> tuple[Tensor, ...]:
    stored = load_file(folder / LEARNED)
    return tuple(stored[str(k)] for k in range(len(stored)))


def _check_token_ids(token_ids: Mapping[str, tuple[int, ...]], prior: Prior) -> None:
    for text, trained in token_ids.items():
        forms = {form: identifier_ids(prior.tokenizer, text, form) for form in FORMS}
        if trained not in forms.values():
            given = ", ".join(f"{list(ids)} ({form})" for form, ids in forms.items())
            raise RefinementError(f"identifier {text!r} was trained as tokens {list(trained)}, this tokenizer gives {given}")


def _updates(folder: Path, facts: Mapping[str, Any]) -> dict[str, Update]:
    file = folder / WEIGHTS[facts["format"]]
    try:
        tensors = load_file(file)
    except SafetensorError as error:
        raise RefinementError(f"{file} cannot be read: {error}") from error
    if facts["format"] == "full":
        return {name: Full(tensor) for name, tensor in tensors.items()}
    if facts["format"] == "delta":
        return {name: Delta(tensor) for name, tensor in tensors.items()}
    down = {k.removeprefix("unet.").removesuffix(".lora_A.weight"): v for k, v in tensors.items() if ".lora_A." in k}
    up = {k.removeprefix("unet.").removesuffix(".lora_B.weight"): v for k, v in tensors.items() if ".lora_B." in k}
    scale = facts["lora"]["alpha"] / facts["lora"]["rank"]
    return {f"{name}.weight": LowRank(down[name], up[name], scale) for name in down}


def listed(names: Iterable[str], limit: int = 3) -> str:
    """The first few of many names, for a message."""
    names = list(names)
    return ", ".join(names[:limit]) + (f" and {len(names) - limit} more" if len(names) > limit else "")
