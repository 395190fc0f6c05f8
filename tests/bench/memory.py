"""Peak memory over the loaded model, and time by pixels.

    PYTHONPATH=. python tests/bench/memory.py host [--sizes 128 256 512] [--dtype float32] [--tile-px 512]
    PYTHONPATH=. python tests/bench/memory.py networks [--dtype bfloat16]

`host`: the embedded host, from the scores of the input to the baseline's image, with the cleaner; two steps, since memory does not depend
on their number and the last one has 16 passes. Each size is a process of its own, one thread, after a small picture has loaded everything;
time is the processor's own, so that other work on the machine does not count. `networks`: one pass of each network of its real size with
random weights; from it are the figures of `MemoryNeed` (rapsr_core/hosts) and `cleaners.BYTES_PER_PX`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import closing

import torch

from rapsr_core import comparison
from rapsr_core.device import Device
from rapsr_core.events import Event, Image, Prepared, Stage
from rapsr_core.memory import peak_memory
from rapsr_core.recipe import Recipe

CPU = torch.device("cpu")


def one_size(side_px: int, dtype: str, tile_px: int | None) -> dict[str, object]:
    """Facts of a baseline of a random picture of side_px x side_px input pixels."""
    comparison.MAX_SECONDS = float("inf")
    comparer = comparison.Comparer(device=Device(CPU, getattr(torch, dtype), "bench"))
    recipe = Recipe(steps=2, caption="a photo", tile_px=tile_px)
    picture = torch.rand(1, 3, side_px, side_px, generator=torch.Generator().manual_seed(0))
    comparer.run(picture[..., :32, :32], recipe)
    with peak_memory(CPU) as peak, closing(comparer.compare(picture, recipe)) as events:
        seconds, notes = _until_baseline(events, lambda: peak().bytes)
        return {
            "side": side_px,
            "peak": peak().bytes,
            "seconds": seconds,
            "megapixels": 16 * side_px**2 / 1e6,
            "tiles": notes[-1],
        }


def _until_baseline(
    events: Generator[Event, None, None], peak_bytes: Callable[[], int]
) -> tuple[dict[str, float], tuple[str, ...]]:
    """Processor seconds of the scores, the cleaner and the branch, and the notes; tells stderr how far it is."""
    seconds, began, notes = {"scores": 0.0, "cleaner": 0.0, "branch": 0.0}, time.process_time(), ()
    for event in events:
        now = time.process_time()
        match event:
            case Prepared():
                notes = event.notes
            case Stage(stage="cleaner"):
                seconds["cleaner"] += now - began
            case Stage() | Image():
                seconds["branch"] += now - began
            case _:
                seconds["scores"] += now - began
        began = now
        stage = f"{event.stage} {event.step}/{event.steps}" if isinstance(event, Stage) else type(event).__name__
        print(f"{stage}: peak so far {peak_bytes() / 1e9:.2f} GB, {sum(seconds.values()):.0f} s", file=sys.stderr, flush=True)
        if isinstance(event, Image):
            break
    return seconds, notes


def real(build: Callable[..., torch.nn.Module], **config: object) -> torch.nn.Module:
    """A network of its real size with random weights."""
    with torch.device("meta"):
        network = build(**config)
    network = network.to_empty(device="cpu").eval().requires_grad_(False)
    for parameter in network.parameters():
        parameter.data.normal_(0, 0.02)
    return network.to(memory_format=torch.channels_last)


def _stable_diffusion(controlled: bool) -> Callable[[int], object]:
    from diffusers import ControlNetModel, UNet2DConditionModel

    unet = real(UNet2DConditionModel, cross_attention_dim=768, attention_head_dim=8)
    control = real(ControlNetModel, cross_attention_dim=768, attention_head_dim=8) if controlled else None
    t, text = torch.tensor(500), torch.randn(1, 77, 768)

    def run(side: int) -> object:
        z = torch.randn(1, 4, side // 8, side // 8)
        if control is None:
            return unet(z, t, text)
        down, middle = control(z, t, text, torch.rand(1, 3, side, side), return_dict=False)
        return unet(z, t, text, down_block_additional_residuals=down, mid_block_additional_residual=middle)

    return run


def _x4_upscaler() -> Callable[[int], object]:
    from diffusers import UNet2DConditionModel

    unet = real(
        UNet2DConditionModel, in_channels=7, out_channels=4, block_out_channels=(256, 512, 512, 1024), cross_attention_dim=1024,
        attention_head_dim=8, use_linear_projection=True, num_class_embeds=1000, only_cross_attention=(True, True, True, False),
        down_block_types=("DownBlock2D", *("CrossAttnDownBlock2D",) * 3), up_block_types=(*("CrossAttnUpBlock2D",) * 3, "UpBlock2D"),
    )  # fmt: skip
    t, text, level = torch.tensor(500), torch.randn(1, 77, 1024), torch.tensor([20])
    return lambda side: unet(torch.randn(1, 7, side // 4, side // 4), t, text, class_labels=level)


def _codec(channels: tuple[int, ...], encode: bool = False) -> Callable[[int], object]:
    from diffusers import AutoencoderKL

    levels, block = len(channels), 2 ** (len(channels) - 1)
    codec = real(
        AutoencoderKL, block_out_channels=channels, latent_channels=4, layers_per_block=2,
        down_block_types=("DownEncoderBlock2D",) * levels, up_block_types=("UpDecoderBlock2D",) * levels,
    )  # fmt: skip
    if encode:
        return lambda side: codec.encode(torch.rand(1, 3, side, side))
    return lambda side: codec.decode(torch.randn(1, 4, side // block, side // block))


def _cleaner() -> Callable[[int], object]:
    from rapsr_core.cleaners import inference_dtype, load_realesrgan

    dtype = torch.float32 if not torch.is_autocast_enabled("cpu") else inference_dtype(CPU)
    network = load_realesrgan(CPU, dtype)
    return lambda side: network(torch.rand(1, 3, side // 4, side // 4).to(dtype, memory_format=torch.channels_last))


NETWORKS: dict[str, Callable[[], Callable[[int], object]]] = {
    "SD 1.5 UNet": lambda: _stable_diffusion(False),
    "SD 1.5 UNet + ControlNet": lambda: _stable_diffusion(True),
    "SD x4 upscaler UNet": _x4_upscaler,
    "SD codec, decode": lambda: _codec((128, 256, 512, 512)),
    "SD codec, encode": lambda: _codec((128, 256, 512, 512), encode=True),
    "SD x4 upscaler codec, decode": lambda: _codec((128, 256, 512)),
    "Real-ESRGAN x4plus": _cleaner,
}
"""Output pixels a side -> one pass."""


def one_network(name: str, side_px: int, dtype: str) -> dict[str, object]:
    """Bytes over the weights for each output pixel of one pass, after a small one."""
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=dtype == "bfloat16"):
        run = NETWORKS[name]()
        run(64)
        with peak_memory(CPU) as peak:
            run(side_px)
            return {"network": name, "side": side_px, "bytes_per_px": round(peak().bytes / side_px**2)}


def in_a_process_of_its_own(*arguments: object) -> dict[str, object]:
    command = [sys.executable, __file__, *map(str, arguments)]
    ended = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(ended.stdout.splitlines()[-1])


def host_table(args: argparse.Namespace) -> None:
    first = None
    print(
        f"{'input':>9} {'output MP':>9} {'peak GB':>8} {'host s/MP':>10} {'cleaner s/MP':>12} {'scores s/MP':>11}  (s/MP: ratio to the first)"
    )
    for side in args.sizes:
        tile = ["--tile-px", args.tile_px] if args.tile_px else []
        row = in_a_process_of_its_own("host", "--one", side, "--dtype", args.dtype, *tile)
        rates = {name: value / row["megapixels"] for name, value in row["seconds"].items()}
        first = first or rates
        ratio = {name: rates[name] / first[name] for name in rates}
        print(
            f"{side:>4}x{side:<4} {row['megapixels']:>9.2f} {row['peak'] / 1e9:>8.2f} {ratio['branch']:>10.2f} {ratio['cleaner']:>12.2f} "
            f"{ratio['scores']:>11.2f}  {row['tiles']}",
            flush=True,
        )


def network_table(args: argparse.Namespace) -> None:
    for name in NETWORKS:
        for side in args.sizes:
            row = in_a_process_of_its_own("networks", "--one", side, "--name", name, "--dtype", args.dtype)
            print(f"{row['network']:<30} {row['side']:>5} px {row['bytes_per_px']:>6} bytes/px", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("host", "networks"))
    parser.add_argument("--sizes", type=int, nargs="+", default=None, help="input pixels (host), output pixels (networks)")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--tile-px", type=int)
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--name", help=argparse.SUPPRESS)
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.one and args.what == "host":
        print(json.dumps(one_size(args.one, args.dtype, args.tile_px)))
    elif args.one:
        print(json.dumps(one_network(args.name, args.one, args.dtype)))
    else:
        args.sizes = args.sizes or ([128, 256, 512] if args.what == "host" else [512])
        (host_table if args.what == "host" else network_table)(args)


if __name__ == "__main__":
    main()
