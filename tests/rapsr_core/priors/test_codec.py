import pytest
import torch

from rapsr_core.priors import SpaceToDepthCodec

CODEC = SpaceToDepthCodec()


@pytest.fixture
def pair() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    image, guide = torch.rand(2, 2, 3, 16, 24, generator=generator)
    return image, guide


@pytest.mark.parametrize("guided", [True, False])
def test_round_trip_is_lossless(pair, guided):
    image, guide = pair[0], pair[1] if guided else None
    z = CODEC.encode(image, guide)
    assert z.shape == (2, 48, 4, 6)
    assert torch.allclose(CODEC.decode(z, guide), image, atol=2e-6)


def test_zero_latent_is_the_guide(pair):
    guide = pair[1]
    assert torch.equal(CODEC.decode(torch.zeros(2, 48, 4, 6), guide), guide)


def test_grey_difference_is_all_luma(pair):
    """A difference equal in R, G and B is luma only: 2 * gain * difference in the first 16 channels."""
    z = CODEC.encode(pair[0] + 0.1, pair[0])
    assert torch.allclose(z[:, :16], torch.full((2, 16, 4, 6), 0.2 * CODEC.luma_gain), atol=1e-4)
    assert z[:, 16:].abs().max() < 1e-3


def test_unit_latent_noise_is_weaker_in_chroma():
    """The reason for two gains: noise left in z becomes less coloured than with one gain for all."""
    noise = torch.randn(1, 48, 32, 32, generator=torch.Generator().manual_seed(1))
    rgb = CODEC.decode(noise, None) - 0.5
    one_gain = SpaceToDepthCodec(4, 6.0, 6.0).decode(noise, None) - 0.5
    assert (rgb[:, 0] - rgb[:, 2]).std() < 0.3 * (one_gain[:, 0] - one_gain[:, 2]).std()


def test_error_weights_have_mean_one(pair):
    weights = CODEC.error_weights(pair[0])
    assert weights.shape == (1, 48, 1, 1)
    assert weights.mean().item() == pytest.approx(1)
    assert (weights[0, 0] / weights[0, 16]).item() == pytest.approx(CODEC.chroma_gain / CODEC.luma_gain)


def test_features_are_details_in_latent_units_and_block_means(pair):
    guide = pair[1]
    features = CODEC.features(guide, like=torch.zeros(2, 48, 4, 6))
    flat = torch.nn.functional.avg_pool2d(guide, 4).repeat_interleave(4, -2).repeat_interleave(4, -1)
    means = CODEC.features(flat, like=torch.zeros(2, 48, 4, 6))
    assert torch.allclose(features - means, CODEC.encode(guide, flat), atol=1e-5)
    assert means.abs().max() <= 1
    luma = (torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1) * (2 * flat - 1)).sum(1)
    assert torch.allclose(means[:, 0], luma[:, ::4, ::4], atol=1e-5)


def test_no_guide_is_mid_grey(pair):
    like = torch.zeros(2, 48, 4, 6)
    assert torch.equal(CODEC.features(None, like), CODEC.features(torch.full((2, 3, 16, 24), 0.5), like))
