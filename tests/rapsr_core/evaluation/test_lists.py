import numpy as np
import pytest
import torch

from rapsr_core.degradation import PRESETS
from rapsr_core.evaluation.choosing import (
    MAX_OVERLAP,
    MIN_ENERGY,
    alternate,
    centre_crop,
    choose_crops,
    gradient_energy,
)
from rapsr_core.evaluation.lists import COLUMNS, NAMES, Entry, ListError, degraded, make_list, named_list, read_list
from rapsr_core.holdout import TEST_PACKAGES, VALIDATION_PACKAGES
from rapsr_core.images import read, save_png

LINE = "pool/a.png\t3\t5\t96\t96\trapsr\t7"


def packages(name: str) -> set[str]:
    return {entry.file.split("/")[1].split("__")[0] for entry in named_list(name)}


def noise(height: int, width: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).random((1, 3, height, width), dtype=np.float32))


# The committed lists


def test_heldout_is_forty_or_more_512_px_crops_of_every_held_out_package():
    entries = named_list("heldout")
    assert len(entries) >= 40
    assert {(entry.width, entry.height) for entry in entries} == {(512, 512)}
    assert packages("heldout") == TEST_PACKAGES


def test_validation_shares_no_photograph_with_the_test():
    assert packages("validation") == VALIDATION_PACKAGES
    assert len({entry.file for entry in named_list("validation")}) == 12
    assert {(entry.width, entry.height) for entry in named_list("validation")} == {(384, 384)}


@pytest.mark.parametrize("name", ["heldout", "validation"])
def test_degraded_lists_alternate_presets_and_never_repeat_a_seed(name):
    entries = named_list(name)
    assert [entry.preset for entry in entries[:4]] == ["rapsr", "seesr_mild"] * 2
    assert {entry.preset for entry in entries} <= set(PRESETS)
    assert len({entry.seed for entry in entries}) == len(entries)


def test_real_lq_is_one_crop_of_at_most_160_px_each_without_reference():
    entries = named_list("real_lq")
    assert len(entries) == len({entry.file for entry in entries}) == 40
    assert max(max(entry.width, entry.height) for entry in entries) == 160
    assert {(entry.preset, entry.seed) for entry in entries} == {(None, None)}


@pytest.mark.parametrize("name", NAMES)
def test_names_are_unique_and_lines_are_what_was_read(name):
    entries = named_list(name)
    assert len({entry.name for entry in entries}) == len(entries)
    assert all(len(entry.line().split("\t")) == len(COLUMNS) for entry in entries)


def test_unknown_list():
    with pytest.raises(ListError, match="'heldin'; there are real_lq, heldout, validation"):
        named_list("heldin")


# Reading


def test_read_list(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text(f"# about\n{LINE}\nreal/b.jpg\t0\t0\t9\t8\t-\t-\n")
    entries = read_list(path)
    assert entries == [Entry("pool/a.png", 3, 5, 96, 96, "rapsr", 7), Entry("real/b.jpg", 0, 0, 9, 8)]
    assert [entry.line() for entry in entries] == path.read_text().splitlines()[1:]
    assert entries[0].name == "a_x3_y5"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a.png\t1\t2", "a.txt:1: 3 tab-separated columns, 7 expected"),
        (LINE.replace("96", "wide"), "invalid literal.*'wide'"),
        (LINE.replace("\t7", "\t-"), "preset is rapsr and seed is -"),
        (f"{LINE}\n{LINE}", "a_x3_y5 is there twice"),
    ],
)
def test_wrong_lines(tmp_path, text, message):
    path = tmp_path / "a.txt"
    path.write_text(text)
    with pytest.raises(ListError, match=message):
        read_list(path)


# Materialising


def test_make_list(tmp_path):
    photo = noise(112, 128)
    save_png(photo, tmp_path / "a.png")
    entries = [Entry("a.png", 3, 5, 96, 96, "rapsr", 7), Entry("a.png", 0, 0, 40, 32)]
    assert list(make_list(entries, tmp_path, tmp_path / "set")) == ["a_x3_y5", "a_x0_y0"]
    stored = read(tmp_path / "a.png")
    crop = stored[..., 5:101, 3:99]
    assert torch.equal(read(tmp_path / "set/hq/a_x3_y5.png"), crop)
    lq = read(tmp_path / "set/lq/a_x3_y5.png")
    assert lq.shape == (1, 3, 24, 24)
    assert (lq - degraded(crop, entries[0])).abs().max() <= 0.5 / 255 + 1e-6
    assert torch.equal(read(tmp_path / "set/lq/a_x0_y0.png"), stored[..., :32, :40])
    assert not (tmp_path / "set/hq/a_x0_y0.png").exists()


def test_degradation_is_by_seed():
    crop = noise(96, 96)
    entry = Entry("a.png", 0, 0, 96, 96, "rapsr", 7)
    assert torch.equal(degraded(crop, entry), degraded(crop, entry))
    assert not torch.equal(degraded(crop, entry), degraded(crop, Entry("a.png", 0, 0, 96, 96, "rapsr", 8)))


def test_make_list_refuses_before_it_writes(tmp_path):
    entries = [Entry("a.png", 0, 0, 8, 8), Entry("b.png", 0, 0, 8, 8)]
    with pytest.raises(ListError, match=r"a\.png and 1 more not found below"):
        list(make_list(entries, tmp_path, tmp_path / "set"))
    assert not (tmp_path / "set").exists()


def test_make_list_refuses_a_smaller_photograph(tmp_path):
    save_png(noise(20, 20), tmp_path / "a.png")
    with pytest.raises(ListError, match=r"20 x 20, too small for the crop 16 x 16 at \(8, 0\)"):
        list(make_list([Entry("a.png", 8, 0, 16, 16)], tmp_path, tmp_path / "set"))


# Choosing


def test_gradient_energy_of_a_ramp():
    ramp = (torch.arange(32.0) / 255 * 3).expand(1, 3, 32, 32)
    assert gradient_energy(ramp) == pytest.approx(3, abs=1e-4)
    assert gradient_energy(torch.full((1, 3, 8, 8), 0.3)) == pytest.approx(0, abs=1e-6)


def test_the_crop_with_content_is_chosen(tmp_path):
    photo = torch.full((1, 3, 128, 256), 0.5)
    photo[..., 160:] = noise(128, 96)
    save_png(photo, tmp_path / "a.png")
    save_png(torch.full((1, 3, 128, 256), 0.5), tmp_path / "sky.png")
    chosen = choose_crops(tmp_path, ["a.png", "sky.png"], 96, 5)
    best = max(chosen, key=lambda entry: entry.x)
    assert best.x > 130
    assert {entry.file for entry in chosen} == {"a.png"}, "sky is under MIN_ENERGY"
    for entry in chosen:
        crop = photo[..., entry.y : entry.y + 96, entry.x : entry.x + 96]
        assert gradient_energy(crop) > MIN_ENERGY
    assert chosen == choose_crops(tmp_path, ["a.png", "sky.png"], 96, 5)


def test_every_photograph_comes_before_any_second_crop(tmp_path):
    for name, strength in (("a", 1.0), ("b", 0.2), ("c", 0.4)):
        save_png(noise(200, 200) * strength, tmp_path / f"{name}.png")
    files = ["a.png", "b.png", "c.png"]
    assert [entry.file for entry in choose_crops(tmp_path, files, 96, 3)] == files
    crops = choose_crops(tmp_path, files, 96, 6)
    assert [entry.file for entry in crops] == [file for file in files for _ in range(2)]
    for first, second in zip(crops[::2], crops[1::2], strict=True):
        shared = max(0, 96 - abs(first.x - second.x)) * max(0, 96 - abs(first.y - second.y))
        assert shared / 96**2 <= MAX_OVERLAP


def test_alternate_and_centre_crop():
    entries = alternate([Entry(f"{n}.png", 0, 0, 8, 8) for n in "abc"], 50)
    assert [(entry.preset, entry.seed) for entry in entries] == [("rapsr", 50), ("seesr_mild", 51), ("rapsr", 52)]
    assert centre_crop("a.png", 800, 100, 160) == Entry("a.png", 320, 0, 160, 100)
