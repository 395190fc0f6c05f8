import torch

from rapsr_core.sampling.noise import ImageNoise

SHAPE = (1, 4, 8, 8)


def test_a_field_does_not_depend_on_what_was_drawn_before() -> None:
    forwards, backwards = ImageNoise(7), ImageNoise(7)
    one = {name: forwards.draw(name, SHAPE) for name in ("start", "added")}
    torch.randn(3)
    two = {name: backwards.draw(name, SHAPE) for name in ("added", "start")}
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_seed_name_and_shape_each_make_another_field() -> None:
    noise = ImageNoise(7)
    field = noise.draw("start", SHAPE)
    assert not torch.equal(field, noise.draw("added", SHAPE))
    assert not torch.equal(field, ImageNoise(8).draw("start", SHAPE))
    assert not torch.equal(field.flatten()[:16], noise.draw("start", (1, 4, 8, 9)).flatten()[:16])


def test_fields_are_standard_normal() -> None:
    field = ImageNoise(0).draw("start", (1, 48, 64, 64))
    assert abs(field.mean().item()) < 0.01
    assert abs(field.std().item() - 1) < 0.01


def test_a_generator_replays_and_leaves_torchs_own_alone() -> None:
    state = torch.get_rng_state()
    one, two = (torch.randn(5, generator=ImageNoise(7).generator("step/0")) for _ in range(2))
    assert torch.equal(one, two)
    assert not torch.equal(one, torch.randn(5, generator=ImageNoise(7).generator("step/1")))
    assert torch.equal(state, torch.get_rng_state())
