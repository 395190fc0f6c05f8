import copy
import json
from dataclasses import replace

import pytest
import torch
import yaml
from diffusers import AutoencoderKL, StableDiffusionPipeline, UNet2DConditionModel

from rapsr_core.refinement import load_refinement, plugged_in, save_full, save_refinement


def pipeline(prior) -> StableDiffusionPipeline:
    vae = AutoencoderKL(block_out_channels=(4,), norm_num_groups=2, sample_size=8)
    return StableDiffusionPipeline(
        vae=vae,
        text_encoder=prior.text.encoders[0],
        tokenizer=prior.tokenizer,
        unet=copy.deepcopy(prior.unet),
        scheduler=prior.scheduler,
        safety_checker=None,
        feature_extractor=None,
    )


def forward(unet: UNet2DConditionModel) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    z, text = torch.randn(1, 4, 8, 8, generator=generator), torch.randn(1, 77, 16, generator=generator)
    with torch.no_grad():
        return unet(z, torch.tensor(500), text).sample


def test_alpha_survives_diffusers_own_loader(sd_prior, with_adapter, refinement_of, tmp_path) -> None:
    refinement = refinement_of("lora")
    trained, pipe = forward(with_adapter.unet), pipeline(sd_prior)
    pipe.load_lora_weights(tmp_path / "lora")
    assert (trained - forward(sd_prior.unet)).abs().max() > 0.05
    config = next(iter(pipe.unet.peft_config.values()))
    assert (config.r, config.lora_alpha) == (4, 8)
    torch.testing.assert_close(forward(pipe.unet), trained, rtol=0, atol=2e-3)
    with plugged_in(sd_prior.unet, refinement, 1.0):
        torch.testing.assert_close(forward(sd_prior.unet), forward(pipe.unet), rtol=0, atol=1e-4)


def test_diffusers_loads_a_full_refinement(sd_prior, trained_unet, refinement_of, tmp_path) -> None:
    refinement_of("full")
    loaded = UNet2DConditionModel.from_pretrained(tmp_path / "full", subfolder="unet", dtype=torch.float16)
    trained = trained_unet.half().state_dict()
    assert all(weight.equal(trained[name]) for name, weight in loaded.state_dict().items())


@pytest.mark.parametrize("format_name", ["lora", "full", "delta"])
def test_the_model_card(refinement_of, tmp_path, format_name) -> None:
    refinement_of(format_name)
    _, front, text = (tmp_path / format_name / "README.md").read_text().split("---\n", 2)
    assert yaml.safe_load(front) == {
        "base_model": "tiny-sd",
        "library_name": "diffusers",
        "tags": ["lora" if format_name == "lora" else "diffusers", "super-resolution", "rap-sr"],
        "pipeline_tag": "image-to-image",
        "license": "other",
        "instance_prompt": "[X]. ",
    }
    assert "| `[V]. ` | bad | [314, 341, 26262] |" in text
    assert "- steps: 3" in text


def test_facts_and_further_identifiers(sd_prior, with_adapter, tmp_path) -> None:
    others = {"[N]. ": "noisy", "[J]. ": "JPEG artefacts"}
    save_refinement(tmp_path, with_adapter, ("[X]. ", "[V]. "), {"data_fingerprint": "abc", "license": "mit"}, others=others)
    stored = json.loads((tmp_path / "refinement.json").read_text())
    assert stored["format"] == "lora" and stored["data_fingerprint"] == "abc"
    assert stored["identifiers"] == {"positive": "[X]. ", "negative": "[V]. ", "others": others}
    refinement = load_refinement(tmp_path, sd_prior)
    assert refinement.others == others
    assert refinement.token_ids["[N]. "] == (314, 333, 26262) and len(refinement.token_ids) == 4
    card = (tmp_path / "README.md").read_text()
    assert "| `[J]. ` | JPEG artefacts |" in card and 'license: "mit"' in card and "data_fingerprint: abc" in card


def test_a_folder_holds_one_refinement(sd_prior, trained_unet, with_adapter, tmp_path) -> None:
    save_full(tmp_path, replace(sd_prior, unet=trained_unet), ("[X]. ", "[V]. "), {})
    save_refinement(tmp_path, with_adapter, ("[X]. ", "[V]. "), {})
    assert not list((tmp_path / "unet").glob("*.safetensors"))
    assert load_refinement(tmp_path, sd_prior).facts["format"] == "lora"
