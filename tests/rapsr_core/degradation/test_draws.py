"""Every draw against the preset's table: probabilities over 20 000 records, and ranges that are respected and filled."""

import math
from functools import cache

import pytest

from rapsr_core.degradation import PRESETS, draw, preset
from rapsr_core.degradation.presets import KERNEL_KINDS, KERNEL_SHARES, KERNEL_SIZES_PX, Order

COUNT = 20_000
SECOND_ORDER = [name for name in PRESETS if PRESETS[name].orders]


@cache
def records(name: str) -> list[dict]:
    return [draw(preset(name), seed) for seed in range(COUNT)]


def check_share(name: str, hits: list[bool], share: float) -> None:
    """Within five standard deviations of a binomial count: a right generator fails once in two million times."""
    assert abs(sum(hits) - len(hits) * share) <= 5 * math.sqrt(len(hits) * share * (1 - share)), name


def check_range(name: str, values: list[float], low: float, high: float) -> None:
    """Inside the range, and within 1 % of its width of both ends."""
    margin = 0.01 * (high - low)
    assert low <= min(values) <= low + margin, name
    assert high - margin <= max(values) <= high, name


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("name", SECOND_ORDER)
def test_order(name: str, which: int) -> None:
    order, drawn = preset(name).orders[which], [r["orders"][which] for r in records(name)]
    up, down, keep = order.resize_shares
    check_share("blur", [d["kernel"] is not None for d in drawn], order.blur_share)
    check_share("enlarged", [d["factor"] > 1 for d in drawn], up)
    check_share("reduced", [d["factor"] < 1 for d in drawn], down)
    check_share("kept", [d["factor"] == 1 for d in drawn], keep)
    check_share("Gaussian noise", [d["noise"] == "gaussian" for d in drawn], order.gaussian_share)
    check_share("grey noise", [d["grey"] for d in drawn], order.grey_share)
    for mode in ("area", "bilinear", "bicubic"):
        check_share(mode, [d["mode"] == mode for d in drawn], 1 / 3)
    check_range("factor", [d["factor"] for d in drawn], *order.resize_range)
    check_range("sigma", [d["amount"] for d in drawn if d["noise"] == "gaussian"], *order.noise_sigma)
    check_range("Poisson scale", [d["amount"] for d in drawn if d["noise"] == "poisson"], *order.poisson_scale)
    check_range("JPEG quality", [d["jpeg_quality"] for d in drawn], *order.jpeg_quality)
    check_kernels(order, [d["kernel"] for d in drawn if d["kernel"]])


def check_kernels(order: Order, kernels: list[dict]) -> None:
    blurs = [k for k in kernels if k["kind"] != "sinc"]
    check_share("sinc", [k["kind"] == "sinc" for k in kernels], order.sinc_share)
    for size in KERNEL_SIZES_PX:
        check_share(f"{size} px", [k["size"] == size for k in kernels], 1 / len(KERNEL_SIZES_PX))
    for kind, share in zip(KERNEL_KINDS, KERNEL_SHARES, strict=True):
        check_share(kind, [k["kind"] == kind for k in blurs], share)
    for kind in ("generalized", "plateau"):
        betas = [k["beta"] for k in blurs if k["kind"].startswith(kind)]
        check_share(f"{kind} beta of at most 1", [beta <= 1 for beta in betas], 0.5)
        low, high = order.beta_plateau if kind == "plateau" else order.beta_generalized
        assert low <= min(betas) and max(betas) <= high
    aniso = [k for k in blurs if k["kind"].endswith("aniso")]
    check_range("sigma x", [k["sigma_x"] for k in blurs], *order.blur_sigma)
    check_range("sigma y", [k["sigma_y"] for k in aniso], *order.blur_sigma)
    check_range("angle", [k["theta"] for k in aniso], -math.pi, math.pi)
    assert all(k["sigma_x"] == k["sigma_y"] and k["theta"] == 0 for k in blurs if not k["kind"].endswith("aniso"))
    sincs = [k for k in kernels if k["kind"] == "sinc"]
    assert all((math.pi / 3 if k["size"] < 13 else math.pi / 5) <= k["cutoff"] <= math.pi for k in sincs)


@pytest.mark.parametrize("name", SECOND_ORDER)
def test_end(name: str) -> None:
    final = [r["final"] for r in records(name)]
    check_share("final sinc", [f["sinc"] is not None for f in final], preset(name).final_sinc_share)
    check_share("JPEG last", [f["jpeg_last"] for f in final], 0.5)
    for mode in ("area", "bilinear", "bicubic"):
        check_share(mode, [f["mode"] == mode for f in final], 1 / 3)
    check_range("cutoff", [f["sinc"]["cutoff"] for f in final if f["sinc"]], math.pi / 3, math.pi)
    for size in KERNEL_SIZES_PX:
        check_share(f"{size} px", [f["sinc"]["size"] == size for f in final if f["sinc"]], 1 / len(KERNEL_SIZES_PX))


def test_resizing_back_draws_its_own_mode() -> None:
    modes = [draw(preset("rapsr"), seed, resize_back=True)["resize_back"] for seed in range(COUNT)]
    for mode in ("area", "bilinear", "bicubic"):
        check_share(mode, [m == mode for m in modes], 1 / 3)
