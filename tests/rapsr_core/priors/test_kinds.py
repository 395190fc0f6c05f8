from pathlib import Path

import pytest
import torch
from diffusers import DiffusionPipeline
from tiny_priors import TINY_PRIORS, save_tiny

from rapsr_core.priors import load_prior
from rapsr_core.priors.catalog import prior_source
from rapsr_core.priors.kinds import kind_of

KINDS = {"sd21": "sd", "sd15": "sd", "sdxl": "sdxl", "x4-upscaler": "x4-upscaler"}


@pytest.mark.parametrize("name", list(TINY_PRIORS))
def test_a_pipeline_folder_is_loaded_and_its_text_is_the_pipelines(name: str, tmp_path: Path) -> None:
    """Hidden states and pooled text as the stock pipeline encodes them."""
    folder = save_tiny(name, tmp_path / name)
    prior = load_prior(folder)
    assert prior.kind.name == KINDS[name]
    assert not any(p.requires_grad for p in prior.unet.parameters())
    text = prior.text.encode(["[X]. a cat", ""])
    stock = _stock_encoding(name, folder, ["[X]. a cat", ""])
    torch.testing.assert_close(text.states, stock[0])
    assert (text.pooled is None) == (stock[1] is None)
    if text.pooled is not None:
        torch.testing.assert_close(text.pooled, stock[1])


def _stock_encoding(name: str, folder: Path, prompts: list[str]) -> tuple[torch.Tensor, torch.Tensor | None]:
    pipe = DiffusionPipeline.from_pretrained(folder, local_files_only=True)
    with torch.no_grad():
        found = pipe.encode_prompt(prompts, device="cpu", num_images_per_prompt=1, do_classifier_free_guidance=False)
    return found[0], found[2] if name == "sdxl" else None


@pytest.mark.parametrize("name", list(TINY_PRIORS))
def test_the_codec_is_the_pipelines(name: str, tmp_path: Path) -> None:
    prior = load_prior(save_tiny(name, tmp_path / name))
    image = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        mean, std = prior.codec.moments(image)
        z = prior.codec.sample((mean, std), torch.zeros_like(mean))
        decoded = prior.codec.decode(z)
        stock = prior.codec.vae.decode(prior.codec.vae.encode(2 * image - 1).latent_dist.mode()).sample
    assert z.shape == (2, prior.codec.channels, 32 // prior.codec.block_px, 32 // prior.codec.block_px)
    assert prior.codec.block_px == (4 if name == "x4-upscaler" else 2)
    torch.testing.assert_close(2 * decoded - 1, stock)


def test_other_networks_are_refused() -> None:
    with pytest.raises(ValueError, match="9 input and 4 output channels"):
        kind_of({"addition_embed_type": None, "in_channels": 9, "out_channels": 4, "num_class_embeds": None})


def test_sources() -> None:
    assert prior_source("somebody/a-model") == "somebody/a-model"
    with pytest.raises(FileNotFoundError, match=r"no prior at './nowhere'.*sd21-base"):
        prior_source("./nowhere")
