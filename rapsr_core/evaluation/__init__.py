"""Test sets, the run over a folder, summaries with intervals."""
