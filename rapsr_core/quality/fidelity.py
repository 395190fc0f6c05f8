"""Full-reference figures, no border crop: PSNR and SSIM on the luma (Y of BT.601 studio range), LPIPS on RGB."""

from __future__ import annotations

import functools

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from rapsr_core.quality.table import PARAMETERS

CPU = torch.device("cpu")


def luma(image: Tensor) -> Tensor:
    """Y of BT.601 in [16/255, 235/255], as MATLAB's rgb2ycbcr: (B, 3, H, W) in [0, 1] -> (B, 1, H, W)."""
    weights = torch.tensor([65.481, 128.553, 24.966], dtype=torch.float64, device=image.device).view(1, 3, 1, 1)
    return ((image.double() * weights).sum(1, keepdim=True) + 16) / 255


def psnr_y(image: Tensor, reference: Tensor) -> float:
    """Peak signal-to-noise ratio in dB of two (1, 3, H, W) images in [0, 1]; infinite when they are equal."""
    mse = (luma(image) - luma(reference)).square().mean()
    return float(-10 * torch.log10(mse))


def ssim_y(image: Tensor, reference: Tensor) -> float:
    """Mean structural similarity (Wang et al. 2004): 11x11 Gaussian of sigma 1.5, K1 0.01, K2 0.03, valid positions only."""
    axis = torch.arange(11, dtype=torch.float64) - 5
    line = torch.exp(-axis.square() / (2 * 1.5**2))
    window = (line[:, None] * line[None] / line.sum() ** 2).view(1, 1, 11, 11).to(image.device)
    x, y = luma(image) * 255, luma(reference) * 255
    mx, my = F.conv2d(x, window), F.conv2d(y, window)
    vx, vy = F.conv2d(x * x, window) - mx**2, F.conv2d(y * y, window) - my**2
    cov = F.conv2d(x * y, window) - mx * my
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    return float((((2 * mx * my + c1) * (2 * cov + c2)) / ((mx**2 + my**2 + c1) * (vx + vy + c2))).mean())


@functools.cache
def lpips_network(device: torch.device = CPU) -> nn.Module:
    """LPIPS v0.1 (Zhang et al. 2018): two (B, 3, H, W) images in [-1, 1] -> (B, 1, 1, 1); one network for each device.

    Heads from the package `lpips`, imported here; our copy of torchvision's AlexNet convolutions (`features.<layer>.weight|bias`).
    Raises ModuleNotFoundError without that package.
    """
    import lpips

    network = lpips.LPIPS(net="alex", pnet_rand=True, verbose=False)
    layers = dict(network.net.named_modules())
    by_index = {name.rsplit(".", 1)[-1]: module for name, module in layers.items() if isinstance(module, nn.Conv2d)}
    for key, value in load_file(PARAMETERS / "alexnet_features.safetensors").items():
        _, index, kind = key.split(".")
        getattr(by_index[index], kind).data.copy_(value)
    return network.to(device).eval().requires_grad_(False)


def lpips_loss(image: Tensor, reference: Tensor) -> Tensor:
    """LPIPS of (B, 3, H, W) images in [0, 1] -> (B,), for training.

    The package's own distance has no gradient where all features are zero: its root has no constant inside. This one has.
    """
    network = lpips_network(image.device)
    features = [network.net(network.scaling_layer(x * 2 - 1)) for x in (image, reference)]
    total = image.new_zeros(len(image))
    for ours, theirs, head in zip(*features, network.lins, strict=True):
        total = total + head((_unit(ours) - _unit(theirs)).square()).mean(dim=(1, 2, 3))
    return total


def _unit(features: Tensor) -> Tensor:
    features = features.float()
    return features * (features.square().sum(1, keepdim=True) + 1e-8).rsqrt()
