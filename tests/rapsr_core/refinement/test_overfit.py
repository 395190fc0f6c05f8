"""Four images learnt by heart: the loss falls, and each identifier brings back its own target."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from rapsr_core.degradation import degrade, preset
from rapsr_core.images import resize
from rapsr_core.priors import SpaceToDepthCodec, load_prior
from rapsr_core.priors.embedded import TINY, build_codec, build_text_encoder, build_unet, save_embedded
from rapsr_core.refinement.methods import let_learn
from rapsr_core.refinement.patch_task import PatchTask
from rapsr_core.refinement.samples import Material, Ropo, published
from rapsr_core.refinement.texts import SampleTexts
from rapsr_core.training.loop import LoopSettings, Trainer
from rapsr_core.training.objective import draw
from rapsr_core.training.patches import Batch, noise_level

SIDE_PX, STEPS = 80, 260
CONFIG = replace(TINY, block_channels=(48, 64), norm_groups=8)


class FourImages:
    """Samples of four images, their LQ's bicubic enlargement as the guide; a function of the sample number."""

    def __init__(self, ropo: Ropo) -> None:
        self.ropo, self.codec = ropo, SpaceToDepthCodec()
        small = torch.rand(4, 3, 20, 20, generator=torch.Generator().manual_seed(0))
        self.clean = resize(small, (SIDE_PX, SIDE_PX))
        self.lq = degrade(self.clean, preset("seesr_mild"), [1, 2, 3, 4]).image
        self.guides = resize(self.lq, (SIDE_PX, SIDE_PX))

    def batch(self, first: int, count: int) -> Batch:
        rngs = [np.random.default_rng([5, first + k]) for k in range(count)]
        which = [(first + k) % 4 for k in range(count)]
        materials = [Material(self.clean[k : k + 1], lambda k=k: self.lq[k : k + 1], ()) for k in which]
        chosen = [self.ropo.choose(f"picture {k}", m, rng) for k, m, rng in zip(which, materials, rngs, strict=True)]
        shape = (self.codec.channels, SIDE_PX // 4, SIDE_PX // 4)
        return Batch(
            target=torch.cat([target for target, _ in chosen]),
            guide=self.guides[which],
            lq=self.guides[which],
            has_guide=torch.ones(count, dtype=torch.bool),
            noise=torch.stack([torch.from_numpy(rng.standard_normal(shape, dtype=np.float32)) for rng in rngs]),
            timesteps=torch.from_numpy(noise_level(np.array([rng.random() for rng in rngs]), 0.5) * 999).round().long(),
            texts=[text for _, text in chosen],
            shift=(0, 0),
        )


def psnr(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return -10 * (a - b).square().mean(dim=(1, 2, 3)).log10()


def test_each_identifier_brings_back_its_target(tmp_path: Path) -> None:
    torch.manual_seed(0)
    save_embedded(tmp_path / "prior", build_unet(CONFIG), build_text_encoder(CONFIG), build_codec(CONFIG))
    prior = load_prior(tmp_path / "prior")
    let_learn(prior.unet, "full", 0, [])
    ropo = Ropo(published(negative_share=0.5), drop_text_share=0.0)
    samples = FourImages(ropo)
    task = PatchTask(prior, samples, samples, ropo, SampleTexts(prior.text), plain=True)
    with torch.no_grad():
        before = task.loss(100_000, 64)[0].item()
    settings = LoopSettings(
        steps=STEPS, batch_size=8, learning_rate=3e-3, warmup_steps=20, weight_decay=0.0, mixed_precision="no", decay_from=0.3
    )
    Trainer(task, settings, tmp_path / "run").run()
    with torch.no_grad():
        after = task.loss(100_000, 64)[0].item()
    assert after < before / 5
    found = {
        row.text: draw(
            prior.unet,
            samples.codec,
            prior.scheduler,
            replace(
                samples.batch(0, 4),
                noise=torch.randn(4, 48, SIDE_PX // 4, SIDE_PX // 4, generator=torch.Generator().manual_seed(9)),
            ),
            prior.text.encode([f"{row.text}picture {k}" for k in range(4)]).states,
        )
        for row in ropo.identifiers
    }
    degraded = torch.cat([ropo_target(samples, k) for k in range(4)])
    for text, own, other in (("[X]. ", samples.clean, degraded), ("[V]. ", degraded, samples.clean)):
        assert (psnr(found[text], own) > psnr(found[text], other) + 6).all(), (
            text,
            psnr(found[text], own),
            psnr(found[text], other),
        )


def ropo_target(samples: FourImages, k: int) -> torch.Tensor:
    """The mean of the three ways of resizing back: what a network can learn of a target drawn from them."""
    modes = ("area", "bilinear", "bicubic")
    return torch.stack(
        [torch.nn.functional.interpolate(samples.lq[k : k + 1], size=(SIDE_PX, SIDE_PX), mode=m).clamp(0, 1) for m in modes]
    ).mean(0)
