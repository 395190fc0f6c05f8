"""The shim around the optional package `spaces`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from rapsr_core import ASSETS
from rapsr_core.away import Away
from rapsr_core.comparison import Comparer
from studio import zero_gpu

ROOT = Path(__file__).parents[2]


def task(errand: bytes, seconds: float):
    yield errand


def test_without_the_package_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "spaces", None)  # what an absent package looks like
    assert zero_gpu.on_gpu(task) is task
    assert type(zero_gpu.comparer(ASSETS)) is Comparer


def test_outside_zero_gpu_the_package_gives_the_function_back() -> None:
    import spaces

    assert spaces.GPU(task, duration=lambda errand, seconds: 10) is task
    assert zero_gpu.on_gpu(task) is task
    assert type(zero_gpu.comparer(ASSETS)) is Comparer


def test_on_zero_gpu_comparisons_go_away_and_ask_for_whole_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    import spaces

    asked = {}

    def gpu(function, *, duration):
        asked["seconds"] = duration(b"", 41.7)
        return function

    monkeypatch.setattr(zero_gpu, "ON", True)
    monkeypatch.setattr(spaces, "GPU", gpu)
    assert isinstance(zero_gpu.comparer(ASSETS), Away)
    assert asked["seconds"] == 42


def test_the_package_is_imported_before_torch_and_only_on_zero_gpu() -> None:
    """In processes of their own, with a package of that name that writes down what was there before it."""
    stand_in = "import sys; print('torch' in sys.modules, 'gradio' in sys.modules)"
    for value, printed in (("", []), ("true", ["False False"])):
        code = (
            "import importlib.abc, importlib.util, sys\n"
            "class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):\n"
            "    def find_spec(self, name, path, target=None):\n"
            "        return importlib.util.spec_from_loader(name, self) if name == 'spaces' else None\n"
            "    def create_module(self, spec): return None\n"
            f"    def exec_module(self, module): exec({stand_in!r})\n"
            "sys.meta_path.insert(0, Finder())\n"
            "import studio.zero_gpu\n"
        )
        run = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env={"SPACES_ZERO_GPU": value, "PATH": "/usr/bin"}, capture_output=True, text=True, check=True
        )  # fmt: skip
        assert run.stdout.split("\n")[:-1] == printed
