import subprocess
import sys
from pathlib import Path

import pytest

from studio.engine import Engine

ROOT = Path(__file__).parents[2]


def test_the_page_is_built_without_torch():
    """In a process of its own: here torch is imported long since."""
    code = (
        "import sys; from pathlib import Path; from rapsr_core import ASSETS; from studio import examples, page; "
        "from studio.engine import Engine; page.build(Engine(ASSETS), examples.load(ASSETS / 'examples')); "
        "print([name for name in ('torch', 'diffusers', 'transformers') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "[]"


def test_parts_come_with_a_started_engine_and_name_their_assets(tmp_path):
    engine = Engine(tmp_path)
    engine.start()
    parts = engine.parts
    assert parts.comparer.assets == tmp_path
    assert parts is engine.parts


def test_what_keeps_the_parts_from_coming_is_told_to_whoever_asks(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "rapsr_core.comparison", None)  # what an import that failed leaves
    engine = Engine(tmp_path)
    engine.start()
    with pytest.raises(ImportError, match="comparison"):
        _ = engine.parts
