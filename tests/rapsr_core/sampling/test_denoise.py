import copy
from dataclasses import replace

import pytest
import torch
from diffusers import DDIMScheduler, DDPMScheduler, EulerDiscreteScheduler, SchedulerMixin, UniPCMultistepScheduler
from torch import Tensor

from rapsr_core.priors.embedded import build_scheduler
from rapsr_core.sampling.contract import Condition, Part, Text
from rapsr_core.sampling.denoise import Plan, Step, clean_estimate, denoise, walk
from rapsr_core.sampling.guidance import constant
from rapsr_core.sampling.noise import ImageNoise
from rapsr_core.sampling.tiling import Tile, tiles

NOISE = ImageNoise(3)
WHOLE = (Tile(0, 12, 0, 16),)
STABLE_DIFFUSION = DDIMScheduler(set_alpha_to_one=False, clip_sample=False, steps_offset=1)  # its last step is not z0
SCHEDULERS = [build_scheduler(), STABLE_DIFFUSION, DDPMScheduler(), EulerDiscreteScheduler(), UniPCMultistepScheduler()]
named = pytest.mark.parametrize("scheduler", SCHEDULERS, ids=lambda s: f"{type(s).__name__}-{s.config.prediction_type}")


def finished(host, condition: Condition, texts: tuple[Text, Text], plan: Plan, noise: ImageNoise = NOISE) -> Tensor:
    return list(denoise(host, condition, *texts, plan, noise))[-1].z0


@named
@pytest.mark.parametrize("scale", [1.0, 2.5])
def test_equals_a_plain_diffusers_loop_bit_for_bit(toy, condition, texts, scheduler: SchedulerMixin, scale: float) -> None:
    host, plain = toy(scheduler), copy.deepcopy(scheduler)
    plain.set_timesteps(5)
    z = NOISE.draw("start", (1, 3, 12, 16)) * plain.init_noise_sigma
    for i, t in enumerate(plain.timesteps):
        positive, negative = (host.predict(plain.scale_model_input(z, t), t, text, condition) for text in texts)
        output = positive if scale == 1 else negative + scale * (positive - negative)
        draws = {} if isinstance(plain, UniPCMultistepScheduler) else {"generator": NOISE.generator(f"step/{i}")}
        z = plain.step(output, t, z, **draws).prev_sample
    assert torch.equal(finished(host, condition, texts, Plan(5, constant(scale), WHOLE)), z)


@named
def test_replays_whatever_else_is_drawn(toy, condition, texts, scheduler: SchedulerMixin) -> None:
    plan, results = Plan(4, constant(2.0), WHOLE), []
    for seed in (0, 1):
        torch.manual_seed(seed)
        results.append(finished(toy(scheduler), condition, texts, plan))
    assert torch.equal(*results)
    assert not torch.equal(results[0], finished(toy(scheduler), condition, texts, plan, ImageNoise(4)))


def test_steps_are_numbered_and_estimates_settle(toy, condition, texts) -> None:
    steps: list[Step] = list(denoise(toy(build_scheduler()), condition, *texts, Plan(4, constant(1.0), WHOLE), NOISE))
    assert [(s.i, s.n, s.t) for s in steps] == [(1, 4, 999), (2, 4, 749), (3, 4, 499), (4, 4, 249)]
    assert all(s.z0.shape == (1, 3, 12, 16) and s.z0.dtype == torch.float32 for s in steps)


def test_guidance_1_evaluates_one_branch_and_never_the_negative(toy, condition, texts) -> None:
    host, plan = toy(build_scheduler()), Plan(4, constant(1.0), WHOLE)
    one = finished(host, condition, texts, plan)
    assert len(host.predicted) == 4
    assert torch.equal(one, finished(host, condition, (texts[0], Text(torch.full((1, 1, 1), torch.nan))), plan))
    host.predicted.clear()
    finished(host, condition, texts, replace(plan, guidance=constant(1.2)))
    assert len(host.predicted) == 8


def test_a_schedule_chooses_where_to_guide(toy, condition, texts) -> None:
    host = toy(build_scheduler())
    finished(host, condition, texts, Plan(4, lambda i, t: 2.0 if t > 500 else None, WHOLE))
    assert [t for t, *_ in host.predicted] == [999, 999, 749, 749, 499, 249]


@pytest.mark.parametrize("rescale", [0.0, 0.7])
def test_tiles_of_a_pixelwise_network_equal_the_whole(toy, condition, texts, rescale: float) -> None:
    """Rescaling reads the whole prediction, so this holds only when guidance comes after stitching."""
    plan, host = Plan(4, constant(2.5), WHOLE, rescale), toy(build_scheduler())
    tiled = replace(plan, windows=tiles((12, 16), 8, 2))
    assert len(tiled.windows) == 6
    result = finished(host, condition, texts, tiled)
    assert set(host.predicted) == {(t, 8, 8) for t in (999, 749, 499, 249)}
    torch.testing.assert_close(result, finished(host, condition, texts, plan), atol=1e-5, rtol=1e-5)


def test_a_tile_may_have_texts_of_its_own(toy, condition, texts) -> None:
    host, windows = toy(build_scheduler()), tiles((12, 16), 8, 2)
    plan = Plan(4, constant(2.5), windows)
    shared = finished(host, condition, texts, plan)
    assert torch.equal(finished(host, condition, texts, replace(plan, tile_texts=[texts] * 6)), shared)
    other = (Text(torch.full((1, 1, 1), 2.0)), texts[1])
    result = finished(host, condition, texts, replace(plan, tile_texts=[other, *[texts] * 5]))
    changed = (result - shared).abs().amax((0, 1)) > 0
    assert changed[:8, :8].any()
    assert not changed[8:].any() and not changed[:, 8:].any()


def test_views_are_made_once_a_tile_for_both_texts(toy, condition, texts) -> None:
    host = toy(build_scheduler())
    finished(host, condition, texts, Plan(3, constant(2.0), tiles((12, 16), 8, 2)))
    assert (host.viewed, len(host.predicted)) == (3 * 6, 3 * 6 * 2)


@pytest.mark.parametrize("windows", [WHOLE, tiles((12, 16), 8, 2)], ids=["whole", "tiles"])
def test_a_step_is_the_mean_of_its_views_and_shows_it_as_it_grows(toy, condition, texts, windows) -> None:
    """Linear in the gain, so that the mean of gains .5 and 1.5 is gain 1, and the first view alone is gain .5."""
    one, several, half = (toy(build_scheduler()) for _ in range(3))
    several.gains, half.gains = (0.5, 1.5), (0.5,)
    plan = Plan(1, constant(2.0), windows)
    events = list(walk(several, condition, *texts, plan, NOISE))
    passes = 2 * len(windows)
    assert [event.share for event in events[:-1]] == pytest.approx([(k + 1) / passes for k in range(passes - 1)])
    assert [event.z0 is not None for event in events[:-1]] == [k + 1 >= len(windows) for k in range(passes - 1)]
    torch.testing.assert_close(events[-1].z0, finished(one, condition, texts, plan))
    torch.testing.assert_close(events[len(windows) - 1].z0, finished(half, condition, texts, plan))


def test_closing_between_two_passes_stops_there(toy, condition, texts) -> None:
    host = toy(build_scheduler())
    host.gains = (1.0,) * 16
    run = walk(host, condition, *texts, Plan(1, constant(1), WHOLE), NOISE)
    next(run)
    run.close()
    assert len(host.predicted) == 1


def test_closing_stops_the_work_and_leaves_the_hosts_scheduler_as_it_was(toy, condition, texts) -> None:
    host = toy(DDPMScheduler())
    before = host.scheduler.timesteps.clone()
    run = denoise(host, condition, *texts, Plan(50, constant(1.0), WHOLE), NOISE)
    next(run)
    next(run)
    run.close()
    assert len(host.predicted) == 2
    assert torch.equal(host.scheduler.timesteps, before)


def test_explicit_timesteps_are_visited(toy, condition, texts) -> None:
    host = toy(DDPMScheduler())
    finished(host, condition, texts, Plan(4, constant(1.0), WHOLE, timesteps=(999, 666, 333, 0)))
    assert [t for t, *_ in host.predicted] == [999, 666, 333, 0]


def test_a_one_step_host_starts_from_an_unnoised_latent(toy, condition, texts) -> None:
    """OSEDiff: z0 = (z - sqrt(1 - a) eps) / sqrt(a) at t = 999, with z the latent of the input."""
    host = toy(DDPMScheduler(clip_sample=False))
    z = torch.randn(1, 3, 12, 16, generator=torch.Generator().manual_seed(0))
    host.start = lambda condition, scheduler, noise: condition["lq"]
    seen = replace(condition, parts={**condition.parts, "lq": Part(z, 4)})
    result = finished(host, seen, texts, Plan(1, constant(1.0), WHOLE, timesteps=(999,)))
    a = host.scheduler.alphas_cumprod[999]
    eps = host.predict(z, torch.tensor(999), texts[0], seen)
    torch.testing.assert_close(result, (z - (1 - a).sqrt() * eps) / a.sqrt(), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("prediction_type", ["sample", "epsilon", "v_prediction"])
def test_the_derived_estimate_is_diffusers_own(prediction_type: str) -> None:
    scheduler = DDIMScheduler(prediction_type=prediction_type, clip_sample=False)
    scheduler.set_timesteps(4)
    z, output = torch.randn(2, 1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    for t in scheduler.timesteps:
        expected = scheduler.step(output, t, z).pred_original_sample
        torch.testing.assert_close(clean_estimate(scheduler, output, t, z), expected)


def test_an_unknown_prediction_type_is_named() -> None:
    scheduler = UniPCMultistepScheduler(prediction_type="flow_prediction")
    with pytest.raises(ValueError, match="prediction_type is 'flow_prediction'"):
        clean_estimate(scheduler, torch.zeros(1), torch.tensor(5), torch.zeros(1))
