"""RAP-SR core: curation, degradation, RPR/ROPO training and inference. Imports no user interface and loads no model."""

from pathlib import Path

ASSETS = Path(__file__).resolve().parent.parent / "assets"
"""Folder of everything that ships with the studio: weights, parameter files, examples, licences."""
