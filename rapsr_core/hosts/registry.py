"""The hosts as a table: a new host is one file and one row."""

from __future__ import annotations

from typing import Any

from rapsr_core.hosts.info import HostInfo, Setting, same
from rapsr_core.recipe import Recipe, RecipeError
from rapsr_core.sampling.guidance import all_but_last, constant_over
from rapsr_core.sampling.tile_choice import MemoryNeed
from rapsr_core.weights import Weights

TILE_REPOSITORY = "lllyasviel/control_v11f1e_sd15_tile"


def sixteen_at_the_end(steps: int) -> list[int]:
    """The embedded host: its last step is a mean over all offsets of the codec's 4x4 blocks."""
    return [1] * (steps - 1) + [16]


HOSTS = {
    row.name: row
    for row in (
        HostInfo(
            name="embedded",
            label="Embedded upscaler",
            prior="embedded",
            steps=8,
            guidance_scale=1.5,
            positive="clean, sharp, high quality",
            negative="",
            scheduler="DDIM, trailing, zero terminal SNR",
            start="noise, scaled by noise_scale",
            colour_fix="wavelet",
            takes_guide=True,
            pass_seconds=0.9,
            passes=sixteen_at_the_end,
            guidance=all_but_last,
            code_licence="Apache-2.0",
            weights_licence="CC-BY-SA-4.0",
            refinement="LoRA, full or delta of the embedded prior",
            module="rapsr_core.hosts.embedded",
            parity="ours: there is no other implementation",
            memory=MemoryNeed(image=200, denoise=950, decode=0),
        ),
        HostInfo(
            name="x4-upscaler",
            label="SD x4 upscaler",
            prior="x4-upscaler",
            steps=75,
            guidance_scale=9.0,
            positive="",
            negative="",
            scheduler="the prior's (DDIM, v prediction)",
            start="noise",
            colour_fix="none",
            takes_guide=False,
            pass_seconds=8.0,
            passes=same(1),
            guidance=constant_over,
            code_licence="Apache-2.0",
            weights_licence="CreativeML OpenRAIL++-M",
            refinement="LoRA, full or delta of this very prior",
            module="rapsr_core.hosts.x4_upscaler",
            settings=(
                Setting(
                    "noise_level", "Noise level", 20, 0, 350, 1,
                    "Noise put on the input before the network sees it; more invents more.",
                ),
            ),
            parity="diffusers' StableDiffusionUpscalePipeline, same seed",
            memory=MemoryNeed(image=200, denoise=1700, decode=4800),
        ),
        HostInfo(
            name="controlnet-tile",
            label="ControlNet tile (SD 1.5)",
            prior="sd15",
            steps=32,
            guidance_scale=7.5,
            positive="best quality",
            negative="blur, lowres, bad anatomy, bad hands, cropped, worst quality",
            scheduler="the prior's",
            start="the enlarged LQ's latent, noised to the first step walked",
            colour_fix="none",
            takes_guide=False,
            pass_seconds=8.0,
            passes=same(1),
            guidance=constant_over,
            code_licence="Apache-2.0",
            weights_licence="CreativeML OpenRAIL-M",
            refinement="LoRA, full or delta of SD 1.5; the ControlNet is never touched",
            module="rapsr_core.hosts.controlnet_tile",
            weights=(
                Weights(
                    "ControlNet tile",
                    "controlnet-tile/diffusion_pytorch_model.safetensors",
                    1.4,
                    "CreativeML OpenRAIL-M",
                    ((TILE_REPOSITORY, "diffusion_pytorch_model.safetensors"),),
                ),
                Weights(
                    "ControlNet tile configuration",
                    "controlnet-tile/config.json",
                    0.0,
                    "CreativeML OpenRAIL-M",
                    ((TILE_REPOSITORY, "config.json"),),
                ),
            ),
            settings=(
                Setting(
                    "strength", "Denoising strength", 1.0, 0.05, 1.0, 0.05,
                    "Share of the steps that are walked; less stays closer to the input.",
                ),
                Setting("control_scale", "Control scale", 1.0, 0.0, 2.0, 0.05, "Weight of the ControlNet's residuals."),
            ),
            parity="diffusers' StableDiffusionControlNetImg2ImgPipeline, same seed",
        ),
    )
}  # fmt: skip


def host_info(name: str) -> HostInfo:
    """Row by name. Raises RecipeError that lists the names."""
    if name not in HOSTS:
        raise RecipeError(f"host is {name!r}; it must be one of {', '.join(HOSTS)}")
    return HOSTS[name]


def recipe_from_json(values: dict[str, Any]) -> Recipe:
    """A (partial) JSON recipe, what is left out taken from its host's defaults. Raises RecipeError."""
    given = Recipe.from_json(values)
    row = host_info(given.host)
    defaults = row.recipe(Recipe()).to_json()
    nested = {name: {**defaults[name], **values.get(name, {})} for name in ("baseline", "enhanced")}
    settings = {**defaults["host_settings"], **given.host_settings}
    recipe = Recipe.from_json({**defaults, **values, **nested, "host_settings": settings})
    row.check(recipe)
    return recipe
