"""The exported folder: RAP-SR's layout, datasets' ImageFolder, and what our training reads of it."""

import hashlib
import json
import math
from pathlib import Path

import datasets
import pytest
import torch
import yaml
from PIL import Image

from rapsr_core.captions import CaptionError
from rapsr_core.curation import dataset
from rapsr_core.curation.columns import Rule
from rapsr_core.curation.dataset import DatasetError, Kept, names, write_dataset
from rapsr_core.curation.dataset_card import Facts
from rapsr_core.curation.selecting import Step
from rapsr_core.images import png_bytes

FACTS = Facts(
    title="Forty good photographs",
    pool="a pool of 90",
    judge="embedded",
    funnel=(Step("admission", 90, 60, {"short_side_px": 20, "duplicate": 10}), Step("judgement", 60, 5, {"appeal": 55})),
    thresholds=(Rule("short_side_px", low=512), Rule("appeal", low=0.61234, best=0.7)),
)
pytest.importorskip("efficientnet_lite_pytorch")


def encoded(seed: int, kind: str = "PNG") -> bytes:
    data = png_bytes(torch.rand(1, 3, 40, 48, generator=torch.Generator().manual_seed(seed)))
    if kind == "PNG":
        return data
    from io import BytesIO

    out = BytesIO()
    Image.open(BytesIO(data)).save(out, kind)
    return out.getvalue()


FILES = {
    "pool/b/photo.png": encoded(1),
    "pool/a/photo.jpeg": encoded(2, "JPEG"),  # shares its stem, so would share a caption file
    "pool/a/Photo.webp": encoded(3, "WEBP"),  # and with capitals, on a Mac or Windows
    "shard-0001/plain key [1].v2.jpg": encoded(4, "JPEG"),
    "wrong.jpg": encoded(5),  # a PNG by another name
}


def kept(files: dict[str, bytes] = FILES) -> list[Kept]:
    rows = {i: {"appeal": 0.5 + n / 10, "judge": "embedded", "niqe": math.nan if n == 1 else 3.0} for n, i in enumerate(files)}
    return [
        Kept(i, lambda data=data: data, rows[i], licence="CC0" if n else "CC-BY|4.0", source=f"where {i} is from")
        for n, (i, data) in enumerate(files.items())
    ]


def contents(folder: Path) -> dict[str, str]:
    files = (p for p in sorted(folder.rglob("*")) if p.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("set") / "out"
    write_dataset(kept(), out, "embedded", FACTS)
    return out


def rows(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "metadata.jsonl").read_text().splitlines()]


def test_images_are_byte_copies_under_names_of_their_own_and_with_the_suffix_of_what_they_are(written):
    by_id = {row["id"]: row["file_name"] for row in rows(written)}
    assert {i: (written / name).read_bytes() for i, name in by_id.items()} == FILES
    assert by_id["wrong.jpg"] == "image/wrong.png"
    assert by_id["shard-0001/plain key [1].v2.jpg"] == "image/plain_key__1__v2.jpg"
    assert len({name.rsplit(".", 1)[0].casefold() for name in by_id.values()}) == len(FILES)
    assert sorted(p.name for p in (written / "image").iterdir()) == sorted(n.removeprefix("image/") for n in by_id.values())


def test_captions_are_in_the_form_that_the_official_loader_reads(tmp_path):
    """The nested lookup of RAP-SR's `get_caption_value`, with the captioner whose key it asks for."""
    from rapsr_core import captions

    florence = captions.CAPTIONERS["florence-2-large-ft"]
    path = tmp_path / "caption.json"
    path.write_bytes(dataset._with_caption(path, florence, "A cat."))
    data = json.loads(path.read_text())
    assert data["microsoft-Florence-2-large-ft"]["<MORE_DETAILED_CAPTION>"] == "A cat."


def test_rows_are_sorted_and_carry_text_scores_licence_and_source(written):
    found = rows(written)
    assert [row["id"] for row in found] == sorted(FILES)
    first = next(row for row in found if row["id"] == "pool/b/photo.png")
    caption = json.loads((written / "caption" / Path(first["file_name"]).with_suffix(".json").name).read_text())
    assert first["text"] == caption["embedded-tagger"]["<TAGS>"] != ""
    assert (first["appeal"], first["licence"], first["source"]) == (0.5, "CC-BY|4.0", "where pool/b/photo.png is from")
    assert [row["niqe"] for row in found if row["id"] == "pool/a/photo.jpeg"] == [None]  # not measured


@pytest.mark.parametrize("how", ["imagefolder", "folder"])
def test_datasets_loads_it_with_captions_and_scores(written, tmp_path, how):
    if how == "imagefolder":
        loaded = datasets.load_dataset("imagefolder", data_dir=str(written), split="train", cache_dir=str(tmp_path))
    else:
        loaded = datasets.load_dataset(str(written), split="train", cache_dir=str(tmp_path))  # by the card's own configuration
    found = {row["id"]: row for row in loaded}
    assert set(found) == set(FILES)
    for expected in rows(written):
        row = found[expected["id"]]
        assert row["text"] == expected["text"] and row["appeal"] == pytest.approx(expected["appeal"])
        assert row["image"].size == (48, 40)


def test_the_card_has_funnel_thresholds_and_licences(written):
    text = (written / "README.md").read_text()
    header = yaml.safe_load(text.split("---\n")[1])
    assert header["pretty_name"] == FACTS.title and header["size_categories"] == ["n<1K"]
    for line in (
        "5 images chosen from a pool of 90",
        "| admission | 90 | 60 | short_side_px 20, duplicate 10 |",
        "| `appeal` | 0.6123 |  | 70% |",
        "| `short_side_px` | 512 |  |  |",
        "| CC0 | 4 |",
        "| CC-BY\\|4.0 | 1 |",
        "Judge of stage 3: `embedded`",
    ):
        assert line in text


def test_a_second_run_leaves_the_same_folder_and_captions_nothing(written, monkeypatch):
    before = contents(written)
    monkeypatch.setattr(dataset, "caption_many", None)  # calling it would fail
    write_dataset(kept()[::-1], written, "embedded", FACTS)
    assert contents(written) == before


@pytest.mark.parametrize("writes", range(1, 12))
def test_a_run_killed_after_any_write_and_started_again_gives_the_same_folder(written, tmp_path, monkeypatch, writes):
    out, done, real = tmp_path / "out", [], dataset._write

    def dies(path: Path, data: bytes) -> None:
        if len(done) == writes:
            (out / ".writing").write_bytes(data[: len(data) // 2])  # half a file, where a killed process leaves it
            raise KeyboardInterrupt
        done.append(path)
        real(path, data)

    monkeypatch.setattr(dataset, "BATCH", 2)
    with monkeypatch.context() as patched:
        patched.setattr(dataset, "_write", dies)
        with pytest.raises(KeyboardInterrupt):
            write_dataset(kept(), out, "embedded", FACTS)
    assert not (out / "README.md").exists()
    write_dataset(kept(), out, "embedded", FACTS)
    assert contents(out) == contents(written)


def test_a_changed_original_is_written_and_captioned_again(tmp_path):
    write_dataset(kept({"a.png": encoded(1)}), tmp_path, "embedded", FACTS)
    path = tmp_path / "caption/a.json"
    path.write_text(json.dumps({"embedded-tagger": {"<TAGS>": "of the old picture"}, "other": {"<TASK>": "kept"}}))
    write_dataset(kept({"a.png": encoded(1)}), tmp_path, "embedded", FACTS)
    assert rows(tmp_path)[0]["text"] == "of the old picture"
    write_dataset(kept({"a.png": encoded(9)}), tmp_path, "embedded", FACTS)
    assert (tmp_path / "image/a.png").read_bytes() == encoded(9)
    assert rows(tmp_path)[0]["text"] != "of the old picture"
    assert json.loads(path.read_text())["other"] == {"<TASK>": "kept"}


def test_another_selection_is_not_mixed_into_a_folder(tmp_path):
    write_dataset(kept({"a.png": encoded(1), "b.png": encoded(2)}), tmp_path, "embedded", FACTS)
    before = contents(tmp_path)
    with pytest.raises(
        DatasetError, match=r"holds 1 files that are not in this selection, the first 'a.png'; give another folder"
    ):
        write_dataset(kept({"b.png": encoded(2)}), tmp_path, "embedded", FACTS)
    assert contents(tmp_path) == before


def test_nothing_kept_an_id_twice_no_image_and_an_unknown_captioner_are_errors(tmp_path):
    with pytest.raises(DatasetError, match="no image was kept"):
        write_dataset([], tmp_path, "embedded", FACTS)
    with pytest.raises(DatasetError, match="id 'a' is in the selection twice"):
        names(["a", "b", "a"])
    with pytest.raises(DatasetError, match=r"'a.png' was kept and is no image"):
        write_dataset(kept({"a.png": b"text"}), tmp_path, "embedded", FACTS)
    with pytest.raises(CaptionError, match="unknown captioner 'blip'"):
        write_dataset(kept(), tmp_path, "blip", FACTS)


def test_progress_is_told_by_batch(tmp_path, monkeypatch):
    monkeypatch.setattr(dataset, "BATCH", 2)
    told: list[int] = []
    write_dataset(kept(), tmp_path, "embedded", FACTS, told.append)
    assert told == [2, 2, 1]
