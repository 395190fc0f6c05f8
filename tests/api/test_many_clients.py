"""Twenty clients at once, and clients that leave: the one compute slot is nobody's for long, and nobody gets another's result."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.client import Job
from gradio_client.utils import QueueError
from PIL import Image
from studio_process import ROOT, Studio

from rapsr_core.images import read
from studio.page import MOST_WAITING

CLIENTS = 20
WAIT_S = 240
LONG: dict[str, Any] = {"steps": 200, "cleaner": "none", "caption": "a cat"}
LEAVING = ROOT / "tests/support/leaving_client.py"


@dataclass(frozen=True)
class Asked:
    """What one client sends."""

    path: Path
    size: tuple[int, int]
    colour: tuple[int, int, int]
    recipe: dict[str, Any]


def asked(number: int, folder: Path) -> Asked:
    """Each has a colour, a size and a seed that no other has."""
    size = (16 + number % 5, 16 + number // 5)
    colour = (40 + 9 * number, 230 - 9 * number, 60 + 60 * (number % 3))
    path = folder / f"client-{number}.png"
    Image.new("RGB", size, colour).save(path)
    recipe = {"seed": 1000 + number, "steps": 1 + number % 2, "cleaner": "none", "caption": f"picture {number}"}
    return Asked(path, size, colour, recipe)


def connected(url: str) -> Client:
    return Client(url, verbose=False, httpx_kwargs={"timeout": WAIT_S})


def call(url: str, one: Asked) -> tuple[str, str, dict[str, Any]]:
    answer: tuple[str, str, dict[str, Any]] = connected(url).predict(
        image=handle_file(one.path), recipe=one.recipe, api_name="/compare"
    )
    return answer


def test_twenty_clients_at_once_each_get_their_own_result(tiny: Studio, client: Client, tmp_path: Path) -> None:
    everyone = [asked(number, tmp_path) for number in range(CLIENTS)]
    began = time.monotonic()
    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(lambda one: call(tiny.url, one), everyone))
    print(f"{CLIENTS} clients: {time.monotonic() - began:.1f} s")
    for one, (baseline, enhanced, report) in zip(everyone, answers, strict=True):
        recipe = report["recipe"]
        assert {name: recipe[name] for name in one.recipe} == one.recipe
        for branch in (baseline, enhanced):
            assert Path(branch).name.startswith(f"{one.path.stem}-") and f"seed{recipe['seed']}" in Path(branch).name
            image = read(branch)
            assert (image.shape[-1], image.shape[-2]) == (4 * one.size[0], 4 * one.size[1])
            # the wavelet fix gives a result the colours of its input, whatever the random weights drew
            assert [255 * value for value in image.mean((0, 2, 3)).tolist()] == pytest.approx(one.colour, abs=6)


def test_a_client_that_cancels_frees_the_slot(tiny: Studio, client: Client, large: Path, tmp_path: Path) -> None:
    """Its 200 steps are not walked to the end."""
    job = connected(tiny.url).submit(image=handle_file(large), recipe=LONG, api_name="/compare")
    wait_for_a_step(job)
    began = time.monotonic()
    wait_for_a_step(job, after=9)
    whole_s = (time.monotonic() - began) / 9 * LONG["steps"] * 2
    job.cancel()
    waited_s = next_client_s(tiny, tmp_path)
    print(f"of {whole_s:.0f} s that were left")
    assert waited_s < whole_s / 2


def test_a_client_that_is_killed_frees_the_slot(tiny: Studio, client: Client, large: Path, tmp_path: Path) -> None:
    """kill -9: nothing tells the server but the connection, which is gone."""
    with until_killed(tiny, large) as leaving:
        wait_for(leaving, "running")
        began = time.monotonic()
        wait_for(leaving, "10 steps")
        whole_s = (time.monotonic() - began) / 9 * LONG["steps"] * 2
    waited_s = next_client_s(tiny, tmp_path)
    print(f"of {whole_s:.0f} s that were left")
    assert waited_s < whole_s / 2


def test_a_client_that_is_killed_while_it_waits_is_not_computed_for(
    tiny: Studio, client: Client, large: Path, tmp_path: Path
) -> None:
    running = connected(tiny.url).submit(image=handle_file(large), recipe=LONG, api_name="/compare")
    wait_for_a_step(running)
    with until_killed(tiny, large) as leaving:
        wait_for(leaving, "waiting")
    before = runs(tiny)
    running.cancel()
    next_client_s(tiny, tmp_path)
    assert runs(tiny) == before + 1, "the folder of the next client's run alone"


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "large.png"
    Image.effect_noise((96, 96), 60).convert("RGB").save(path)
    return path


def runs(tiny: Studio) -> int:
    """Folders of runs, of all sessions."""
    return sum(path.is_dir() for path in (tiny.cache / "runs").glob("*/*"))


def wait_for_a_step(job: Job, after: int = 0) -> None:
    """The first, or as many later."""
    deadline = time.monotonic() + WAIT_S
    while sum("step" in outputs[2].get("progress", "") for outputs in job.outputs()) <= after:
        assert time.monotonic() < deadline and not job.done()
        time.sleep(0.05)


@contextmanager
def until_killed(tiny: Studio, photo: Path) -> Iterator[subprocess.Popen[str]]:
    """A client in a process of its own, killed at the end of the block."""
    command = [sys.executable, str(LEAVING), tiny.url, str(photo), json.dumps(LONG)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def wait_for(process: subprocess.Popen[str], state: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == state:
            return
    pytest.fail(f"the client ended before it was {state}")


def next_client_s(tiny: Studio, folder: Path) -> float:
    """How long a small comparison takes that comes now."""
    began = time.monotonic()
    call(tiny.url, asked(3, folder))
    seconds = time.monotonic() - began
    print(f"the next client's answer took {seconds:.1f} s")
    return seconds


def test_whoever_finds_the_queue_full_is_told(tiny: Studio, client: Client, large: Path) -> None:
    """One runs and as many wait as the page allows; they are taken back afterwards."""
    with large.open("rb") as file:
        (path,) = httpx.post(f"{tiny.url}/gradio_api/upload", files={"files": file}).json()
    body = {"data": [{"path": path, "meta": {"_type": "gradio.FileData"}}, LONG, [], None]}
    events = []
    try:
        while (answer := httpx.post(f"{tiny.url}/gradio_api/call/compare", json=body, timeout=WAIT_S)).status_code == 200:
            events.append(answer.json()["event_id"])
            assert len(events) <= MOST_WAITING + 1
        assert len(events) >= MOST_WAITING
        assert (answer.status_code, answer.json()["detail"]) == (503, "Queue is full. Max size is 64 and size is 64.")
        with pytest.raises(QueueError, match="Queue is full"):
            client.predict(image=handle_file(large), recipe=LONG, api_name="/compare")
    finally:
        for event in reversed(events):  # those that wait first
            httpx.post(
                f"{tiny.url}/gradio_api/cancel", json={"event_id": event, "session_hash": event, "fn_index": 0}, timeout=WAIT_S
            )
    next_client_s(tiny, large.parent)
