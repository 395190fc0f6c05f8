"""The studio's page over another assets folder: `python tests/support/tiny_studio.py ASSETS`. Tests give it the tiny prior."""

import sys
from pathlib import Path

from rapsr_core import ASSETS
from studio import examples, page, theme
from studio.engine import Engine

engine = Engine(Path(sys.argv[1]))
demo = page.build(engine, examples.load(ASSETS / "examples"))
engine.start()
demo.launch(server_name="127.0.0.1", **theme.launch_options([ASSETS / "examples"]))
