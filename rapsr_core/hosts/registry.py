"""The hosts as a table: a new host is one file and one row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rapsr_core.device import Device
from rapsr_core.hosts.embedded import EmbeddedHost, passes
from rapsr_core.priors import Prior
from rapsr_core.recipe import RecipeError
from rapsr_core.sampling.contract import Host
from rapsr_core.sampling.guidance import GuidanceSchedule, all_but_last


@dataclass(frozen=True)
class HostInfo:
    """One row: facts that the page, the CLI and the documentation read."""

    name: str
    label: str
    prior: str
    steps: int  # where the page's controls start
    guidance_scale: float
    pass_seconds: float  # one network pass over a megapixel of output, on two CPU cores
    passes: Callable[[int], list[int]]  # steps -> network passes of each under one text
    guidance: Callable[[float, int], GuidanceSchedule]  # scale, steps
    licence: str
    needs: str  # besides the prior
    build: Callable[[Prior, Device], Host]


HOSTS = {
    row.name: row
    for row in (
        HostInfo(
            name="embedded",
            label="Embedded upscaler",
            prior="embedded",
            steps=8,
            guidance_scale=1.5,
            pass_seconds=0.9,
            passes=passes,
            guidance=all_but_last,
            licence="Apache-2.0",
            needs="a guide: a cleaner's output, or bicubic x4",
            build=EmbeddedHost,
        ),
    )
}


def host_info(name: str) -> HostInfo:
    """Row by name. Raises RecipeError that lists the names."""
    if name not in HOSTS:
        raise RecipeError(f"host is {name!r}; it must be one of {', '.join(HOSTS)}")
    return HOSTS[name]
