"""Two visitors of one server: what each has is its own, and goes when it goes; what is too large is not taken."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import pytest
from gradio_client import Client, handle_file
from studio_process import TINY, Studio, studio

QUICK = {"steps": 1, "cleaner": "none", "caption": "a cat"}
KEPT_S = 2


@pytest.fixture(scope="module")
def short(assets: Path, tmp_path_factory: pytest.TempPathFactory):
    """A studio whose closed sessions are forgotten in seconds."""
    environment = {"RAPSR_SESSION_FILES_S": str(KEPT_S)}
    with studio(tmp_path_factory.mktemp("short"), environment, (TINY, str(assets))) as found:
        yield found


def compared(server: Studio, photo: Path) -> tuple[Client, Path]:
    """A client with one result, and the folder of its session."""
    before = set((server.cache / "runs").glob("*"))
    client = Client(server.url, verbose=False, httpx_kwargs={"timeout": 120}, download_files=False)
    client.predict(image=handle_file(photo), recipe=QUICK, api_name="/compare")
    (folder,) = set((server.cache / "runs").glob("*")) - before
    return client, folder


def test_the_files_of_a_closed_session_are_deleted_and_another_s_stay(short: Studio, photo: Path) -> None:
    one, ones = compared(short, photo)
    other, others = compared(short, photo)
    assert list(ones.rglob("*.png")) and list(others.rglob("*.png"))
    one.close()
    deadline = time.monotonic() + 60
    while ones.exists() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not ones.exists()
    assert list(others.rglob("*.png"))
    other.predict(api_name="/metrics")


def test_an_upload_over_the_limit_is_refused(tiny: Studio, client: Client) -> None:
    large = b"\0" * (64 * 2**20 + 1)
    answer = httpx.post(f"{tiny.url}/gradio_api/upload", files={"files": ("large.png", large)}, timeout=120)
    assert answer.status_code == 413, answer.text
    assert "64" in answer.text


def test_no_control_of_the_page_shows_a_path_of_the_server(tiny: Studio, client: Client) -> None:
    """Values, choices and help of every component, but for files that the page itself shows (examples, through Gradio's file route)."""
    config = httpx.get(f"{tiny.url}/config", timeout=120).json()
    home, root = str(Path.home()), str(Path(__file__).parents[2])
    for component in config["components"]:
        shown = {
            k: v
            for k, v in component["props"].items()
            if k in ("label", "info", "value", "placeholder", "choices", "html_template")
        }
        if component["props"].get("elem_id") == "examples":
            shown.pop("value")
        for place in (home + "/", root, str(tiny.cache), "/tmp/"):
            assert place not in str(shown), (component["type"], component["props"].get("elem_id"), place)
