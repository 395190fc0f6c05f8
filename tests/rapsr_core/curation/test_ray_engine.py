"""A local Ray cluster of two workers against the local engine, with one worker killed midway."""

import hashlib
import os
import signal
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest
from tiny_stages import BREAKABLE, LIGHT, SIZE, encoded, make_pool, names_noted, noted

from rapsr_core.curation.engines import score_pool
from rapsr_core.curation.items import find_items
from rapsr_core.curation.local import EngineError, Local
from rapsr_core.curation.manifest import part_path, read_manifest
from rapsr_core.curation.ray_engine import Ray
from rapsr_core.curation.shard import DIED

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def cluster():
    """Two nodes of one CPU each besides a head without any."""
    ray = pytest.importorskip("ray", reason="Ray is not installed: pip install -r requirements-ray.txt")
    from ray.cluster_utils import Cluster

    env = {"env_vars": {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests' / 'support'}"}}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "object_store_memory": 100_000_000})
    for _ in range(2):
        cluster.add_node(num_cpus=1, object_store_memory=100_000_000)
    ray.init(address=cluster.address, runtime_env=env, log_to_driver=False)
    yield cluster
    ray.shutdown()
    cluster.shutdown()


def sha(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def kill_one_worker(log, after, killed):
    """SIGKILL the process that measured last, once `after` images were begun."""
    while len(names_noted(log)) < after:
        time.sleep(0.02)
    pid = int(Path(log).read_text().splitlines()[-1].split()[0])
    os.kill(pid, signal.SIGKILL)
    killed.append(pid)


@pytest.mark.slow
def test_with_one_of_two_workers_killed_midway_the_manifest_is_the_local_engines_to_the_byte(cluster, tmp_path):
    pool = make_pool(tmp_path / "pool", 40)
    log, killed, told = tmp_path / "log", [], []
    stages = (SIZE, noted(log, 0.1), LIGHT)
    killer = threading.Thread(target=kill_one_worker, args=(log, 15, killed))
    killer.start()
    on_ray = score_pool(find_items(pool), stages, tmp_path / "ray", Ray(2, 2), told.append, shard_images=8)
    killer.join()
    times, pids = Counter(names_noted(log)), {line.split()[0] for line in log.read_text().splitlines()}
    assert killed and len(pids) == 3, "two workers, and the one that took the place of the killed"
    assert len(times) == 40 and sorted(times.values())[-2:] == [1, 2], "only the image under way was begun again"
    assert (told[-1].done, told[-1].errors) == (40, 0)
    locally = score_pool(find_items(pool), stages, tmp_path / "local", Local(2), told.append, shard_images=8)
    assert sha(on_ray) == sha(locally)


@pytest.mark.slow
def test_an_image_that_kills_its_actor_is_a_row_and_the_local_engine_agrees(cluster, tmp_path):
    pool = make_pool(tmp_path / "pool", 6)
    (pool / "a" / "exit.png").write_bytes(encoded(1))
    (pool / "a" / "cut.png").write_bytes(encoded(1)[:300])
    stages = (SIZE, BREAKABLE)
    items = find_items(f"file://{pool}")
    on_ray = score_pool(items, stages, tmp_path / "ray", Ray(1, 2), lambda _: None, shard_images=3)
    read = read_manifest(on_ray)
    errors = {name: error for name, error in zip(read["id"], read["error"], strict=True) if error}
    assert errors.pop("a/exit.png") == DIED and list(errors) == ["a/cut.png"]
    by_ray = sha(on_ray)
    assert by_ray == sha(score_pool(items, stages, tmp_path / "local", Local(2), lambda _: None, shard_images=3))
    part_path(tmp_path / "ray", 1).unlink()
    assert by_ray == sha(score_pool(items, stages, tmp_path / "ray", Local(1), lambda _: None, shard_images=3)), (
        "resumed by the other"
    )


def test_without_ray_the_engine_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(EngineError, match=r"pip install -r requirements-ray\.txt"):
        score_pool(find_items(make_pool(tmp_path / "pool", 2)), (SIZE,), tmp_path / "out", Ray(), lambda _: None)
