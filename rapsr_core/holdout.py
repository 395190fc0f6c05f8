"""Photographs that no training run may see: whole packages, so that no relative of a test image is learned."""

from __future__ import annotations

TEST_PACKAGES = frozenset({"mate-backgrounds", "lomiri-wallpapers-16.04", "budgie-backgrounds"})
"""The README's table is made from these."""

VALIDATION_PACKAGES = frozenset({"plasma-workspace-wallpapers", "gnome-backgrounds"})
"""Settings are tuned on these."""


def is_held_out(file: str, package: str = "") -> bool:
    """True for a file of a held-out package. Pool files are named `<package>__<name>`, so a manifest is not needed."""
    stem = file.rsplit("/", 1)[-1]
    return (package or stem.split("__", 1)[0]) in TEST_PACKAGES | VALIDATION_PACKAGES
