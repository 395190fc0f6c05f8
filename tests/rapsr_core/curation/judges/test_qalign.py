"""Q-Align through pyiqa, on a tiny random instance of pyiqa's own classes, in a process of its own (`tests/support/tiny_one_align.py`)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import tiny_one_align
import torch

from rapsr_core.curation.judgement import build_for
from rapsr_core.curation.judges.contract import JudgeError
from rapsr_core.curation.judges.qalign import inverted

ROOT = Path(__file__).parents[4]


@pytest.mark.slow
def test_without_weights_the_command_is_said_and_with_them_two_scores_of_each_picture_between_bad_and_excellent(tmp_path):
    pytest.importorskip("pyiqa")
    pytest.importorskip("icecream")
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = os.environ | {"HF_HUB_CACHE": str(tmp_path), "HF_HUB_OFFLINE": "1", "PYTHONPATH": path}
    program = [sys.executable, tiny_one_align.__file__]
    done = subprocess.run(program, env=environment, capture_output=True, text=True, check=True, timeout=300)
    missing, rows = (line for line in done.stdout.splitlines() if line.strip())  # progress bars leave empty lines
    assert missing.startswith("judge q-align cannot load q-future/one-align (")
    assert missing.endswith("hf download q-future/one-align")
    dark, bright = json.loads(rows)
    for row in (dark, bright):
        assert set(row) == {column.name for column in build_for("q-align").columns}
        assert all(1 < row[name] < 5 for name in ("quality", "aesthetics"))
    assert dark["quality"] != dark["aesthetics"]
    assert dark["quality"] != bright["quality"]


def test_without_a_package_the_command_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyiqa", None)
    with pytest.raises(JudgeError, match="judge q-align needs pyiqa: pip install pyiqa icecream"):
        build_for("q-align").build()


def test_a_mask_keeps_what_is_one_and_shuts_what_is_zero():
    weights = (torch.zeros(1, 1, 1, 3).half() + inverted(torch.tensor([[1, 0, 1]]))).softmax(-1)
    assert weights.flatten().tolist() == [0.5, 0, 0.5]
