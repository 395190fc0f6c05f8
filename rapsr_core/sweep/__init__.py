"""Sweeps: typed axes over recipes, validated before anything runs, in cost order, cell by cell; and a search under a budget."""
