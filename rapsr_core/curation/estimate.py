"""How long a pool takes elsewhere: measured seconds per image, extrapolated linearly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MILLION = 1_000_000

ASSUMPTIONS = (
    "Linear: seconds per image and core as measured here, divided by the cores; nothing lost to memory bandwidth, stragglers or start-up. "
    "Reading takes what it took here (the disk of this machine, partly from its cache); from S3 or a network disk it is more, until the "
    "network is the limit. Images are taken to be as those measured, in size and in the share that fails early."
)


@dataclass(frozen=True)
class Machine:
    """`nodes` computers of `cores` cores, each core as fast as the one that was measured."""

    name: str
    nodes: int
    cores: int


@dataclass(frozen=True)
class Estimate:
    """Hours for all images on one machine, in all and by stage."""

    machine: Machine
    hours: float
    by_stage: dict[str, float]


def machines(nodes: int, cores: int = 16) -> tuple[Machine, ...]:
    """One core, one computer of 16, and a Ray cluster of `nodes` of `cores` each."""
    return Machine("1 core", 1, 1), Machine("16 cores", 1, 16), Machine(f"Ray, {nodes} nodes of {cores} cores", nodes, cores)


def estimate(seconds: Mapping[str, float], where: Sequence[Machine], images: int = MILLION) -> list[Estimate]:
    """`seconds`: stage -> mean seconds per image on one core (`engines.seconds_per_image`). hours = seconds * images / cores / 3600."""
    found = []
    for machine in where:
        share = images / (machine.nodes * machine.cores) / 3600
        found.append(Estimate(machine, sum(seconds.values()) * share, {name: s * share for name, s in seconds.items()}))
    return found


def as_text(seconds: Mapping[str, float], estimates: Sequence[Estimate], images: int = MILLION) -> str:
    """The measured seconds, a line for each machine, and what is assumed."""
    lines = [f"{name:<20} {value * 1000:10.1f} ms/image" for name, value in seconds.items()]
    lines += [f"{images:,} images, extrapolated:"]
    lines += [f"{row.machine.name:<32} {row.hours:12,.1f} h ({row.hours / 24:,.1f} days)" for row in estimates]
    return "\n".join([*lines, ASSUMPTIONS])
