"""The README's examples of the API, taken from README.md itself and run against the studio. Only address and photograph are put in."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from gradio_client import Client
from PIL import Image
from studio_process import ROOT, Studio

ADDRESS = "http://127.0.0.1:7860"
WAIT_S = 240


def block(language: str) -> str:
    """The one fenced block of a language in the section on the API."""
    section = re.split(r"^## ", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.M)
    (text,) = (part for part in section if part.startswith("API"))
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.M | re.S)
    assert ADDRESS in found
    return str(found)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Image.effect_noise((32, 24), 60).convert("RGB").save(tmp_path / "photo.png")
    return tmp_path


def test_the_python_example_runs_and_its_types_hold(tiny: Studio, client: Client, folder: Path) -> None:
    (folder / "example.py").write_text(block("python").replace(ADDRESS, tiny.url))
    run = subprocess.run([sys.executable, "example.py"], cwd=folder, capture_output=True, text=True, timeout=WAIT_S)
    assert run.returncode == 0, run.stderr
    baseline, enhanced, change = ast.literal_eval(run.stdout.splitlines()[-1])
    for path in (baseline, enhanced):
        with Image.open(path) as opened:
            assert (opened.format, opened.size) == ("PNG", (128, 96))
    assert isinstance(change, float)
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--ignore-missing-imports", "example.py"],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stdout


def test_the_curl_example_runs(tiny: Studio, client: Client, folder: Path) -> None:
    if shutil.which("curl") is None:
        pytest.fail("curl is not installed: apt-get install curl")
    script = block("bash").replace(ADDRESS, tiny.url)
    run = subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=folder, capture_output=True, text=True, timeout=WAIT_S)
    assert run.returncode == 0, run.stderr
    event, data = run.stdout.strip().splitlines()[-2:]
    assert event == "event: complete"
    (scores,) = json.loads(data.removeprefix("data: "))
    assert scores["size_px"] == [32, 24] and set(scores["scores"]) == {"niqe", "piqe"}
