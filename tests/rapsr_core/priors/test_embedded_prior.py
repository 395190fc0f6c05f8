from dataclasses import replace

import torch

from rapsr_core.priors.embedded import (
    CODEC,
    TINY,
    build_scheduler,
    build_text_encoder,
    build_unet,
    clip_tokenizer,
    let_see_lq,
    network_input,
)


def hidden_states(texts: list[str]) -> torch.Tensor:
    torch.manual_seed(0)
    ids = clip_tokenizer()(texts, padding="max_length", return_tensors="pt").input_ids
    with torch.no_grad():
        return build_text_encoder(TINY).eval()(ids).last_hidden_state


def test_identifier_is_the_published_ids():
    assert clip_tokenizer()("[X]. ", add_special_tokens=False).input_ids == [314, 343, 26262]


def test_identifiers_survive_the_text_encoder():
    """At the identifier's own position the two differ about as much as two unrelated words."""
    positive, negative = hidden_states(["[X]. a lake", "[V]. a lake"])
    at = 2  # start token, "[", then X or V
    assert (positive[at] - negative[at]).norm() > 0.5 * positive[at].norm()
    assert torch.equal(positive[:at], negative[:at])


def test_text_reaches_every_level():
    """Pooled into the time embedding: the text moves even the output of a residual block without attention."""
    unet = build_unet(TINY).eval()
    seen = []
    unet.down_blocks[0].register_forward_hook(lambda module, inputs, output: seen.append(output[0]))
    z = torch.randn(1, unet.config.in_channels, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        for state in hidden_states(["[X]. a lake", "[V]. a lake"]):
            unet(z, 500, state[None])
    assert not torch.equal(*seen)


def test_a_prior_that_learns_to_see_the_lq_starts_as_what_it_was():
    torch.manual_seed(0)
    unet, text = build_unet(replace(TINY, sees_lq=False)).eval(), hidden_states(["a lake"])
    noisy, (guide, lq) = torch.randn(1, 48, 8, 8), torch.rand(2, 1, 3, 32, 32)

    def output() -> torch.Tensor:
        with torch.no_grad():
            return unet(network_input(unet, CODEC, noisy, guide, lq), 500, text).sample

    before = output()
    let_see_lq(unet, CODEC)
    assert unet.config.in_channels == unet.conv_in.in_channels == 144
    torch.testing.assert_close(output(), before)
    torch.nn.init.normal_(unet.conv_in.weight)
    assert not torch.allclose(output(), before)


def test_the_network_sees_what_the_lq_has_and_the_guide_has_not():
    unet, noisy, (guide, lq) = build_unet(TINY), torch.zeros(1, 48, 8, 8), torch.rand(2, 1, 3, 32, 32)
    assert torch.equal(network_input(unet, CODEC, noisy, guide, lq)[:, 96:], CODEC.encode(lq, guide))
    assert network_input(unet, CODEC, noisy, guide, guide)[:, 96:].abs().max() == 0
    assert network_input(unet, CODEC, noisy, None, None)[:, 48:].abs().max() == 0
    assert network_input(build_unet(replace(TINY, sees_lq=False)), CODEC, noisy, guide, lq).shape[1] == 96


def test_scheduler_starts_at_noise_and_ends_near_the_image():
    scheduler = build_scheduler()
    scheduler.set_timesteps(8)
    assert scheduler.timesteps[0] == 999
    assert scheduler.alphas_cumprod[999].item() == 0
    last = scheduler.alphas_cumprod[scheduler.timesteps[-1]]
    assert ((1 - last) / last).sqrt().item() < 0.25
