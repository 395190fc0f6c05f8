"""Give a refinement away in other forms: a whole UNet in LDM naming, or a delta."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from rapsr_core.priors import Prior
from rapsr_core.priors.naming import UNET_PREFIX, unet_to_ldm
from rapsr_core.refinement.artifact import Refinement, RefinementError, licence, save_delta, save_learned
from rapsr_core.refinement.plugin import plugged_in


def export_ldm(refinement: Refinement, prior: Prior, strength: float, file: Path) -> None:
    """Write the prior's whole UNet, refined at a strength, as one fp16 safetensors with the keys of an LDM checkpoint.

    The file has no text encoder and no VAE; its header holds identifiers and token ids. Raises ValueError for a prior that is not
    Stable Diffusion's, RefinementError for learned identifiers, whose vectors such a file cannot hold.
    """
    if refinement.learned:
        raise RefinementError(
            f"refinement {refinement.name} has learned identifiers, which a UNet file cannot hold; export a delta"
        )
    names = unet_to_ldm(prior.unet.state_dict())
    with plugged_in(prior.unet, refinement, strength):
        weights = {
            UNET_PREFIX + names[name]: weight.detach().to("cpu", torch.float16).contiguous()
            for name, weight in prior.unet.state_dict().items()
        }
    header = {key: refinement.facts[key] for key in ("identifiers", "token_ids", "prior", "prior_fingerprint")}
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file(weights, file, metadata={"format": "pt", "rap-sr": json.dumps(header | {"strength": strength})})


def export_delta(refinement: Refinement, prior: Prior, strength: float, folder: Path) -> None:
    """Write what the refinement adds to the prior's weights at a strength as a refinement folder of its own.

    Differences are taken in float32 and stored in fp16. Load the prior in float32, or they carry the rounding of its type.
    """
    parameters = dict(prior.unet.named_parameters())
    differences = (
        (name, update.applied(parameters[name], strength).float() - parameters[name].float())
        for name, update in refinement.updates.items()
    )
    origin = {"format": "delta", "delta_of": refinement.facts["format"], "delta_strength": strength}
    save_delta(folder, differences, {"license": licence(prior)} | dict(refinement.facts) | origin)
    if refinement.learned:
        texts = refinement.facts["learned_identifiers"]
        save_learned(folder, texts, refinement.token_ids[texts[0]][0], refinement.learned)
