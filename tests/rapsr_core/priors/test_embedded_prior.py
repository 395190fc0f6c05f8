import torch

from rapsr_core.priors.embedded import TINY, build_scheduler, build_text_encoder, build_unet, clip_tokenizer


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
    z = torch.randn(1, 96, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        for state in hidden_states(["[X]. a lake", "[V]. a lake"]):
            unet(z, 500, state[None])
    assert not torch.equal(*seen)


def test_scheduler_starts_at_noise_and_ends_near_the_image():
    scheduler = build_scheduler()
    scheduler.set_timesteps(8)
    assert scheduler.timesteps[0] == 999
    assert scheduler.alphas_cumprod[999].item() == 0
    last = scheduler.alphas_cumprod[scheduler.timesteps[-1]]
    assert ((1 - last) / last).sqrt().item() < 0.25
