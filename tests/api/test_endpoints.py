"""What the API serves: names, descriptions and types as clients see them, every action, and what is refused."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
import torch
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError, ValidationError
from PIL import Image
from studio_process import Studio

from rapsr_core import captions
from rapsr_core.comparison import Comparer
from rapsr_core.degradation.pipeline import replay
from rapsr_core.images import read, read_png_text, to_uint8
from rapsr_core.quality.scoring import score
from rapsr_core.recipe import Recipe
from rapsr_core.sweep.definition import Sweep

NAMES = [
    "/compare", "/sweep", "/score", "/degrade", "/caption", "/encode", "/hosts", "/refinements", "/presets", "/degradations", "/metrics",
]  # fmt: skip
QUICK = {"steps": 1, "cleaner": "none", "caption": "a cat"}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Large enough to be degraded: 130 x 98 px, no multiples of 4."""
    path = tmp_path_factory.mktemp("scene") / "scene.png"
    Image.effect_noise((130, 98), 60).convert("RGB").save(path)
    return path


def pixels(path: str | Path) -> torch.Tensor:
    return torch.from_numpy(to_uint8(read(path)))


def test_exactly_these_endpoints_are_served_and_each_says_what_it_takes_and_gives(tiny: Studio, client: Client) -> None:
    for everything in ("false", "true"):  # true: the undocumented ones as well
        info = httpx.get(f"{tiny.url}/gradio_api/info", params={"all_endpoints": everything}).json()
        assert list(info["named_endpoints"]) == NAMES
        assert info["unnamed_endpoints"] == {}
    for name, endpoint in info["named_endpoints"].items():
        assert len(endpoint["description"]) > 20, name
        assert endpoint["returns"], name
        for part in (*endpoint["parameters"], *endpoint["returns"]):
            assert part["label"].isidentifier() and part["type"]["type"], (name, part)
            assert part["type"]["description"] == part["python_type"]["description"] != "", (name, part)
            assert part["python_type"]["type"] not in ("Any", "", None), (name, part)
        assert [part["parameter_name"] for part in endpoint["parameters"]] == [part["label"] for part in endpoint["parameters"]]
        assert [part["component"] for part in endpoint["parameters"] if part["label"] in ("image", "truth")] == [
            "File" for part in endpoint["parameters"] if part["label"] in ("image", "truth")
        ]


@pytest.mark.parametrize("name", ["page_compare", "page_sweep", "page_make_pair", "pick", "keep"])
def test_the_page_s_own_events_are_none_of_a_client_s(client: Client, name: str) -> None:
    """Gradio hides them from its clients; the page itself calls them by number, so HTTP cannot be closed to them."""
    with pytest.raises(ValueError, match="Cannot find a function"):
        client.predict(api_name=f"/{name}")


def test_compare_gives_the_pixels_of_the_core_and_a_report(client: Client, comparer: Comparer, photo: Path) -> None:
    baseline, enhanced, report = client.predict(image=handle_file(photo), recipe=QUICK, api_name="/compare")
    recipe = Recipe.from_json(report["recipe"])
    same = comparer.run(read(photo), recipe)
    assert torch.equal(pixels(baseline), torch.from_numpy(to_uint8(same.baseline)))
    assert torch.equal(pixels(enhanced), torch.from_numpy(to_uint8(same.enhanced)))
    assert json.loads(read_png_text(enhanced)["rapsr-recipe"]) == report["recipe"]
    assert set(report["scores"]["enhanced"]) == {"niqe", "brisque", "piqe", "grid"}


def test_compare_streams_its_progress_and_takes_a_ground_truth(client: Client, photo: Path, tmp_path: Path) -> None:
    Image.effect_noise((128, 96), 30).convert("RGB").save(tmp_path / "truth.png")
    job = client.submit(
        image=handle_file(photo), recipe=QUICK | {"steps": 3}, metrics=["ilniqe"], truth=handle_file(tmp_path / "truth.png"),
        api_name="/compare",
    )  # fmt: skip
    _, _, report = job.result()
    told = [report["progress"] for _, _, report in job.outputs() if "progress" in report]
    assert any("step 2 of 3" in sentence for sentence in told)
    assert {"ilniqe", "psnr", "ssim", "lpips"} <= set(report["scores"]["enhanced"])


def test_sweep_gives_grids_csv_and_report(client: Client, photo: Path) -> None:
    axes = [{"axis": "seed", "values": [1, 2]}, {"axis": "enhanced.strength", "values": [0.0, 1.0]}]
    job = client.submit(image=handle_file(photo), axes=axes, recipe=QUICK, api_name="/sweep")
    enhanced, baseline, table, report = job.result()
    assert Sweep.from_json(json.loads(read_png_text(enhanced)["rapsr-sweep"])).shape == (2, 2)
    assert read(baseline).shape == read(enhanced).shape
    rows = list(csv.DictReader(Path(table).read_text().splitlines()))
    assert [(row["seed"], row["enhanced.strength"]) for row in rows] == [("1", "0.0"), ("1", "1.0"), ("2", "0.0"), ("2", "1.0")]
    assert [cell["recipe"]["seed"] for cell in sorted(report["cells"], key=lambda cell: cell["cell"])] == [1, 1, 2, 2]
    assert all(cell["scores"]["enhanced"]["niqe"] > 0 and not cell["error"] for cell in report["cells"])
    assert any("4 of 4" in outputs[3].get("progress", "") for outputs in job.outputs())


def test_score_is_the_core_s(client: Client, scene: Path, tmp_path: Path) -> None:
    found = client.predict(image=handle_file(scene), api_name="/score")
    assert found["size_px"] == [130, 98]
    own = score(read(scene), ("niqe", "brisque", "piqe", "grid"))
    assert {name: row["value"] for name, row in found["scores"].items()} == pytest.approx({k: v.value for k, v in own.items()})
    Image.effect_noise((130, 98), 20).convert("RGB").save(tmp_path / "truth.png")
    other = client.predict(
        image=handle_file(scene), metrics=["psnr"], truth=handle_file(tmp_path / "truth.png"), api_name="/score"
    )
    assert other["scores"]["psnr"]["value"] == pytest.approx(
        score(read(scene), ["psnr"], read(tmp_path / "truth.png"))["psnr"].value
    )


def test_degrade_is_replayed_by_its_record(client: Client, scene: Path) -> None:
    lq, hq, record = client.predict(image=handle_file(scene), preset="seesr_mild", seed=7, api_name="/degrade")
    assert read(hq).shape[-2:] == (96, 128) and read(lq).shape[-2:] == (24, 32)
    assert json.loads(read_png_text(lq)["rapsr-degradation"]) == record
    assert torch.equal(pixels(lq), torch.from_numpy(to_uint8(replay(read(hq), record))))


def test_the_short_calls_answer_from_the_tables(client: Client, comparer: Comparer, photo: Path) -> None:
    assert client.predict(image=handle_file(photo), api_name="/caption") == captions.caption(read(photo))
    prompts = client.predict(recipe={"caption": "a cat"}, api_name="/encode")
    assert prompts == json.loads(json.dumps(comparer.prompts(Recipe(caption="a cat"))))
    hosts = {row["name"]: row for row in client.predict(api_name="/hosts")}
    assert hosts["embedded"]["runs"] and not hosts["osediff"]["runs"] and "osediff" in hosts["osediff"]["missing"].lower()
    refinements = client.predict(api_name="/refinements")
    assert [row["name"] for row in refinements] == ["embedded", "none"]
    presets = client.predict(host="x4-upscaler", api_name="/presets")
    assert presets["fast"]["recipe"]["steps"] == 25
    assert client.predict(api_name="/degradations")["rapsr"]["scale"] == 4
    assert {row["name"]: row["lower_better"] for row in client.predict(api_name="/metrics")}["psnr"] is False
    for row in hosts.values():
        Recipe.from_json(row["recipe"])


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("/compare", {"recipe": {"stepz": 4}}, "recipe: unknown recipe field 'stepz'"),
    ("/compare", {"recipe": {"enhanced": {"refinement": "/etc"}}}, "recipe: enhanced.refinement is '/etc'"),
    ("/compare", {"recipe": []}, "recipe is []: Input should be a valid dictionary"),
    ("/compare", {"metrics": ["musiq"]}, "metrics[0] is 'musiq'"),
    ("/compare", {"recipe": {"host": "osediff"}}, "cannot run here"),
    ("/sweep", {"axes": [{"axis": "soap", "values": [1]}]}, "axes: no axis 'soap'"),
    ("/sweep", {"axes": [{"path": "seed", "values": [1]}]}, "is no axis; it must be an object with axis"),
    ("/sweep", {"axes": []}, "axes: a sweep of 0 axes"),
    ("/sweep", {"axes": [{"axis": "seed", "values": list(range(200))}]}, "200 cells; at most 100"),
    ("/score", {"metrics": []}, "metrics is empty"),
    ("/score", {"metrics": ["psnr"]}, "psnr compare with a ground truth"),
    ("/degrade", {"seed": 1.5}, "seed is 1.5: Input should be a valid integer"),
    ("/degrade", {"seed": True}, "seed is True"),
    ("/degrade", {"preset": "soap"}, "preset is 'soap'"),
    ("/degrade", {}, "needs at least 80 px a side"),
    ("/presets", {"host": "soap"}, "host is 'soap'"),
    ("/encode", {"recipe": {"steps": 0}}, "steps is 0"),
]


@pytest.mark.parametrize(("name", "changed", "message"), BAD)
def test_what_is_wrong_is_refused_before_the_queue_with_its_parameter(
    client: Client, photo: Path, name: str, changed: dict[str, Any], message: str
) -> None:
    given = changed if name in ("/presets", "/encode") else {"image": handle_file(photo), **changed}
    with pytest.raises(ValidationError) as raised:
        client.predict(**given, api_name=name)
    assert message in str(raised.value)


def test_a_damaged_file_is_refused(client: Client, photo: Path, tmp_path: Path) -> None:
    (tmp_path / "damaged.png").write_bytes(photo.read_bytes()[:200])
    for name in ("/compare", "/score", "/degrade", "/caption"):
        with pytest.raises(ValidationError, match=r"'damaged.png' is damaged or incomplete"):
            client.predict(image=handle_file(tmp_path / "damaged.png"), api_name=name)


@pytest.mark.parametrize("path", ["/etc/passwd", str(Path(__file__)), "assets/prior/codec.json", "../../etc/passwd"])
def test_a_path_of_the_server_is_no_file(tiny: Studio, client: Client, path: str) -> None:
    """Even of a picture: what was not uploaded is not read."""
    file = {"path": path, "meta": {"_type": "gradio.FileData"}}
    answer = httpx.post(f"{tiny.url}/gradio_api/call/score", json={"data": [file, ["niqe"], None]})
    assert answer.status_code == 400
    assert "was not uploaded" in answer.text or "Cannot move" in answer.text, answer.text


def test_what_fails_in_the_queue_says_why(client: Client, tiny: Studio) -> None:
    with pytest.raises((AppError, ValidationError, ValueError)) as raised:
        client.predict(image=None, api_name="/caption")
    assert "no photograph yet" in str(raised.value)
