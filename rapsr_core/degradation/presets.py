"""Degradation presets as one data table.

Sources, by column of the published settings: Real-ESRGAN `options/train_realesrgan_x4plus.yml`; RAP-SR
`params_realesrgan_seesr.yml`; SeeSR `dataloaders/params_realesrgan.yml` (also PASD, FaithDiff); StableSR 512 (also S3Diff); OSEDiff;
DiffBIR v2.1. Their `blur_kernel_size` is ignored by the official loaders: sizes are drawn from KERNEL_SIZES_PX unless
`honour_kernel_size` is set. StableSR gives 1 % of its samples the photograph itself as input, at full size; at a quarter of the
size there is no such thing, so its preset leaves that out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

KERNEL_SIZES_PX = (7, 9, 11, 13, 15, 17, 19, 21)
KERNEL_KINDS = ("iso", "aniso", "generalized_iso", "generalized_aniso", "plateau_iso", "plateau_aniso")
KERNEL_SHARES = (0.45, 0.25, 0.12, 0.03, 0.12, 0.03)

Range = tuple[float, float]


@dataclass(frozen=True)
class Order:
    """One order of the process: blur, resize, noise, JPEG. Noise sigmas are in 1/255; `resize_shares` are up, down, keep."""

    blur_share: float
    sinc_share: float
    blur_sigma: Range
    beta_generalized: Range
    beta_plateau: Range
    resize_shares: tuple[float, float, float]
    resize_range: Range
    gaussian_share: float
    noise_sigma: Range
    poisson_scale: Range
    grey_share: float
    jpeg_quality: Range


@dataclass(frozen=True)
class Preset:
    """The whole second-order process. `orders` is empty for plain bicubic reduction."""

    name: str
    orders: tuple[Order, ...]
    usm: bool
    final_sinc_share: float = 0.8
    scale: int = 4
    blur_kernel_size: tuple[int, int] = (21, 21)
    honour_kernel_size: bool = False  # the official loaders of all our presets do not; InvSR and ResShift do

    @property
    def kernel_sizes_px(self) -> tuple[Sequence[int], Sequence[int]]:
        """Sizes the kernels of each order are drawn from: 7 ... 21 whatever `blur_kernel_size` says, or odd sizes 3 ... size - 2."""
        if not self.honour_kernel_size:
            return KERNEL_SIZES_PX, KERNEL_SIZES_PX
        first, second = (tuple(range(3, size - 1, 2)) for size in self.blur_kernel_size)
        return first, second


_FIRST = Order(
    1.0, 0.1, (0.2, 3.0), (0.5, 4.0), (1.0, 2.0), (0.2, 0.7, 0.1), (0.15, 1.5), 0.5, (1, 30), (0.05, 3.0), 0.4, (30, 95)
)
_SECOND = Order(
    0.8, 0.1, (0.2, 1.5), (0.5, 4.0), (1.0, 2.0), (0.3, 0.4, 0.3), (0.3, 1.2), 0.5, (1, 25), (0.05, 2.5), 0.4, (30, 95)
)
_MILD_FIRST = replace(_FIRST, resize_range=(0.3, 1.5), noise_sigma=(1, 15), poisson_scale=(0.05, 2.0), jpeg_quality=(60, 95))
_MILD_SECOND = replace(
    _SECOND,
    blur_share=0.5,
    resize_range=(0.6, 1.2),
    noise_sigma=(1, 12),
    poisson_scale=(0.05, 1.0),
    jpeg_quality=(60, 100),
)


def _soft(order: Order, sigma_high: float) -> Order:
    """StableSR's narrower blur kernels."""
    return replace(order, blur_sigma=(0.2, sigma_high), beta_generalized=(0.5, 2.0), beta_plateau=(1.0, 1.5))


PRESETS = {
    row.name: row
    for row in (
        Preset("realesrgan", (_FIRST, _SECOND), usm=True),
        Preset("rapsr", (_FIRST, _SECOND), usm=False, blur_kernel_size=(21, 11)),
        Preset("seesr_mild", (_MILD_FIRST, _MILD_SECOND), usm=False),
        Preset(
            "stablesr",
            (
                _soft(_MILD_FIRST, 1.5),
                _soft(_MILD_SECOND, 1.0),
            ),
            usm=True,
            blur_kernel_size=(21, 11),
        ),
        Preset("osediff", (_FIRST, _SECOND), usm=False),
        Preset("diffbir", (_FIRST, _SECOND), usm=True),
        Preset("bicubic", (), usm=False),
    )
}


def preset(name: str) -> Preset:
    """Preset by name. Raises ValueError that lists the names."""
    if name not in PRESETS:
        raise ValueError(f"no degradation preset named {name!r}; there are {', '.join(PRESETS)}")
    return PRESETS[name]
