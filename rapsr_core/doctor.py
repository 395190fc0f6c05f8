"""Which hosts can run on this machine, and what each of the others lacks, with the command that gets it.

`missing` only looks at files, and importing this module imports no torch: a page may ask it of every host.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import constants

from rapsr_core.hosts.info import HostInfo
from rapsr_core.hosts.registry import HOSTS, host_info
from rapsr_core.priors.catalog import PRIORS, PriorRow, find_prior, missing_prior, prior_command
from rapsr_core.recipe import Recipe
from rapsr_core.weights import Weights, command, find, told, weights_folder
from rapsr_core.weights import missing as missing_weights

LIBRARIES_GB = 0.9
"""The process with torch, diffusers and transformers and no model (resident, measured on Linux)."""

WORK_GB = {"embedded": 2.0}
"""Over the loaded model while it works, by prior. Embedded: issue 6's bound for 512 -> 2048 px."""
WORK_GB_OTHERS = 4.0
"""Decoding 1024 px with Stable Diffusion's VAE in float32 on the CPU took 3.96 GB (measured; encoding 2.68, the UNet on 96 x 96 sites 0.62)."""


@dataclass(frozen=True)
class Need:
    """A prior or a file of weights. `where`: as messages write it, "" when it was not found; `command`: gets it, `mirrors`: or from these."""

    name: str
    size_gb: float
    licence: str
    where: str
    command: str
    mirrors: tuple[str, ...]

    @property
    def found(self) -> bool:
        return bool(self.where)


@dataclass(frozen=True)
class HostReport:
    """One host here. `needs_gb`: an estimate of memory with the prior in float32; `tested`: against what, and what was not."""

    name: str
    label: str
    runs: bool
    prior: Need
    weights: tuple[Need, ...]
    missing: str
    needs_gb: float
    fits: bool
    code_licence: str
    weights_licence: str
    tested: str


@dataclass(frozen=True)
class Package:
    """An optional package, with its version or None."""

    name: str
    use: str
    version: str | None
    command: str


@dataclass(frozen=True)
class Diagnosis:
    """All there is to say. Memory is what is free now, in gigabytes (10^9 bytes)."""

    device: str
    ram_gb: float
    cuda_gb: float | None
    weights_folder: str  # as messages write it
    network: bool
    default_host: str
    hosts: tuple[HostReport, ...]
    packages: tuple[Package, ...]


OPTIONAL = (
    ("pyiqa", "metrics with a network (MUSIQ, MANIQA, ...); PolyForm Noncommercial", "pip install 'pyiqa>=0.1.16,<0.2'"),
    ("ray", "train.curate --engine ray", "pip install -r requirements-ray.txt"),
    ("bitsandbytes", "train.refine --use-8bit-adam", "pip install bitsandbytes"),
    ("mcp", "the API as MCP tools (GRADIO_MCP_SERVER=True)", "pip install -r requirements-mcp.txt"),
    ("spaces", "a GPU on Hugging Face ZeroGPU Spaces, where it is installed", "pip install spaces"),
)
"""Package, what it is for, how to get it."""


def missing(host: str) -> str:
    """What a host lacks on this machine and how to get it, a sentence for each; "" when it can run. Raises RecipeError for no host."""
    row = host_info(host)
    prior = PRIORS[row.prior]
    sentences = [] if find_prior(prior) else [missing_prior(prior)]
    absent = [weights for weights in row.weights if find(weights) is None]
    return " ".join([*sentences, *([missing_weights(absent)] if absent else [])])


def diagnose(names: Sequence[str] = ()) -> Diagnosis:
    """The whole report, of these hosts or all; imports torch for the device. Raises RecipeError for a name that is no host's."""
    import torch

    from rapsr_core.device import choose_device
    from rapsr_core.memory import free_bytes

    rows = [host_info(name) for name in names] or list(HOSTS.values())
    ram_gb = free_bytes(torch.device("cpu")) / 1e9
    cuda_gb = torch.cuda.mem_get_info()[0] / 1e9 if torch.cuda.is_available() else None
    return Diagnosis(
        device=choose_device().reason,
        ram_gb=round(ram_gb, 1),
        cuda_gb=None if cuda_gb is None else round(cuda_gb, 1),
        weights_folder=told("").rstrip("/"),
        network=not constants.HF_HUB_OFFLINE,
        default_host=Recipe().host,
        hosts=tuple(_report(row, ram_gb if cuda_gb is None else cuda_gb) for row in rows),
        packages=tuple(Package(name, use, _version(name), command) for name, use, command in OPTIONAL),
    )


def _report(row: HostInfo, free_gb: float) -> HostReport:
    lacks = missing(row.name)
    needs_gb = LIBRARIES_GB + estimate_gb(row)
    return HostReport(
        name=row.name,
        label=row.label,
        runs=not lacks,
        prior=_prior_need(PRIORS[row.prior]),
        weights=tuple(_weights_need(weights) for weights in row.weights),
        missing=lacks,
        needs_gb=round(needs_gb, 1),
        fits=needs_gb <= free_gb,
        code_licence=row.code_licence,
        weights_licence=row.weights_licence,
        tested=row.parity,
    )


def estimate_gb(row: HostInfo) -> float:
    """Memory for the prior, the host's own weights, and the work; an upper estimate where those replace some of the prior's."""
    work_gb = WORK_GB.get(row.prior, WORK_GB_OTHERS)
    return PRIORS[row.prior].size_gb + sum(weights.size_gb for weights in row.weights) + work_gb


def _prior_need(row: PriorRow) -> Need:
    found = find_prior(row)
    where = "" if found is None else "assets/prior" if row.shipped else _where(found, f"priors/{row.name}")
    return Need(f"{row.name} ({row.label})", row.size_gb, row.licence, where, prior_command(row), row.mirrors)


def _weights_need(weights: Weights) -> Need:
    found = find(weights)
    where = "" if found is None else _where(found, weights.path)
    mirrors = tuple(repository for repository, _ in weights.hub[1:])
    return Need(weights.name, weights.size_gb, weights.licence, where, command(weights), mirrors)


def _where(found: Path, path: str) -> str:
    return told(path) if found == weights_folder() / path else "the hub's cache"


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
