"""Steps/s of the refinement's loop against the loop of diffusers' `train_text_to_image_lora.py`, same tiny model and batch, one run.

    python tests/bench/refinement.py [--steps 60]

Both train a LoRA of rank 4 on the attention of a small SD-2.1-shaped UNet, on images in memory, in float32 on one thread. The other loop
does what the example does in every step (encode the image, draw noise and timesteps, encode the text, forward, backward, clip, step,
schedule); ours adds its moving average, and the two take turns, so that noise of the machine meets both.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from accelerate import Accelerator
from diffusers.optimization import get_scheduler

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))
from tiny_priors import save_tiny

from rapsr_core.images import save_png
from rapsr_core.priors import Prior, load_prior
from rapsr_core.refinement.latents import LatentCache
from rapsr_core.refinement.methods import let_learn
from rapsr_core.refinement.photo_samples import PhotoBatch, PhotoSampler
from rapsr_core.refinement.photo_task import PhotoTask
from rapsr_core.refinement.samples import Ropo, published
from rapsr_core.refinement.texts import SampleTexts
from rapsr_core.training.loop import LoopSettings, Trainer
from rapsr_core.training.photos import Photo

BATCH, SIDE_PX, RATE, TURNS = 4, 128, 1e-4, 6


class InMemory(PhotoSampler):
    """The same batch for every step: reading and degrading photographs is neither loop's affair."""

    def batch(self, first: int, count: int) -> PhotoBatch:
        if not hasattr(self, "_batch"):
            object.__setattr__(self, "_batch", super().batch(0, count))
        return self._batch


def prior_with_lora(folder: Path) -> Prior:
    prior = load_prior(folder)
    torch.manual_seed(0)
    let_learn(prior.unet, "lora", 4, ["attention"])
    prior.unet.train()
    return prior


def ours(prior: Prior, sampler: PhotoSampler, folder: Path) -> Callable[[], object]:
    settings = LoopSettings(
        steps=10**6, batch_size=BATCH, learning_rate=RATE, warmup_steps=0, lr_schedule="constant", mixed_precision="no"
    )
    return Trainer(
        PhotoTask(prior, sampler, LatentCache(prior.autoencoder), SampleTexts(prior.text)), settings, folder
    ).train_step


def diffusers_example(prior: Prior, batch: PhotoBatch) -> Callable[[], object]:
    """One step of the example: its lines from `latents = vae.encode(...)` to `optimizer.zero_grad()`."""
    accelerator = Accelerator(cpu=True)
    unet, vae, scheduler = prior.unet, prior.autoencoder.vae, prior.scheduler
    tokenizer, encoder = prior.text.tokenizers[0], prior.text.encoders[0]
    layers = [p for p in unet.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(layers, lr=RATE)
    unet, optimizer, rates = accelerator.prepare(unet, optimizer, get_scheduler("constant", optimizer))
    pixels = 2 * batch.target - 1
    ids = tokenizer(batch.texts, padding="max_length", truncation=True, return_tensors="pt").input_ids

    def step() -> None:
        with accelerator.accumulate(unet):
            latents = vae.encode(pixels).latent_dist.sample() * vae.config.scaling_factor
            noise = torch.randn_like(latents)
            timesteps = torch.randint(0, scheduler.config.num_train_timesteps, (len(latents),))
            noisy = scheduler.add_noise(latents, noise, timesteps)
            states = encoder(ids, return_dict=False)[0]
            target = scheduler.get_velocity(latents, noise, timesteps)
            predicted = unet(noisy, timesteps, states, return_dict=False)[0]
            loss = F.mse_loss(predicted.float(), target.float(), reduction="mean")
            accelerator.gather(loss.repeat(BATCH)).mean()
            accelerator.backward(loss)
            accelerator.clip_grad_norm_(layers, 1.0)
            optimizer.step()
            rates.step()
            optimizer.zero_grad()
        loss.detach().item()

    return step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=60, help="of each loop [60]")
    args = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save_tiny("sd21", folder / "prior")
        image = torch.from_numpy(np.random.default_rng(0).random((1, 3, 160, 160), dtype=np.float32))
        save_png(image, folder / "a.png")
        prior = prior_with_lora(folder / "prior")
        sampler = InMemory(
            photos=[Photo("a.png", folder / "a.png")],
            captions={"a.png": "a picture"},
            ropo=Ropo(published(negative_share=0.0)),
            resolution_px=SIDE_PX,
            latent=(prior.autoencoder.channels, prior.autoencoder.block_px),
            timesteps=1000,
            seed=0,
        )
        loops = {
            "ours": ours(prior, sampler, folder / "run"),
            "diffusers": diffusers_example(prior_with_lora(folder / "prior"), sampler.batch(0, BATCH)),
        }
        seconds = dict.fromkeys(loops, 0.0)
        for loop in loops.values():
            loop()
        for _ in range(TURNS):
            for label, loop in loops.items():
                began = time.perf_counter()
                for _ in range(args.steps // TURNS):
                    loop()
                seconds[label] += time.perf_counter() - began
    steps = args.steps // TURNS * TURNS
    for label, spent in seconds.items():
        print(f"{label:10s} {steps / spent:6.2f} steps/s")
    print(f"ours / diffusers: {seconds['diffusers'] / seconds['ours']:.2f}")


if __name__ == "__main__":
    main()
