"""Command lines over rapsr_core: `python -m train.NAME --help`."""

from rapsr_core.lasting import use_large_pages

use_large_pages()  # before torch is imported
