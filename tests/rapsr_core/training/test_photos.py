"""Photographs for training from a dataset in HFAID's layout."""

import json

import pytest
import torch

from rapsr_core.curation.dataset import Kept, write_dataset
from rapsr_core.curation.dataset_card import Facts
from rapsr_core.images import ImageError, png_bytes
from rapsr_core.training.photos import training_photos
from train.common import caption_all

FACTS = Facts("t", "p", "embedded", (), ())


def photo(seed: int) -> bytes:
    return png_bytes(torch.rand(1, 3, 40, 48, generator=torch.Generator().manual_seed(seed)))


def official(folder, texts: dict[str, dict]) -> None:
    """As RAP-SR's HFAID.zip unpacks: image/ and caption/, nothing else."""
    for name in ("image", "caption"):
        (folder / name).mkdir()
    for number, (stem, caption) in enumerate(texts.items()):
        (folder / f"image/{stem}.png").write_bytes(photo(number))
        if caption:
            (folder / f"caption/{stem}.json").write_text(json.dumps(caption))


def test_the_released_layout_is_read_with_its_captions(tmp_path):
    florence = {"microsoft-Florence-2-large-ft": {"<MORE_DETAILED_CAPTION>": "A cat on a wall."}}
    official(tmp_path, {"a": {"blip": {"<CAPTION>": "cat"}} | florence, "b": {"blip": {"<CAPTION>": "A dog."}}, "c": {}})
    photos = training_photos(tmp_path)
    assert [(p.name, p.caption) for p in photos] == [
        ("image/a.png", "A cat on a wall."),
        ("image/b.png", "A dog."),
        ("image/c.png", ""),
    ]


def test_training_uses_the_captions_of_the_dataset_even_after_a_tagger_was_there_and_tags_only_what_has_none(tmp_path):
    pytest.importorskip("efficientnet_lite_pytorch")
    official(tmp_path, {"a": {"x": {"<T>": "A cat on a wall."}}, "c": {}})
    known = tmp_path / "cache/captions.json"
    known.parent.mkdir()
    known.write_text('{"image/a.png": "a photo"}')
    captions = caption_all(training_photos(tmp_path), known)
    assert captions["image/a.png"] == "A cat on a wall."
    assert captions["image/c.png"].startswith("a photo")
    assert json.loads(known.read_text()) == captions


def test_our_own_export_is_read_back_without_what_is_held_out(tmp_path):
    pytest.importorskip("efficientnet_lite_pytorch")
    ids = ["pool/gcompris__a.png", "pool/budgie-backgrounds__lake.png", "other/gcompris__a.png"]
    kept = [Kept(i, lambda n=n: photo(n), {"appeal": 0.5}, licence=f"licence {n}") for n, i in enumerate(ids)]
    write_dataset(kept, tmp_path, "embedded", FACTS)
    photos = training_photos(tmp_path)
    assert sorted(p.licence for p in photos) == ["licence 0", "licence 2"]  # budgie-backgrounds is in the test set
    rows = {row["file_name"]: row["text"] for row in map(json.loads, (tmp_path / "metadata.jsonl").read_text().splitlines())}
    assert {p.name: p.caption for p in photos} == {p.name: rows[p.name] for p in photos}
    assert all(p.caption for p in photos)


def test_a_dataset_without_images_is_an_error(tmp_path):
    official(tmp_path, {})
    with pytest.raises(ImageError, match="no photographs for training"):
        training_photos(tmp_path)


def test_a_folder_of_other_folders_is_read_as_before(tmp_path):
    (tmp_path / "image").mkdir()
    (tmp_path / "image/a.png").write_bytes(photo(1))
    (tmp_path / "b.png").write_bytes(photo(2))
    assert [p.name for p in training_photos(tmp_path)] == ["b.png", "image/a.png"]
