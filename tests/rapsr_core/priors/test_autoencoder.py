"""Stable Diffusion's codec in tiles: no step where tiles meet."""

import pytest
import torch
from tiny_priors import save_tiny

from rapsr_core.images import resize
from rapsr_core.priors import load_prior
from rapsr_core.priors.autoencoder import AutoencoderCodec

TILE_PX = 64


@pytest.fixture(scope="module")
def codec(tmp_path_factory: pytest.TempPathFactory) -> AutoencoderCodec:
    torch.manual_seed(0)
    return load_prior(save_tiny("sd15", tmp_path_factory.mktemp("sd15"))).autoencoder


@pytest.fixture(scope="module")
def latent() -> torch.Tensor:
    """(1, 4, 64, 96): soft shapes and a little noise."""
    generator = torch.Generator().manual_seed(1)
    soft = resize(torch.rand(1, 4, 8, 12, generator=generator), (64, 96))
    return 4 * soft + 0.2 * torch.randn(1, 4, 64, 96, generator=generator)


def decoded(codec: AutoencoderCodec, latent: torch.Tensor, side_px: int, overlap: float = 0.25) -> torch.Tensor:
    codec.use_tiles(side_px)
    codec.vae.tile_overlap_factor = overlap
    with torch.inference_mode():
        return codec.decode(latent)


def step_at_borders(tiled: torch.Tensor, whole: torch.Tensor, stride: int) -> float:
    """Energy of the horizontal gradient in columns where a tile ends, over that of the whole picture in the same columns."""
    columns = torch.arange(stride - 1, whole.shape[-1] - 1, stride)
    energies = [picture.diff(dim=-1)[..., columns].square().mean() for picture in (tiled, whole)]
    return float(energies[0] / energies[1])


def test_a_tiled_picture_is_the_whole_one_without_steps(codec: AutoencoderCodec, latent: torch.Tensor) -> None:
    whole, tiled = decoded(codec, latent, 1024), decoded(codec, latent, TILE_PX)
    assert whole.shape == tiled.shape == (1, 3, 128, 192)
    assert not torch.equal(whole, tiled)
    assert (tiled - whole).abs().mean() < 0.25 * whole.std()
    # a tile ends, blended, every three quarters of it
    assert 0.8 < step_at_borders(tiled, whole, TILE_PX * 3 // 4) < 1.2


def test_the_measure_sees_the_steps_of_tiles_that_do_not_overlap(codec: AutoencoderCodec, latent: torch.Tensor) -> None:
    whole, cut = decoded(codec, latent, 1024), decoded(codec, latent, TILE_PX, overlap=0.0)
    assert step_at_borders(cut, whole, TILE_PX) > 1.2


@pytest.mark.parametrize("side_px", [8, 36, 50, 64, 66])
def test_tiles_of_any_side_give_every_pixel_its_place(codec: AutoencoderCodec, latent: torch.Tensor, side_px: int) -> None:
    """diffusers rounds a quarter of a tile in sites and in pixels; where these differ the picture would be of another size."""
    assert decoded(codec, latent, side_px).shape == (1, 3, 128, 192)
    assert codec.vae.tile_latent_min_size % 4 == 0


def test_a_picture_is_encoded_in_tiles_too(codec: AutoencoderCodec) -> None:
    picture = resize(torch.rand(1, 3, 8, 12, generator=torch.Generator().manual_seed(2)), (128, 192))
    with torch.inference_mode():
        codec.vae.tile_overlap_factor = 0.25
        codec.use_tiles(1024)
        whole, _ = codec.moments(picture)
        codec.use_tiles(TILE_PX)
        tiled, _ = codec.moments(picture)
    assert whole.shape == tiled.shape and not torch.equal(whole, tiled)
    assert (tiled - whole).abs().mean() < 0.35 * whole.std()
    assert 0.8 < step_at_borders(tiled, whole, TILE_PX * 3 // 4 // codec.block_px) < 1.2


def test_at_most_what_fits_a_usual_card_is_taken_at_once(codec: AutoencoderCodec) -> None:
    codec.use_tiles(4096)
    assert codec.vae.tile_sample_min_size == 1024
