"""Cheap real stages, one that writes down what it measures, and one that hostile files break; and a pool for them."""

import io
import os
import signal
import time
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from rapsr_core.curation.columns import Column, Stage


def column(name, kind="number"):
    return Column(name, name, kind, "neither", "", "", "")


def build_size():
    return lambda picture: {"width": picture.image.shape[-1], "height": picture.image.shape[-2]}


def build_light():
    def measure(picture):
        mean = float(picture.luma.mean())
        return {"mean_luma": mean, "tone": "dark" if mean < 128 else "bright"}

    return measure


def build_noted(log, delay_s):
    def measure(picture):
        with open(log, "a") as file:
            file.write(f"{os.getpid()} {picture.name}\n")
        time.sleep(delay_s)
        return {"noted": 1}

    return measure


def build_breakable():
    def measure(picture):
        if picture.name.startswith("kill"):
            os.kill(os.getpid(), signal.SIGSEGV)
        if picture.name.startswith("exit"):
            os._exit(3)
        if picture.name.startswith("bug"):
            raise ZeroDivisionError("a measure's own bug")
        if picture.name.startswith("memory"):
            raise MemoryError("40 GB")
        return {"unbroken": None if picture.name.startswith("none") else float("nan") if picture.name.startswith("nan") else 1.5}

    return measure


def build_failing():
    raise RuntimeError("the weights are not there")


SIZE = Stage("size", "Size", "", 0.01, (column("width"), column("height")), (), build_size)
LIGHT = Stage("light", "Light", "", 0.01, (column("mean_luma"), column("tone", "text")), (), build_light)
BREAKABLE = Stage("breakable", "Breakable", "", 0.01, (column("unbroken"),), (), build_breakable)
FAILING = Stage("failing", "Failing", "", 0.01, (column("never"),), (), build_failing)


def noted(log, delay_s=0.0):
    return Stage("noted", "Noted", "", 0.01, (column("noted"),), (), partial(build_noted, str(log), delay_s))


def names_noted(log):
    """Image names in the order in which they were measured."""
    return [line.split(maxsplit=1)[1] for line in Path(log).read_text().splitlines()] if Path(log).exists() else []


def encoded(k, size=(24, 16), format="PNG"):
    pixels = np.random.default_rng(k).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels // (1 + k % 3)).save(buffer, format)
    return buffer.getvalue()


def make_pool(folder, n=20):
    """Images in two folders."""
    for k in range(n):
        path = folder / ("a" if k % 2 else "b/c") / f"{k:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(k))
    return folder
