"""Opens the studio: `python app.py`, then http://127.0.0.1:7860. Hugging Face Spaces runs this file as well."""

import os

from rapsr_core.lasting import lasting, use_large_pages

use_large_pages()
with lasting():
    from studio import offline, zero_gpu  # noqa: F401  # isort: skip  (first, see there)
    from rapsr_core import ASSETS
    from studio import examples, page, theme
    from studio.engine import Engine

EXAMPLES = ASSETS / "examples"

engine = Engine(ASSETS)
demo = page.build(engine, examples.load(EXAMPLES))
if zero_gpu.ON:
    _ = engine.parts  # what needs the GPU must be known before the launch

if __name__ == "__main__":
    address = {} if os.environ.get("SPACE_ID") else {"server_name": "127.0.0.1"}
    demo.launch(prevent_thread_lock=True, **address, **theme.launch_options([EXAMPLES]))
    engine.start()  # not before: Gradio gives its own server three seconds to answer, and the imports would take them
    demo.block_thread()
