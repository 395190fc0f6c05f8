import json

import pytest
import torch
from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint
from safetensors import safe_open
from safetensors.torch import load_file

from rapsr_core.priors import load_prior
from rapsr_core.refinement import load_refinement, plugged_in
from rapsr_core.refinement.exporting import export_delta, export_ldm

FORMATS = ("lora", "full", "delta")


@pytest.mark.parametrize("format_name", FORMATS)
@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
def test_diffusers_converter_reads_the_ldm_file_as_the_plugged_unet(
    sd_prior, refinement_of, tmp_path, format_name, strength
) -> None:
    refinement, before = refinement_of(format_name), {n: w.clone() for n, w in sd_prior.unet.state_dict().items()}
    export_ldm(refinement, sd_prior, strength, tmp_path / "new/unet.safetensors")
    tensors = load_file(tmp_path / "new/unet.safetensors")
    assert all(name.startswith("model.diffusion_model.") for name in tensors)
    converted = convert_ldm_unet_checkpoint(tensors, dict(sd_prior.unet.config))
    with plugged_in(sd_prior.unet, refinement, strength):
        plugged = sd_prior.unet.state_dict()
        assert converted.keys() == plugged.keys()
        assert all(converted[name].equal(weight.half()) for name, weight in plugged.items())
    assert all(weight.equal(before[name]) for name, weight in sd_prior.unet.state_dict().items())


def test_the_header_tells_the_identifiers(sd_prior, refinement_of, tmp_path) -> None:
    export_ldm(refinement_of("lora"), sd_prior, 0.5, tmp_path / "unet.safetensors")
    with safe_open(tmp_path / "unet.safetensors", "pt") as file:
        header = json.loads(file.metadata()["rap-sr"])
    assert header["token_ids"]["[X]. "] == [314, 343, 26262]
    assert header["strength"] == 0.5 and header["prior_fingerprint"] == sd_prior.fingerprint


@pytest.mark.parametrize("format_name", FORMATS)
def test_a_delta_does_what_the_refinement_does(sd_prior, refinement_of, tmp_path, format_name) -> None:
    refinement = refinement_of(format_name)
    export_delta(refinement, sd_prior, 0.5, tmp_path / "exported")
    delta = load_refinement(tmp_path / "exported", sd_prior)
    assert delta.token_ids == refinement.token_ids and delta.facts["steps"] == 3
    assert delta.facts["delta_of"] == format_name and delta.facts["delta_strength"] == 0.5
    with plugged_in(sd_prior.unet, refinement, 0.5):
        wanted = {name: weight.clone() for name, weight in sd_prior.unet.state_dict().items()}
    with plugged_in(sd_prior.unet, delta, 1.0):
        for name, weight in sd_prior.unet.state_dict().items():
            torch.testing.assert_close(weight, wanted[name], rtol=0, atol=2**-11)


def test_only_stable_diffusion_has_ldm_names(assets, tmp_path) -> None:
    prior = load_prior(assets / "prior")
    with pytest.raises(ValueError, match=r"add_embedding\.\S+ has no other name"):
        export_ldm(load_refinement(assets / "refinement", prior), prior, 1.0, tmp_path / "unet.safetensors")
