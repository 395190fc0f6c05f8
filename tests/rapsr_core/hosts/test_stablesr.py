from dataclasses import replace

import pytest
import torch
from reference import key_list, on_meta
from tiny_ldm import STRUCTURE, host, tiny_refinement, values

from rapsr_core.hosts.networks.stablesr_structure import (
    OFFICIAL_SIZES,
    STRUCTURE_PREFIX,
    StructureEncoder,
    structure_sizes,
)
from rapsr_core.hosts.registry import HOSTS
from rapsr_core.hosts.stablesr import StableSRHost
from rapsr_core.images import resize
from rapsr_core.recipe import Recipe
from rapsr_core.refinement import plugged_in
from rapsr_core.sampling.noise import ImageNoise
from rapsr_core.sampling.tiling import Tile

RECIPE, NOISE = HOSTS["stablesr"].recipe(Recipe()), ImageNoise(0)


@pytest.fixture(scope="module")
def stablesr(tmp_path_factory: pytest.TempPathFactory) -> StableSRHost:
    return host(tmp_path_factory.mktemp("stablesr"), "stablesr")


@pytest.fixture
def lq() -> torch.Tensor:
    return torch.rand(1, 3, 16, 20, generator=torch.Generator().manual_seed(4))


def test_the_encoder_sees_the_enlarged_inputs_latent_without_noise(stablesr: StableSRHost, lq: torch.Tensor) -> None:
    condition = stablesr.prepare(lq, torch.zeros(1, 3, 64, 80), RECIPE, NOISE)
    enlarged = resize(lq, (64, 80))
    mean, std = stablesr.codec.moments(enlarged)
    latent = (mean + std * NOISE.draw("posterior", (1, 4, 8, 10))) * 0.18215
    torch.testing.assert_close(condition["latent"], latent)
    assert torch.equal(condition.colour_reference, enlarged)
    seen = []
    hook = stablesr.encoder.register_forward_pre_hook(lambda module, given: seen.append(given))
    (features,) = stablesr.views(torch.tensor(666), condition)
    hook.remove()
    assert seen == [(condition["latent"], torch.tensor(666))] and torch.equal(seen[0][0], condition["latent"])
    assert [features[f"structure/{k}"].shape for k in range(2)] == [(1, 16, 8, 10), (1, 16, 4, 5)]
    assert features.parts.keys() - condition.parts.keys() == {"structure/0", "structure/1"}


def test_the_features_change_with_the_time_and_reach_the_unet(stablesr: StableSRHost, lq: torch.Tensor) -> None:
    torch.manual_seed(0)  # the fixture's encoder does not depend on the time, see networks/test_stablesr.py
    encoder = StructureEncoder(replace(STRUCTURE, channels=(64, 128))).eval()
    timely = StableSRHost(stablesr.prior, encoder, stablesr.unet, stablesr.device)
    condition, z = timely.prepare(lq, lq, RECIPE, NOISE), NOISE.draw("z", (1, 4, 8, 10))
    text, t = timely.encode_text([timely.prior.tokenizer("").input_ids]), torch.tensor(500)
    early, late = (timely.predict(z, t, text, *timely.views(torch.tensor(at), condition)) for at in (10, 999))
    assert (early - late).abs().max() > 1e-3


def test_a_tiles_features_are_made_of_its_own_part_of_the_latent(stablesr: StableSRHost, lq: torch.Tensor) -> None:
    condition, tile = stablesr.prepare(lq, lq, RECIPE, NOISE), Tile(0, 8, 2, 10)
    (of_the_tile,) = stablesr.views(torch.tensor(999), condition.crop(tile))
    expected = stablesr.encoder(condition["latent"][..., 2:10], torch.tensor(999))
    for k, features in enumerate(expected):
        assert torch.equal(of_the_tile[f"structure/{k}"], features)


def test_the_latent_starts_as_noise_alone(stablesr: StableSRHost, lq: torch.Tensor) -> None:
    condition = stablesr.prepare(lq, lq, RECIPE, NOISE)
    assert torch.equal(stablesr.start(condition, stablesr.scheduler, NOISE), NOISE.draw("start", (1, 4, 8, 10)))


def test_its_unet_is_its_own_and_a_refinement_leaves_the_priors_alone(stablesr: StableSRHost) -> None:
    prior, own = values(stablesr.prior.unet), values(stablesr.unet)
    assert own.keys() > prior.keys()
    assert all(".conv2.spade." in name for name in own.keys() - prior.keys())
    with plugged_in(stablesr.unet, tiny_refinement("delta"), 1.0):
        assert values(stablesr.prior.unet) == prior
        assert values(stablesr.unet) != own
    assert values(stablesr.unet) == own


def test_the_published_checkpoint_tells_the_encoders_sizes() -> None:
    """But for its heads; key list of the full size."""
    shapes = key_list("stablesr_spade_and_encoder")["encoder"]
    assert structure_sizes(on_meta({STRUCTURE_PREFIX + name: shape for name, shape in shapes.items()})) == OFFICIAL_SIZES
