from pathlib import Path

import pytest

from rapsr_core.weights import VARIABLE, Weights, WeightsError, fetch, find, require, shown

UNET = Weights(
    "SeeSR UNet", "seesr/unet.safetensors", 3.4, "Apache-2.0", (("gone/repo", "a.safetensors"), ("a/mirror", "b.safetensors"))
)
DIRECT = Weights("OSEDiff", "osediff/osediff.pkl", 0.02, "Apache-2.0", url="https://example.org/osediff.pkl")
BY_HAND = Weights("DAPE", "DAPE.pth", 0.1, "Apache-2.0", page="https://example.org/dape")


pytestmark = pytest.mark.usefixtures("empty")


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True)
    path.write_bytes(b"weights")
    return path


def cached(folder: Path, repository: str, file: str) -> Path:
    """A file as the hub's own cache keeps it."""
    home = folder / "hub" / f"models--{repository.replace('/', '--')}"
    (home / "refs").mkdir(parents=True)
    (home / "refs/main").write_text("abc")
    return put(home / "snapshots/abc" / file)


def test_the_weights_folder_comes_first_then_any_repository_in_the_cache(empty):
    assert find(UNET) is None
    mirror = cached(empty, "a/mirror", "b.safetensors")
    assert find(UNET) == fetch(UNET) == mirror
    own = put(empty / "weights/seesr/unet.safetensors")
    assert find(UNET) == own
    assert require([UNET]) == {"SeeSR UNet": own}


def test_all_that_is_missing_is_told_with_the_command_that_gets_it(empty):
    with pytest.raises(WeightsError) as told:
        require([UNET, DIRECT, BY_HAND])
    message = str(told.value)
    assert "SeeSR UNet (3.4 GB, Apache-2.0) is not at $RAPSR_WEIGHTS/seesr/unet.safetensors" in message
    assert "hf download gone/repo a.safetensors (mirrors: a/mirror)" in message
    assert "curl -fL --create-dirs -o $RAPSR_WEIGHTS/osediff/osediff.pkl https://example.org/osediff.pkl." in message
    assert "DAPE (0.1 GB, Apache-2.0)" in message and "fetch it from https://example.org/dape and put it there." in message
    assert str(empty) not in message, "visitors of a public page read it"


def test_without_the_variable_messages_name_the_default_folder(empty, monkeypatch):
    monkeypatch.delenv(VARIABLE)
    monkeypatch.setenv("HOME", str(empty))
    with pytest.raises(WeightsError) as error:
        require([UNET])
    assert "is not at ~/.cache/rapsr/weights/seesr/unet.safetensors" in str(error.value)
    assert str(empty) not in str(error.value)


def test_a_download_that_fails_says_what_every_repository_answered(empty):
    with pytest.raises(WeightsError, match=r"Asked: gone/repo: .*; a/mirror: "):
        fetch(UNET)
    with pytest.raises(WeightsError, match="nobody, it is on no hub"):
        fetch(BY_HAND)


def test_a_path_that_is_there_is_shown_without_the_machines_folders(empty):
    assert shown(put(empty / "weights/seesr/unet.safetensors")) == "$RAPSR_WEIGHTS/seesr/unet.safetensors"
    assert shown(cached(empty, "a/mirror", "b.safetensors")) == "b.safetensors in the hub's cache"
    assert shown(empty / "mine.pth") == str(empty / "mine.pth"), "as the user gave it"
