"""Tiny diffusers pipelines of the real classes, with random weights, saved as folders: one for each kind of prior."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    ControlNetModel,
    DDIMScheduler,
    DDPMScheduler,
    DiffusionPipeline,
    StableDiffusionPipeline,
    StableDiffusionUpscalePipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from rapsr_core.priors.embedded import VOCABULARY_SIZE, clip_tokenizer

WIDTH = 16


def _unet(**other) -> UNet2DConditionModel:
    given = {
        "in_channels": 4,
        "out_channels": 4,
        "block_out_channels": (16, 32),
        "layers_per_block": 1,
        "norm_num_groups": 8,
        "cross_attention_dim": WIDTH,
        "attention_head_dim": (2, 4),
        "use_linear_projection": True,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
    }
    return UNet2DConditionModel(**(given | other))


def _vae(levels: int) -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=(8,) * levels,
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        latent_channels=4,
        norm_num_groups=4,
        layers_per_block=1,
    )


def _text_config() -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=VOCABULARY_SIZE,
        hidden_size=WIDTH,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        projection_dim=WIDTH,
        bos_token_id=VOCABULARY_SIZE - 2,
        eos_token_id=VOCABULARY_SIZE - 1,
    )


def _scheduler(prediction_type: str = "epsilon", kind: type = DDIMScheduler):
    return kind(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", prediction_type=prediction_type)


def sd21() -> DiffusionPipeline:
    """SD 2.1: linear projections, heads by level; here with v prediction, as the 768 model."""
    return _stable_diffusion(_unet(), "v_prediction")


def sd15() -> DiffusionPipeline:
    """SD 1.5: convolutional projections, one number of heads."""
    return _stable_diffusion(_unet(use_linear_projection=False, attention_head_dim=4), "epsilon")


def _stable_diffusion(unet: UNet2DConditionModel, prediction_type: str, levels: int = 2) -> DiffusionPipeline:
    return StableDiffusionPipeline(
        vae=_vae(levels),
        text_encoder=CLIPTextModel(_text_config()),
        tokenizer=clip_tokenizer(),
        unet=unet,
        scheduler=_scheduler(prediction_type),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def sdxl() -> DiffusionPipeline:
    """SDXL: two encoders, pooled text and sizes in the time embedding."""
    unet = _unet(
        cross_attention_dim=2 * WIDTH,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=WIDTH + 6 * 8,
        transformer_layers_per_block=(1, 2),
    )
    return StableDiffusionXLPipeline(
        vae=_vae(2),
        text_encoder=CLIPTextModel(_text_config()),
        text_encoder_2=CLIPTextModelWithProjection(_text_config()),
        tokenizer=clip_tokenizer(),
        tokenizer_2=clip_tokenizer(),
        unet=unet,
        scheduler=_scheduler(),
    )


def x4_upscaler() -> DiffusionPipeline:
    """SD x4 upscaler: the noised LQ beside the latent, its level as a class; four pixels a latent site."""
    return StableDiffusionUpscalePipeline(
        vae=_vae(3),
        text_encoder=CLIPTextModel(_text_config()),
        tokenizer=clip_tokenizer(),
        unet=_unet(in_channels=7, num_class_embeds=1000),
        low_res_scheduler=_scheduler(kind=DDPMScheduler),
        scheduler=_scheduler("v_prediction"),
        max_noise_level=350,
    )


TINY_PRIORS: dict[str, Callable[[], DiffusionPipeline]] = {"sd21": sd21, "sd15": sd15, "sdxl": sdxl, "x4-upscaler": x4_upscaler}


def tiny_controlnet(unet: UNet2DConditionModel, site_px: int = 2) -> ControlNetModel:
    """A ControlNet of a tiny UNet whose residuals are not zero, as they are before any training; the control has `site_px` a site."""
    channels = (8,) * site_px.bit_length()
    net = ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=channels, load_weights_from_unet=False)
    generator = torch.Generator().manual_seed(1)
    for block in (*net.controlnet_down_blocks, net.controlnet_mid_block, net.controlnet_cond_embedding.conv_out):
        block.weight.data.normal_(0, 0.2, generator=generator)
    return net


def save_tiny(name: str, folder: Path) -> Path:
    """One of TINY_PRIORS as a folder, always with the same weights."""
    torch.manual_seed(0)
    TINY_PRIORS[name]().save_pretrained(folder)
    return folder


def save_sd21_base(folder: Path) -> Path:
    """SD 2.1-base: noise is predicted, and a latent site is 8 px, as in the real one."""
    torch.manual_seed(0)
    _stable_diffusion(_unet(), "epsilon", levels=4).save_pretrained(folder)
    return folder


def save_sd15_f8(folder: Path) -> Path:
    """SD 1.5 with latent sites of 8 px, as in the real one."""
    torch.manual_seed(0)
    unet = _unet(use_linear_projection=False, attention_head_dim=4)
    _stable_diffusion(unet, "epsilon", levels=4).save_pretrained(folder)
    return folder
