import subprocess
import sys
from pathlib import Path

import pytest
from tiny_priors import save_sd21_base

from rapsr_core.doctor import diagnose, estimate_gb, missing
from rapsr_core.hosts.registry import HOSTS
from rapsr_core.priors import PRIORS
from rapsr_core.recipe import RecipeError

pytestmark = pytest.mark.usefixtures("empty")


def test_what_comes_with_the_studio_runs_and_every_other_host_says_what_it_lacks(empty: Path) -> None:
    assert missing("embedded") == ""
    for name, row in HOSTS.items():
        if row.prior != "embedded":
            said = missing(name)
            assert PRIORS[row.prior].label in said and f"hf download {PRIORS[row.prior].source}" in said
            assert all(weights.name in said for weights in row.weights)
            assert str(empty) not in said
    with pytest.raises(RecipeError, match="host is 'swinir'"):
        missing("swinir")


def test_what_is_there_is_no_longer_missing(empty: Path) -> None:
    save_sd21_base(empty / "weights/priors/sd21-base")
    (row,) = HOSTS["osediff"].weights
    assert missing("osediff").startswith("OSEDiff (0.02 GB, Apache-2.0) is not at $RAPSR_WEIGHTS/osediff/osediff.pkl: curl ")
    (report,) = diagnose(["osediff"]).hosts
    assert (report.runs, report.prior.where, report.weights[0].found) == (False, "$RAPSR_WEIGHTS/priors/sd21-base", False)
    file = empty / "weights" / row.path
    file.parent.mkdir()
    file.write_bytes(b"weights")
    assert missing("osediff") == ""
    (report,) = diagnose(["osediff"]).hosts
    assert (report.runs, report.weights[0].where) == (True, "$RAPSR_WEIGHTS/osediff/osediff.pkl")


def test_to_ask_what_is_missing_needs_no_torch() -> None:
    """The page asks for every host whenever it is opened."""
    heavy = "{'torch', 'diffusers', 'transformers'} & sys.modules.keys()"
    code = f"import sys; from rapsr_core import doctor; [doctor.missing(h) for h in doctor.HOSTS]; print({heavy} or 'none')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout == "none\n", done.stderr


def test_the_diagnosis_has_device_memory_and_packages() -> None:
    found = diagnose()
    assert found.device.startswith(("CPU, ", "NVIDIA")) and found.ram_gb > 0
    assert (found.default_host, found.network, found.weights_folder) == ("embedded", False, "$RAPSR_WEIGHTS")
    assert [host.name for host in found.hosts] == list(HOSTS)
    assert all(host.tested and host.code_licence and host.weights_licence for host in found.hosts)
    packages = {package.name: package for package in found.packages}
    assert packages.keys() == {"pyiqa", "ray", "bitsandbytes", "mcp", "spaces"}
    assert packages["pyiqa"].version and packages["spaces"].command == "pip install spaces"


def test_memory_is_estimated_from_the_sizes_and_compared_with_what_is_free() -> None:
    assert estimate_gb(HOSTS["osediff"]) == pytest.approx(5.2 + 0.02 + 4.0)
    assert estimate_gb(HOSTS["embedded"]) < estimate_gb(HOSTS["osediff"])
    found = diagnose()
    assert all(host.fits == (host.needs_gb <= found.ram_gb) for host in found.hosts if abs(host.needs_gb - found.ram_gb) > 0.2)
