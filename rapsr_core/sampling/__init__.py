"""Sampling: the host contract and the one denoising loop."""
