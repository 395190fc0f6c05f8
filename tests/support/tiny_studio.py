"""The studio's page over another assets folder: `python tests/support/tiny_studio.py ASSETS`. Tests give it the tiny prior."""

import sys
from pathlib import Path

from rapsr_core.lasting import lasting

with lasting():
    from studio import offline  # noqa: F401  # isort: skip  (first, see there)
    from rapsr_core import ASSETS
    from studio import examples, page, theme
    from studio.engine import Engine

engine = Engine(Path(sys.argv[1]))
demo = page.build(engine, examples.load(ASSETS / "examples"))
demo.launch(server_name="127.0.0.1", prevent_thread_lock=True, **theme.launch_options([ASSETS / "examples"]))
engine.start()
demo.block_thread()
