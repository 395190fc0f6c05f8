"""The exact texts of the official implementations: from tags or a caption, the user's words and what the method adds.

A caption, a tag list ("grass, dog") or a user's words may be empty. Nothing is stripped or tidied: where an official text has an odd
comma or no space, its results were published with it, and so tokens follow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Prompt = Callable[[str, str, str], str]
"""(tags or caption, user's words, added words) -> the positive text of a method without a refinement."""

PASD_WORDS = {"blurry": "clear", "noisy": "clean"}
"""What PASD replaces in a caption, which would otherwise ask for the degradation it sees (test_pasd.py)."""


def plain(caption: str, user: str, added: str) -> str:
    """Of hosts whose texts nobody has published: what is not blank, joined by ", "."""
    return ", ".join(part.strip() for part in (caption, user, added) if part.strip())


def seesr(tags: str, user: str, added: str) -> str:
    """SeeSR's test script: no space before what is added, and empty words of the user still leave their commas."""
    return f"{tags}, {user},{added}"


def rapsr_on_seesr(tags: str, user: str, identifier: str) -> str:
    """RAP-SR's copy of that script: the identifier leads, its last space included, and nothing follows but the comma."""
    return f"{identifier}{tags}, {user},"


def seesr_web(tags: str, user: str, added: str) -> str:
    """SeeSR's web demo: the user's words lead. `added` is the content of its box of positive words."""
    return ", ".join([user, tags, f"{added},"] if user else [tags, f"{added},"])


def osediff(tags: str, user: str, added: str) -> str:
    """OSEDiff's test script, which adds "" by default."""
    return f"{tags}, {user},{added}"


def pasd(caption: str, user: str, added: str) -> str:
    """PASD's test script: PASD_WORDS in the caption, then the user's words, then, without any separator, what is added."""
    for word, better in PASD_WORDS.items():
        caption = caption.replace(word, better)
    return (f"{caption} {user}" if user else caption) + added


def diffbir(caption: str, user: str, added: str) -> str:
    """DiffBIR: what is not empty, joined by ", ". Its own positive prompt is `user` or `added`; it has only one of them."""
    return ", ".join(part for part in (caption, user, added) if part)


@dataclass(frozen=True)
class OfficialPrompt:
    """How a method makes its texts. `negative` None: there is no second branch (OSEDiff), or the words are not recorded here."""

    positive: Prompt  # RAP-SR's takes the identifier as what is added
    added: str
    negative: str | None
    source: str  # repository and file


OFFICIAL_PROMPTS = {
    "SeeSR": OfficialPrompt(
        seesr, "clean, high-resolution, 8k", "dotted, noise, blur, lowres, smooth", "cswry/SeeSR test_seesr.py"
    ),
    "RAP-SR on SeeSR": OfficialPrompt(rapsr_on_seesr, "[X]. ", "[V]. ", "W-JG/RAP-SR test_model/SeeSR-main/test_seesr.py"),
    "SeeSR (web demo)": OfficialPrompt(
        seesr_web, "clean, high-resolution, 8k, best quality, masterpiece", None, "cswry/SeeSR gradio_seesr.py"
    ),
    "OSEDiff": OfficialPrompt(osediff, "", None, "cswry/OSEDiff test_osediff.py"),
    "PASD": OfficialPrompt(
        pasd,
        "clean, high-resolution, 8k",
        "blurry, dotted, noise, raster lines, unclear, lowres, over-smoothed",
        "yangxy/PASD test_pasd.py",
    ),
    "DiffBIR": OfficialPrompt(
        diffbir,
        "",
        "low quality, blurry, low-resolution, noisy, unsharp, weird textures",
        "XPixelGroup/DiffBIR diffbir/inference/loop.py; negative of v2, README.md",
    ),
}
"""By method. The caption comes from RAM's tags (SeeSR, OSEDiff), CoCa or BLIP (PASD), or none (DiffBIR v2)."""
