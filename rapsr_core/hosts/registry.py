"""The hosts as a table: a new host is one file and one row."""

from __future__ import annotations

from typing import Any

from rapsr_core.hosts.info import HostInfo, Setting, same
from rapsr_core.hosts.prompting import OFFICIAL_PROMPTS, osediff, pasd, seesr
from rapsr_core.hosts.row_parts import (
    CONTROL_SCALE,
    DIFFBIR,
    ON_DIFFBIR,
    PASD_REPOSITORY,
    RAM,
    SEESR_REPOSITORY,
    START_FROM_PICTURE,
    TILE_REPOSITORY,
    ircontrolnet,
    model_folder,
    sixteen_at_the_end,
)
from rapsr_core.recipe import Recipe, RecipeError
from rapsr_core.sampling import official_tiling
from rapsr_core.sampling.guidance import all_but_last, constant_over, positive_alone
from rapsr_core.sampling.tile_choice import MemoryNeed
from rapsr_core.weights import Weights

HOSTS = {
    row.name: row
    for row in (
        HostInfo(
            name="embedded",
            label="Embedded upscaler",
            prior="embedded",
            steps=1,
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
            settings=(
                Setting(
                    "noise_scale", "Noise scale", 0.9, 0.0, 1.0, 0.05,
                    "Strength of the start noise. 1 invents most texture, and grain with it; lower stays closer to the guide.",
                ),
            ),
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
                CONTROL_SCALE,
            ),
            parity="diffusers' StableDiffusionControlNetImg2ImgPipeline, same seed",
        ),
        HostInfo(
            name="seesr",
            label="SeeSR",
            prior="sd21-base",  # SeeSR's own is 2-base, with the same text encoder and codec; its UNet brings all weights of its own
            steps=50,
            guidance_scale=5.5,
            positive=OFFICIAL_PROMPTS["SeeSR"].added,
            negative=OFFICIAL_PROMPTS["SeeSR"].negative or "",
            scheduler="DDPM, leading",
            start="the enlarged LQ's latent, noised to t = 999",
            colour_fix="adain",
            takes_guide=False,
            pass_seconds=13.5,  # ControlNet tile's, by FLOPs (10.6 of 6.4 T)
            passes=same(1),
            guidance=constant_over,
            code_licence="Apache-2.0",
            weights_licence="Apache-2.0; trained on SD 2-base, CreativeML OpenRAIL++-M",
            refinement="full of SD 2.1-base replaces all vanilla weights, as RAP-SR published it; delta and LoRA add to SeeSR's, which are "
            "2-base's. The image attention, the ControlNet and DAPE are never touched",
            module="rapsr_core.hosts.seesr",
            weights=(
                *model_folder("SeeSR UNet", "seesr/unet", 4.5, "Apache-2.0", SEESR_REPOSITORY, "seesr/unet"),
                *model_folder("SeeSR ControlNet", "seesr/controlnet", 2.0, "Apache-2.0", SEESR_REPOSITORY, "seesr/controlnet"),
                Weights(
                    "DAPE", "seesr/DAPE.pth", 0.007, "Apache-2.0",
                    ((SEESR_REPOSITORY, "DAPE.pth"), ("alexnasa/SEESR", "DAPE.pth")),
                ),
                *RAM,
            ),
            settings=(CONTROL_SCALE,),
            prompt=seesr,
            captions="host",
            tiling=official_tiling.SEESR,
            tile_px=768,
            parity="cswry/SeeSR on tiny random weights: UNet, ControlNet, DAPE and RAM's tagging head, its loop whole and tiled, texts, "
            "AdaIN, all official keys. Not compared: trained weights. Text encoder and codec are SD 2.1-base's, not 2-base's; sides are "
            "padded to a multiple of 8 px, not stretched",
        ),
        HostInfo(
            name="pasd",
            label="PASD (SD 1.5)",
            prior="sd15",
            steps=20,
            guidance_scale=9.0,
            positive=OFFICIAL_PROMPTS["PASD"].added,
            negative=OFFICIAL_PROMPTS["PASD"].negative or "",
            scheduler="UniPC, linspace",
            start="the enlarged LQ's latent, noised twice: to the first step and again",
            colour_fix="wavelet",
            takes_guide=False,
            pass_seconds=12.0,  # in the same way (9.5 T)
            passes=same(1),
            guidance=constant_over,
            code_licence="Apache-2.0",
            weights_licence="Apache-2.0; trained on SD 1.5, CreativeML OpenRAIL-M",
            refinement="LoRA or delta of SD 1.5 add to PASD's vanilla weights, full replaces them; pixel attention and ControlNet are never "
            "touched. RAP-SR publishes no SD 1.5 refinement: train one here",
            module="rapsr_core.hosts.pasd",
            weights=(
                *model_folder("PASD UNet", "pasd/unet", 4.4, "Apache-2.0", PASD_REPOSITORY, "pasd/checkpoint-100000/unet"),
                *model_folder(
                    "PASD ControlNet", "pasd/controlnet", 1.4, "Apache-2.0", PASD_REPOSITORY, "pasd/checkpoint-100000/controlnet"
                ),
            ),
            settings=(
                CONTROL_SCALE,
                Setting(
                    "added_noise", "Added noise", 0, 0, 999, 1,
                    "Timestep the start is noised to once more; more invents more. 0 = the last step's, what the published 900 comes to.",
                ),
            ),
            prompt=pasd,
            tiling=official_tiling.PASD,
            tile_px=2560,
            parity="yangxy/PASD on tiny random weights: UNet and ControlNet, its loop whole and tiled, texts, wavelet, all official keys. Not "
            "compared: trained weights. x4, where its script enlarges by 1 unless told; sides are padded to a multiple of 8 px, not "
            "stretched; captions are the studio's, not CoCa's",
        ),
        HostInfo(
            name="stablesr",
            label="StableSR",
            prior="sd21-base",
            steps=200,
            guidance_scale=1.0,
            positive="",
            negative="",
            scheduler="DDPM, respaced: evenly from t = 999 to 0",
            start="noise",
            colour_fix="adain",
            takes_guide=False,
            pass_seconds=10.0,
            passes=same(1),
            guidance=constant_over,
            code_licence="Apache-2.0, made from the paper; the official code is S-Lab 1.0 (non-commercial) and not used",
            weights_licence="S-Lab License 1.0 (non-commercial)",
            refinement="LoRA or delta of SD 2.1-base, on which StableSR's own UNet stands unchanged; full replaces all of it but SPADE. "
            "As published there is no guidance, so the negative identifier acts only at a guidance scale above 1",
            module="rapsr_core.hosts.stablesr",
            parity="networks, sampler, guidance and tiles against the official code's (random weights). Not compared: trained weights. "
            "Not built: the CFW decoder; the prior's VAE decodes, which is dec_w 0 (published: 0.5)",
            weights=(
                Weights("StableSR", "stablesr/stablesr_000117.ckpt", 5.6, "S-Lab License 1.0", (("Iceclear/StableSR", "stablesr_000117.ckpt"),)),
            ),
            settings=(START_FROM_PICTURE,),
            captions="nobody",
            tiling=official_tiling.STABLESR,
            tile_px=512,
        ),
        HostInfo(
            name="diffbir-v1",
            label="DiffBIR v1",
            guidance_scale=1.0,
            negative="",
            refinement=f"{ON_DIFFBIR}. As published there is no guidance, so the negative identifier acts only at a guidance scale above 1",
            weights=(ircontrolnet("DiffBIR v1", "v1_general.pth"),),
            **DIFFBIR,
        ),
        HostInfo(
            name="diffbir-v2",
            label="DiffBIR v2",
            guidance_scale=4.0,
            negative=OFFICIAL_PROMPTS["DiffBIR"].negative or "",
            refinement=ON_DIFFBIR,
            weights=(ircontrolnet("DiffBIR v2", "v2.pth"),),
            **DIFFBIR,
        ),
        HostInfo(
            name="osediff",
            label="OSEDiff (one step)",
            prior="sd21-base",
            steps=1,
            guidance_scale=1.0,
            positive="",
            negative="",
            scheduler="DDPM, trailing: one step at t = 999",
            start="the enlarged LQ's latent, not noised",
            colour_fix="adain",
            takes_guide=False,
            pass_seconds=10.0,
            passes=same(1),
            guidance=positive_alone,
            code_licence="Apache-2.0",
            weights_licence="Apache-2.0",
            refinement="LoRA, full or delta of SD 2.1-base, as if merged before OSEDiff's adapters; conv_in is OSEDiff's own. Its positive "
            "identifier leads the text; there is no negative branch, so the negative one cannot act",
            module="rapsr_core.hosts.osediff",
            parity="UNet, its one step and the adapters' merge against the official code's (random weights), texts exactly, VAE "
            "adapters against peft's. Not compared: trained weights; DAPE's tags (the studio's captioner writes them); the VAE is tiled "
            "as diffusers does, and an LQ under 128 px is not enlarged first",
            weights=(
                Weights(
                    "OSEDiff", "osediff/osediff.pkl", 0.02, "Apache-2.0",
                    url="https://github.com/cswry/OSEDiff/raw/main/preset/models/osediff.pkl",
                ),
            ),
            prompt=osediff,
            tiling=official_tiling.SEESR,
            tile_px=768,
            max_steps=1,
            negative_branch=False,
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
