"""The published training on tiny pipelines of the real classes."""

from pathlib import Path

import pytest
import torch
from diffusers import DiffusionPipeline
from tiny_priors import TINY_PRIORS, save_tiny

from rapsr_core.images import resize, save_png
from rapsr_core.priors import Prior, load_prior
from rapsr_core.refinement import load_refinement, plugged_in, save_refinement
from rapsr_core.refinement.latents import LatentCache
from rapsr_core.refinement.methods import let_learn
from rapsr_core.refinement.photo_samples import PhotoSampler
from rapsr_core.refinement.photo_task import PhotoTask
from rapsr_core.refinement.samples import Ropo
from rapsr_core.refinement.texts import SampleTexts
from rapsr_core.training.loop import LoopSettings, Trainer
from rapsr_core.training.photos import Photo

SIDE_PX = 96
LORA_PIPELINES = ["sd21", "sd15", "sdxl"]


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> list[Photo]:
    folder = tmp_path_factory.mktemp("pool")
    for k in range(3):
        small = torch.rand(1, 3, 20, 24, generator=torch.Generator().manual_seed(k))
        save_png(resize(small, (120, 144)), folder / f"{k}.png")
    return [Photo(path.name, path) for path in sorted(folder.iterdir())]


def task_of(prior: Prior, pool: list[Photo], latents: Path | None = None, texts_kept: int = 0) -> PhotoTask:
    sampler = PhotoSampler(
        photos=pool,
        captions={photo.name: f"picture {photo.name}" for photo in pool},
        ropo=Ropo(),
        resolution_px=SIDE_PX,
        latent=(prior.autoencoder.channels, prior.autoencoder.block_px),
        timesteps=1000,
        seed=7,
        takes_lq=prior.kind.takes == "lq",
    )
    return PhotoTask(
        prior, sampler, LatentCache(prior.autoencoder, latents), SampleTexts(prior.text), texts_kept=texts_kept, sheet_steps=2
    )


def settings(steps: int) -> LoopSettings:
    return LoopSettings(
        steps=steps, batch_size=2, learning_rate=1e-2, warmup_steps=0, lr_schedule="constant", mixed_precision="no", log_steps=1
    )


@pytest.mark.parametrize("name", list(TINY_PRIORS))
def test_a_few_steps_train_and_a_sheet_is_drawn(name: str, pool: list[Photo], tmp_path: Path) -> None:
    """On every kind of prior; a LoRA starts at zero, so the first loss is the prior's own."""
    prior = load_prior(save_tiny(name, tmp_path / name))
    task = task_of(prior, pool)
    untouched = task.loss(0, 2)[0].item()
    let_learn(prior.unet, "lora", 2, ["attention"])
    trainer = Trainer(task, settings(3), tmp_path / "run")
    assert trainer.train_step()["loss"] == pytest.approx(untouched, rel=1e-5)
    trainer.run()
    assert any(p.abs().max() > 0 for n, p in prior.unet.named_parameters() if "lora_B" in n)
    assert (tmp_path / "run" / "sheet-000003.png").is_file()


@pytest.mark.parametrize("name", LORA_PIPELINES)
def test_plain_diffusers_loads_what_was_trained_and_draws_the_same_as_plugging_in(
    name: str, pool: list[Photo], tmp_path: Path
) -> None:
    prior = load_prior(save_tiny(name, tmp_path / name))
    let_learn(prior.unet, "lora", 2, ["attention", "projections", "convolutions", "feed-forward"])
    Trainer(task_of(prior, pool), settings(3), tmp_path / "run").run()
    save_refinement(tmp_path / "refinement", prior, ("[X]. ", "[V]. "), {"steps": 3})

    pipe = DiffusionPipeline.from_pretrained(tmp_path / name, local_files_only=True)
    pipe.set_progress_bar_config(disable=True)
    before = drawn(pipe)
    fresh = load_prior(tmp_path / name)
    with plugged_in(pipe.unet, load_refinement(tmp_path / "refinement", fresh), 1.0):
        plugged = drawn(pipe)
    pipe.load_lora_weights(tmp_path / "refinement")
    loaded = drawn(pipe)
    assert (loaded - before).abs().max() > 1e-3
    assert (loaded - plugged).abs().max() < 1e-3


def drawn(pipe: DiffusionPipeline) -> torch.Tensor:
    generator = torch.Generator().manual_seed(3)
    sizes = {"height": 32, "width": 32, "num_inference_steps": 2, "guidance_scale": 1.0}
    return torch.from_numpy(pipe("[X]. a cat", generator=generator, output_type="np", **sizes).images)


def test_cached_latents_and_texts_change_no_bit(pool: list[Photo], tmp_path: Path) -> None:
    prior = load_prior(save_tiny("sd21", tmp_path / "sd21"))
    plain, cached = task_of(prior, pool), task_of(prior, pool, tmp_path / "latents", texts_kept=10)
    for _ in range(2):  # written, then read
        assert torch.equal(plain.loss(0, 6)[0], cached.loss(0, 6)[0])
    files = list((tmp_path / "latents").rglob("*.safetensors"))
    assert 0 < len(files) <= len(pool)


def test_every_photograph_once_an_epoch(pool: list[Photo], tmp_path: Path) -> None:
    sampler = task_of(load_prior(save_tiny("sd21", tmp_path / "sd21")), pool).samples
    for epoch in range(3):
        assert {sampler.photo(3 * epoch + k).name for k in range(3)} == {photo.name for photo in pool}


def test_a_sample_does_not_depend_on_its_batch(pool: list[Photo], tmp_path: Path) -> None:
    sampler = task_of(load_prior(save_tiny("x4-upscaler", tmp_path / "x4")), pool).samples
    whole, alone = sampler.batch(0, 4), sampler.batch(2, 1)
    assert whole.texts[2:3] == alone.texts
    for name in ("target", "noise", "posterior_noise", "timesteps"):
        assert torch.equal(getattr(whole, name)[2:3], getattr(alone, name))
    assert whole.lq is not None and alone.lq is not None
    assert torch.equal(whole.lq.image[2:3], alone.lq.image)
    assert whole.lq.image.shape[-1] == SIDE_PX // 4


@pytest.mark.parametrize(("method", "expected"), [("full", "conv_in.weight"), ("attention-only", "attn2.to_q.weight")])
def test_methods(method: str, expected: str, tmp_path: Path) -> None:
    unet = load_prior(save_tiny("sd21", tmp_path / "sd21")).unet
    count = let_learn(unet, method, 4, [])
    learning = [name for name, p in unet.named_parameters() if p.requires_grad]
    assert any(name.endswith(expected) for name in learning)
    assert count == sum(p.numel() for p in unet.parameters() if p.requires_grad)
    assert (count == sum(p.numel() for p in unet.parameters())) == (method == "full")
