"""Scoring on a pool of processes: kills, deaths, resuming."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from signals import heard
from tiny_stages import BREAKABLE, FAILING, LIGHT, SIZE, encoded, make_pool, names_noted, noted

from rapsr_core.curation.engines import score_pool, seconds_per_image
from rapsr_core.curation.items import find_items
from rapsr_core.curation.journal import whole_lines
from rapsr_core.curation.local import EngineError, Local
from rapsr_core.curation.manifest import read_manifest
from rapsr_core.curation.settings import SettingsError
from rapsr_core.curation.shard import DIED

SCRIPT = Path(__file__).parents[2] / "support" / "score_tiny.py"
ROOT = Path(__file__).parents[3]


def sha(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def run_script(pool, out, log, delay_s):
    env = os.environ | {"PYTHONPATH": f"{ROOT}:{SCRIPT.parent}"}
    command = [sys.executable, str(SCRIPT), str(pool), str(out), str(log), str(delay_s)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, env=env, start_new_session=True, preexec_fn=heard, **quiet)


def rows_on_disk(out):
    """Names with a row, in a journal or part."""
    done = set()
    for path in (out / "journal").glob("*.jsonl"):
        done |= {line["row"]["id"].rsplit("/", 1)[-1] for line in whole_lines(path)[0] if "row" in line}
    for path in (out / "parts").glob("part-*.parquet"):
        done |= {name.rsplit("/", 1)[-1] for name in read_manifest(path)["id"]}
    return done


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    return make_pool(tmp_path_factory.mktemp("pool"), 30)


@pytest.fixture(scope="module")
def uninterrupted(pool, tmp_path_factory):
    """Scores of the pool by one worker in one go."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    stages = (SIZE, LIGHT, noted(folder / "log"))
    return score_pool(find_items(pool), stages, folder / "out", Local(1), lambda _: None, shard_images=8)


@pytest.mark.parametrize("how", [signal.SIGKILL, pytest.param(signal.SIGINT, marks=pytest.mark.slow)])
def test_a_run_stopped_midway_ends_in_the_same_bytes_with_no_row_measured_twice(pool, uninterrupted, tmp_path, how):
    out, log = tmp_path / "out", tmp_path / "log"
    first = run_script(pool, out, log, 0.1)
    wait_for(lambda: len(names_noted(log)) >= 11)
    os.kill(first.pid, how)  # the parent alone: its workers must end by themselves
    first.wait()
    wait_for(lambda: len(open_workers(log)) == 0, 10)
    before, done = set(names_noted(log)), rows_on_disk(out)
    assert 0 < len(done) < 30 and not (out / "scores.parquet").exists()
    resumed = score_pool(find_items(pool), (SIZE, LIGHT, noted(log, 0.1)), out, Local(2), lambda _: None, shard_images=8)
    times = Counter(names_noted(log))
    assert set(times) == {f"{k:03}.png" for k in range(30)}
    again = {name for name, n in times.items() if n > 1}
    assert not again & done and again <= before and len(again) <= 2 and max(times.values()) <= 2
    assert sha(resumed) == sha(uninterrupted)
    assert not (out / "journal").exists()


def open_workers(log):
    """Processes that measured and are alive."""
    pids = {int(line.split()[0]) for line in Path(log).read_text().splitlines()}
    return {
        pid
        for pid in pids
        if Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().split(")")[1][:3]
    }


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A pool with everything that goes wrong, scored."""
    folder = tmp_path_factory.mktemp("hostile")
    pool = make_pool(folder / "pool", 6)
    for name in ("kill.png", "exit.png", "bug.png", "memory.png"):
        (pool / "b" / name).write_bytes(encoded(1))
    (pool / "b" / "cut.png").write_bytes(encoded(2)[:500])
    (pool / "b" / "zero.jpg").write_bytes(b"")
    (pool / "b" / "loop.png").symlink_to(pool / "b" / "loop.png")
    os.mkfifo(pool / "b" / "pipe.png")
    (pool / "b" / "bomb.png").write_bytes(bomb())
    told = []
    stages = (SIZE, noted(folder / "log"), BREAKABLE)
    path = score_pool(find_items(pool), stages, folder / "out", Local(2), told.append, shard_images=5)
    return folder, stages, path, told


def bomb():
    """A PNG that says it is 60 000 pixels a side."""
    data = bytearray(encoded(0))
    data[16:24] = (60000).to_bytes(4, "big") * 2
    import zlib

    data[29:33] = zlib.crc32(bytes(data[12:29])).to_bytes(4, "big")
    return bytes(data)


def test_hostile_files_are_rows_with_a_reason_and_the_others_are_measured(hostile):
    read = read_manifest(hostile[2])
    errors = {name.rsplit("/", 1)[-1]: error for name, error in zip(read["id"], read["error"], strict=True)}
    assert errors.pop("kill.png") == errors.pop("exit.png") == DIED
    starts = {"bug.png": "ZeroDivisionError", "memory.png": "MemoryError", "cut.png": "ImageError", "zero.jpg": "ImageError"}
    starts |= {"loop.png": "OSError", "pipe.png": "ReadError", "bomb.png": "ImageError: 'bomb.png' is 60000 x 60000"}
    for name, start in starts.items():
        assert errors.pop(name).startswith(start)
    assert errors == {f"{k:03}.png": "" for k in range(6)}


def test_an_image_that_kills_workers_is_tried_twice_and_no_other_is_measured_again(hostile):
    times = Counter(names_noted(hostile[0] / "log"))
    assert times.pop("kill.png") == times.pop("exit.png") == 2
    assert set(times.values()) == {1} and len(times) == 8


def test_progress_counts_images_and_errors_and_ends_with_all_of_them(hostile):
    told = hostile[3]
    assert told[0].done == 0 and told[0].images_per_s is None
    assert [p.done for p in told] == sorted(p.done for p in told)
    assert (told[-1].done, told[-1].total, told[-1].errors, told[-1].seconds_left) == (15, 15, 9, 0)
    assert told[-1].images_per_s > 0


def test_a_finished_run_is_not_scored_again_and_knows_its_seconds(hostile):
    folder, stages, path, _ = hostile
    before, told = path.stat().st_mtime_ns, []
    lines = names_noted(folder / "log")
    again = score_pool(find_items(folder / "pool"), stages, folder / "out", Local(1), told.append, shard_images=5)
    assert again == path and path.stat().st_mtime_ns > before and names_noted(folder / "log") == lines
    assert [(p.done, p.errors) for p in told] == [(15, 9)]
    assert list(seconds_per_image(folder / "out")) == ["read", "size", "noted", "breakable"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"shard_images": 6}, "shard_images was 5, is 6"),
        ({"stages": (SIZE,)}, r"stages.noted was .*, is absent"),
        (
            {"stages": (SIZE, noted("elsewhere"), BREAKABLE)},
            r"stages.noted.build was .*build_noted\('.*log', 0.0\).*, is .*elsewhere",
        ),
        ({"items": slice(1, None)}, "pool.images was 15, is 14"),
    ],
)
def test_resuming_with_other_settings_is_refused_and_names_what_differs(hostile, changed, said):
    folder, stages, _, _ = hostile
    items = find_items(folder / "pool")[changed.get("items", slice(None))]
    with pytest.raises(SettingsError, match=said):
        score_pool(items, changed.get("stages", stages), folder / "out", Local(1), print, changed.get("shard_images", 5))


def test_a_stage_that_cannot_be_built_ends_the_run_with_its_own_words(pool, tmp_path):
    with pytest.raises(EngineError, match="the weights are not there"):
        score_pool(find_items(pool), (FAILING,), tmp_path, Local(1), print)


def test_two_runs_at_once_in_one_folder_are_refused(pool, tmp_path):
    import fcntl

    with (tmp_path / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(EngineError, match="another run is writing"):
            score_pool(find_items(pool), (SIZE, LIGHT), tmp_path, Local(1), print)


def test_no_workers_at_all_are_refused():
    with pytest.raises(ValueError, match="0 workers"):
        Local(0)
