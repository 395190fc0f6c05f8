from rapsr_core.lasting import use_large_pages

use_large_pages()
