"""DAPE, the eye of SeeSR (Wu et al., CVPR 2024, section 3.2): RAM (Zhang et al., "Recognize Anything", CVPRW 2024) tuned to read
degraded images as it reads the clean ones.

RAM is a Swin-L image encoder and a small tagging head; DAPE.pth is a low-rank change of the queries, keys and values of both. The
encoder is transformers' own; official names are mapped to its names on loading, and the change is merged.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import SwinConfig, SwinModel

from rapsr_core.hosts.networks.seesr import IMAGE_WIDTH, ImageReading
from rapsr_core.priors.checkpoints import CheckpointError, below, fill, read_weights, unpickled

SIDE_PX = 384
"""Of the square it looks at."""

HEADS = 4
"""Of the tagging head's attention (ram/configs/q2l_config.json); every other size of RAM follows from its weights."""

MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of RGB, as ImageNet's."""

RANK = 8
"""Of DAPE's changes, which are scaled by 1 / RANK: the alpha of its library (loralib) is 1 unless given."""

ENCODER_NAMES = (
    (r"^patch_embed\.proj\.", "embeddings.patch_embeddings.projection."),
    (r"^patch_embed\.norm\.", "embeddings.norm."),
    (r"^layers\.", "encoder.layers."),
    (r"\.norm1\.", ".layernorm_before."),
    (r"\.norm2\.", ".layernorm_after."),
    (r"\.attn\.proj\.", ".attention.o_proj."),
    (r"\.attn\.relative_position_bias_table$", ".attention.relative_position_bias.relative_position_bias_table"),
    (r"^norm\.", "layernorm."),
)
"""Official name -> transformers' (5.x), patterns and replacements; `attn.qkv` is split besides."""

TELLING = ("visual_encoder.patch_embed.proj.weight", "tagging_head.encoder.layer.0.intermediate.dense.weight", "label_embed")
"""Weights that sizes are read off."""

COMPUTED = r"\.(relative_position_index|attn_mask)$"
"""Entries of the official file that are not weights: tables that follow from the sizes."""


class TaggingLayer(nn.Module):
    """Cross attention of label queries to the image, then a feed-forward layer, each followed by its normalisation (as in BERT)."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        projections = {"query": nn.Linear(width, width)} | {name: nn.Linear(IMAGE_WIDTH, width) for name in ("key", "value")}
        self.crossattention = nn.ModuleDict({"self": nn.ModuleDict(projections), "output": _added(width, width)})
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(width, inner)})
        self.output = _added(inner, width)

    def forward(self, labels: Tensor, image: Tensor) -> Tensor:
        """labels (B, tags, width), image states (B, tokens, 512) -> (B, tags, width)."""
        projected = self.crossattention["self"]
        sources = {"query": labels, "key": image, "value": image}
        q, k, v = (projected[name](x).unflatten(-1, (HEADS, -1)).transpose(1, 2) for name, x in sources.items())
        seen = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        labels = _add(self.crossattention["output"], seen, labels)
        return _add(self.output, F.gelu(self.intermediate["dense"](labels)), labels)


class TaggingHead(nn.Module):
    """RAM's: one learned query for each tag. Names are the official ones."""

    def __init__(self, tags: int, layers: int, width: int, inner: int) -> None:
        super().__init__()
        self.label_embed = nn.Parameter(torch.zeros(tags, IMAGE_WIDTH))
        self.wordvec_proj = nn.Linear(IMAGE_WIDTH, width)
        stack = nn.ModuleList(TaggingLayer(width, inner) for _ in range(layers))
        self.tagging_head = nn.ModuleDict({"encoder": nn.ModuleDict({"layer": stack})})
        self.fc = nn.Linear(width, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Image states (B, tokens, 512) -> logits (B, tags)."""
        labels = F.relu(self.wordvec_proj(self.label_embed)).expand(len(image), -1, -1)
        for layer in self.tagging_head["encoder"]["layer"]:
            labels = layer(labels, image)
        return self.fc(labels).squeeze(-1)


@dataclass(frozen=True)
class DAPE:
    """An `ImageReader`. `tags` and their `thresholds` (of the probability) belong to the rows of the head's `label_embed`."""

    encoder: SwinModel
    projection: nn.Linear
    head: TaggingHead
    tags: Sequence[str]
    thresholds: Tensor

    def __call__(self, lq: Tensor) -> ImageReading:
        """Read images (B, 3, h, w), sRGB in [0, 1], of any size.

        States: the mean over all sites, then the sites, of a square of 384 px (145 tokens). Bilinear without antialiasing, as
        torchvision resized tensors when this was published.
        """
        side = self.encoder.config.image_size
        square = F.interpolate(lq.float(), size=(side, side), mode="bilinear", antialias=False)
        mean, spread = (torch.tensor(rgb).to(square).view(1, 3, 1, 1) for rgb in (MEAN, SPREAD))
        sites = self.encoder((square - mean) / spread).last_hidden_state
        states = self.projection(torch.cat([sites.mean(1, keepdim=True), sites], 1))
        present = self.head(states).sigmoid().cpu() > self.thresholds
        return ImageReading(states, [[tag for tag, there in zip(self.tags, row, strict=True) if there] for row in present])


def load_dape(
    ram: Path | Mapping[str, Tensor],
    dape: Path | Mapping[str, Tensor],
    tags: Sequence[str],
    thresholds: Sequence[float],
    *,
    side_px: int = SIDE_PX,
    device: str | torch.device = "cpu",
) -> DAPE:
    """From `ram_swin_large_14m.pth` and `DAPE.pth` or their state dicts, in float32. Both hold captioning parts, too, which are not read.

    `tags` and `thresholds`: RAM's ram_tag_list.txt and ram_tag_list_threshold.txt, in the order of its labels.
    Raises CheckpointError when names or shapes differ.
    """
    weights = _merged(_read_ram(ram), read_weights(dape))
    seen = below(weights, "visual_encoder.")
    network = SwinModel(swin_config(seen, side_px), add_pooling_layer=False).to(device)  # not on the meta device: it has tables
    head = tagging_head(weights)
    needed = {name: weights[name] for name in head.state_dict() if name in weights}
    if not len(tags) == len(thresholds) == len(head.label_embed):
        raise CheckpointError(
            f"RAM has {len(head.label_embed)} labels, but there are {len(tags)} tags and {len(thresholds)} thresholds"
        )
    return DAPE(
        fill(network, _encoder_weights(seen), device=device, dtype=torch.float32),
        fill(nn.Linear(network.num_features, IMAGE_WIDTH), below(weights, "image_proj."), device=device, dtype=torch.float32),
        fill(head, needed, device=device, dtype=torch.float32),
        tags,
        torch.tensor(thresholds),
    )


def swin_config(official: Mapping[str, Tensor], side_px: int) -> SwinConfig:
    """Configuration of an encoder with these official weights (Swin-L in RAM's file), for squares of `side_px`."""
    tables = {name: tensor for name, tensor in official.items() if name.endswith("relative_position_bias_table")}
    stages: list[list[int]] = []
    for name, table in tables.items():
        stage = int(name.split(".")[1])  # layers.STAGE.blocks.BLOCK.attn. ...
        stages += [[] for _ in range(stage + 1 - len(stages))]
        stages[stage].append(table.shape[1])
    embedding = official["patch_embed.proj.weight"]
    return SwinConfig(
        image_size=side_px,
        patch_size=embedding.shape[-1],
        embed_dim=len(embedding),
        depths=[len(blocks) for blocks in stages],
        num_heads=[blocks[0] for blocks in stages],
        window_size=(math.isqrt(len(next(iter(tables.values())))) + 1) // 2,  # the table has (2 w - 1)^2 rows
    )


def tagging_head(official: Mapping[str, Tensor]) -> TaggingHead:
    """A head of the sizes of these official weights, its own weights random."""
    inner = [tensor for name, tensor in official.items() if re.search(r"^tagging_head\..*\.intermediate\.dense\.weight$", name)]
    return TaggingHead(len(official["label_embed"]), len(inner), *reversed(inner[0].shape))


def _read_ram(source: Path | Mapping[str, Tensor]) -> dict[str, Tensor]:
    stored = {"model": source} if isinstance(source, Mapping) else unpickled(source)
    weights = stored.get("model", {}) if isinstance(stored, dict) else {}
    weights = {name.replace("vision_multi", "tagging_head"): tensor for name, tensor in weights.items()}
    if lacking := [name for name in TELLING if name not in weights]:
        raise CheckpointError(
            f"this is not RAM's checkpoint: under 'model' it must hold weights, among them {', '.join(lacking)}"
        )
    return weights


def _merged(weights: Mapping[str, Tensor], changes: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights with the low-rank changes of encoder and tagging head: W + B A / RANK.

    The encoder's queries, keys and values are one matrix whose first and last third are changed, by halves of A and B (loralib's
    MergedLinear with [True, False, True]).
    """
    changed = dict(weights)
    for name, down in changes.items():
        base = name.removesuffix("lora_A") + "weight"
        if not name.endswith(".lora_A") or not name.startswith(("visual_encoder.", "tagging_head.")):
            continue
        if base not in weights:
            raise CheckpointError(f"DAPE changes {base}, which RAM's checkpoint does not have")
        up = changes[name.removesuffix("A") + "B"]
        if len(down) == RANK:
            change = up @ down
        else:
            queries, values = (b @ a for a, b in zip(down.chunk(2), up.chunk(2), strict=True))
            change = torch.cat([queries, torch.zeros_like(queries), values])
        changed[base] = weights[base] + change / RANK
    return changed


def _encoder_weights(official: Mapping[str, Tensor]) -> dict[str, Tensor]:
    named: dict[str, Tensor] = {}
    for name, tensor in official.items():
        if re.search(COMPUTED, name):
            continue
        for pattern, ours in ENCODER_NAMES:
            name = re.sub(pattern, ours, name)
        if ".attn.qkv." in name:
            parts = zip("qkv", tensor.chunk(3), strict=True)
            named |= {name.replace(".attn.qkv.", f".attention.{letter}_proj."): part for letter, part in parts}
        else:
            named[name] = tensor
    return named


def _added(inputs: int, width: int) -> nn.ModuleDict:
    """What BERT ends a branch with: a linear layer, and the normalisation of its sum with what went in."""
    return nn.ModuleDict({"dense": nn.Linear(inputs, width), "LayerNorm": nn.LayerNorm(width, eps=1e-12)})


def _add(end: nn.ModuleDict, branch: Tensor, entered: Tensor) -> Tensor:
    return end["LayerNorm"](end["dense"](branch) + entered)
