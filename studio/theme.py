"""How the studio looks: a Gradio theme of system fonts (nothing is fetched) and one style sheet.

Gradio 6 takes both in `launch()`, not in `Blocks()`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

FONT = ["system-ui", "-apple-system", "Segoe UI", "Roboto", "Cantarell", "Noto Sans", "sans-serif"]
FONT_MONO = ["ui-monospace", "SF Mono", "Cascadia Mono", "DejaVu Sans Mono", "monospace"]
SUBDUED = "#63636b"
"""Of light pages: 5.4 : 1 on the grey of input fields, where the theme's neutral_500 has 4.39 and WCAG 2 asks for 4.5."""
MAX_UPLOAD = "64mb"
STYLES = ("studio.css", "lab.css", "vote.css", "degrade.css", "curate.css", "train.css")
"""The page's style sheets; each tab may have one of its own."""


def theme() -> gr.themes.Base:
    """Calm neutral greys with one teal accent, light and dark."""
    return gr.themes.Base(
        primary_hue=gr.themes.colors.teal,
        secondary_hue=gr.themes.colors.teal,
        neutral_hue=gr.themes.colors.zinc,
        text_size=gr.themes.sizes.text_sm,
        spacing_size=gr.themes.sizes.spacing_sm,
        radius_size=gr.themes.sizes.radius_md,
        font=FONT,
        font_mono=FONT_MONO,
    ).set(
        body_background_fill="*neutral_50",
        body_background_fill_dark="*neutral_950",
        block_background_fill="white",
        block_background_fill_dark="*neutral_900",
        body_text_color_subdued=SUBDUED,
        body_text_color_subdued_dark="*neutral_400",
        block_info_text_color=SUBDUED,
        block_info_text_color_dark="*neutral_400",
        block_border_width="1px",
        block_label_text_weight="500",
        block_title_text_weight="550",
        block_info_text_size="12px",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover_dark="*primary_800",
        button_primary_text_color="white",
        button_large_text_weight="600",
    )


def launch_options(allowed: list[Path]) -> dict[str, Any]:
    """Keyword arguments of `demo.launch()`, the same for app.py and the tests.

    Args:
        allowed: folders whose files the page may show (the bundled examples).
    """
    return {
        "theme": theme(),
        "css_paths": [Path(__file__).with_name(name) for name in STYLES],
        "allowed_paths": [str(folder) for folder in allowed],
        "max_file_size": MAX_UPLOAD,
        "footer_links": ["api"],
        "show_error": False,
    }
