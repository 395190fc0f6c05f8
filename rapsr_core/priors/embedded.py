"""The embedded prior: a small diffusion model of stock components over the space-to-depth codec.

UNet input: 48 noisy channels + 48 of the guide + 48 of what the LQ has and the guide has not (`network_input`); output: the clean latent itself (`prediction_type="sample"`, which is what
works when one site is a whole high-dimensional patch: Li and He, "Back to Basics", 2025). The scheduler reaches zero
terminal SNR, so sampling may start from pure noise (Lin et al., "Common Diffusion Noise Schedules ...", WACV 2024).
"""

from __future__ import annotations

import gzip
import importlib.util
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from diffusers import DDIMScheduler, UNet2DConditionModel
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from rapsr_core.priors.codec import SpaceToDepthCodec

VOCABULARY_SIZE = 49408
"""CLIP's byte pairs: 256 bytes + 256 word-final bytes + 48 894 merges + 2 special tokens."""

CODEC = SpaceToDepthCodec()


@dataclass(frozen=True)
class EmbeddedConfig:
    """Sizes of the embedded prior. The defaults are the shipped one; tests build a tiny one of the same classes."""

    block_channels: tuple[int, ...] = (96, 128, 192)
    layers_per_block: int = 1
    attention_heads: tuple[int, ...] = (2, 4, 6)
    text_width: int = 64
    text_layers: int = 3
    text_heads: int = 4
    norm_groups: int = 32
    sees_lq: bool = True  # False: the first shipped prior, which knew of the LQ only what the guide had kept
    codec: SpaceToDepthCodec = CODEC


TINY = EmbeddedConfig(block_channels=(8, 16), attention_heads=(1, 2), text_width=16, text_layers=1, text_heads=2, norm_groups=4)
"""A real instance small enough for a test: about 0.9 M parameters, nearly all of them the vocabulary."""


def clip_tokenizer() -> CLIPTokenizer:
    """CLIP's tokenizer (Radford et al. 2021), 77 tokens, from the byte-pair file inside the `openai-clip` package.

    The package is found, not imported: importing it loads torchvision and pkg_resources.
    """
    spec = importlib.util.find_spec("clip")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("the CLIP byte pairs come with openai-clip: pip install openai-clip")
    path = Path(spec.submodule_search_locations[0]) / "bpe_simple_vocab_16e6.txt.gz"
    lines = gzip.decompress(path.read_bytes()).decode("utf-8").split("\n")
    merges = [tuple(line.split()) for line in lines[1 : VOCABULARY_SIZE - 256 - 2 + 1 - 256]]
    symbols = _byte_symbols()
    tokens = symbols + [s + "</w>" for s in symbols] + ["".join(m) for m in merges] + ["<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(vocab={t: i for i, t in enumerate(tokens)}, merges=merges, model_max_length=77)


def _byte_symbols() -> list[str]:
    """GPT-2's printable stand-ins for the 256 bytes, in CLIP's order (printable ones first)."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    return [chr(b) for b in printable] + [chr(256 + n) for n in range(256 - len(printable))]


def build_unet(config: EmbeddedConfig) -> UNet2DConditionModel:
    """UNet with random weights. Outermost level: convolutions; middle: attends to the text only; innermost: also to itself.

    The text acts twice: by cross-attention, and pooled into the time embedding, which modulates every level
    (`addition_embed_type="text"`, from DeepFloyd IF). With cross-attention alone the network learned to ignore it.

    Self-attention stays at the innermost level because its cost grows with the square of the sites (at 512x512 output the
    middle level has 4096) and because 128-px training patches would teach it distances that inference never meets again.
    """
    latent, depth = config.codec.channels, len(config.block_channels)
    return UNet2DConditionModel(
        in_channels=(3 if config.sees_lq else 2) * latent,
        out_channels=latent,
        block_out_channels=config.block_channels,
        layers_per_block=config.layers_per_block,
        down_block_types=("DownBlock2D",) + ("CrossAttnDownBlock2D",) * (depth - 1),
        up_block_types=("CrossAttnUpBlock2D",) * (depth - 1) + ("UpBlock2D",),
        cross_attention_dim=config.text_width,
        attention_head_dim=config.attention_heads,  # diffusers reads this argument as the NUMBER of heads per level
        only_cross_attention=(True,) * (depth - 1) + (False,),
        mid_block_only_cross_attention=False,
        addition_embed_type="text",
        addition_embed_type_num_heads=config.text_heads,
        norm_num_groups=config.norm_groups,
    )


def network_input(
    unet: UNet2DConditionModel, codec: SpaceToDepthCodec, noisy: Tensor, guide: Tensor | None, lq: Tensor | None
) -> Tensor:
    """(B, 144, h, w): the noisy latent (B, 48, h, w), the guide's features, and the LQ as a latent (relative to the guide).

    `guide`, `lq`: (B, 3, H, W) sRGB in [0, 1] at output size, the LQ enlarged bicubically; both None = zeros, a text-only prior.
    A cleaner removes texture with the noise, and beside the guide the network may take it back. A `unet` of 96 input channels
    gets no LQ.
    """
    parts = [noisy, codec.features(guide, like=noisy)]
    if unet.config.in_channels == 3 * codec.channels:
        parts.append(torch.zeros_like(noisy) if lq is None else codec.encode(lq, guide).to(noisy))
    return torch.cat(parts, 1)


def let_see_lq(unet: UNet2DConditionModel, codec: SpaceToDepthCodec) -> None:
    """Give a UNet of 96 input channels the LQ's 48, with weights of zero: until it is trained it computes what it did."""
    narrow = unet.conv_in
    if narrow.in_channels != 2 * codec.channels:
        return
    wide = torch.nn.Conv2d(3 * codec.channels, narrow.out_channels, narrow.kernel_size, padding=narrow.padding)
    wide.weight.data.zero_()[:, : narrow.in_channels] = narrow.weight.data
    wide.bias.data.copy_(narrow.bias.data)
    unet.conv_in = wide.to(narrow.weight)
    unet.register_to_config(in_channels=wide.in_channels)


def build_text_encoder(config: EmbeddedConfig) -> CLIPTextModel:
    """Small CLIP text encoder with random weights, 77 positions.

    Token embeddings start at unit variance (CLIP: 0.02), as if every token were a random code: a word then survives to
    the output at its own position, although few words are ever trained. At 0.02, `[X]` and `[V]` came out 2 % apart.
    """
    encoder = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=VOCABULARY_SIZE,
            hidden_size=config.text_width,
            intermediate_size=4 * config.text_width,
            num_hidden_layers=config.text_layers,
            num_attention_heads=config.text_heads,
            max_position_embeddings=77,
            projection_dim=config.text_width,
            bos_token_id=VOCABULARY_SIZE - 2,
            eos_token_id=VOCABULARY_SIZE - 1,
        )
    )
    torch.nn.init.normal_(encoder.embeddings.token_embedding.weight, std=1.0)
    return encoder


def build_scheduler() -> DDIMScheduler:
    """DDIM (Song et al. 2021), x0 prediction, zero terminal SNR, trailing spacing: t = 999 is the first step visited.

    Cosine schedule (Nichol and Dhariwal 2021): the last of 8 steps then stands at noise/signal .2 in place of .41 with
    Stable Diffusion's, and what a small network cannot remove in that step stays in the picture.
    """
    return DDIMScheduler(
        num_train_timesteps=1000,
        beta_schedule="squaredcos_cap_v2",
        prediction_type="sample",
        rescale_betas_zero_snr=True,
        timestep_spacing="trailing",
        clip_sample=False,
        set_alpha_to_one=True,
    )


def build_codec(config: EmbeddedConfig) -> SpaceToDepthCodec:
    return config.codec


def save_embedded(folder: Path, unet: UNet2DConditionModel, text_encoder: CLIPTextModel, codec: SpaceToDepthCodec) -> None:
    """Write the prior as a diffusers-style folder, weights in fp16 safetensors."""
    unet.to(torch.float16).save_pretrained(folder / "unet", safe_serialization=True)
    text_encoder.to(torch.float16).save_pretrained(folder / "text_encoder", safe_serialization=True)
    clip_tokenizer().save_pretrained(folder / "tokenizer")
    build_scheduler().save_pretrained(folder / "scheduler")
    codec_facts = {"class": "SpaceToDepthCodec", **asdict(codec)}
    (folder / "codec.json").write_text(json.dumps(codec_facts, indent=2) + "\n")
