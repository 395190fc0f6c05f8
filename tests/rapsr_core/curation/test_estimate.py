"""The arithmetic of the extrapolation."""

import pytest

from rapsr_core.curation.estimate import ASSUMPTIONS, as_text, estimate, machines


def test_hours_are_seconds_times_images_over_cores():
    one, sixteen, cluster = estimate({"read": 0.004, "fidelity": 0.356}, machines(nodes=5, cores=8))
    assert one.hours == pytest.approx(100)
    assert sixteen.hours == pytest.approx(100 / 16)
    assert cluster.hours == pytest.approx(2.5)
    assert one.by_stage["fidelity"] == pytest.approx(0.356e6 / 3600)


def test_the_text_has_every_machine_and_says_what_is_assumed():
    seconds = {"read": 0.004, "fidelity": 0.356}
    text = as_text(seconds, estimate(seconds, machines(4)))
    assert "1 core " in text and "100.0 h (4.2 days)" in text and "Ray, 4 nodes of 16 cores" in text
    assert text.endswith(ASSUMPTIONS) and "356.0 ms/image" in text
