import pytest
import torch

from rapsr_core.evaluation.pairs import EvaluationError, Pair, degradation_seed, find_pairs, load, read_names
from rapsr_core.images import read, save_png


def folder(path, *names, size=(96, 96)):
    path.mkdir()
    for index, name in enumerate(names):
        generator = torch.Generator().manual_seed(index)
        save_png(torch.rand(1, 3, *size, generator=generator), path / name)
    return path


def test_pairs_by_stem(tmp_path):
    lq = folder(tmp_path / "lq", "b.png", "a.png")
    hq = folder(tmp_path / "hq", "a.jpg", "b.png", "c.png")
    assert find_pairs(lq, None) == [Pair("a", lq / "a.png", None), Pair("b", lq / "b.png", None)]
    assert find_pairs(lq, hq) == [Pair("a", lq / "a.png", hq / "a.jpg"), Pair("b", lq / "b.png", hq / "b.png")]
    assert [pair.name for pair in find_pairs(None, hq)] == ["a", "b", "c"]
    assert [pair.name for pair in find_pairs(lq, None, ["b"])] == ["b"]


def test_other_files_are_left_alone(tmp_path):
    lq = folder(tmp_path / "lq", "a.png")
    (lq / "notes.txt").write_text("hello")
    assert [pair.name for pair in find_pairs(lq, None)] == ["a"]


def test_refusals(tmp_path):
    lq = folder(tmp_path / "lq", "a.png", "b.png")
    other = folder(tmp_path / "other", "x.png")
    empty = folder(tmp_path / "empty")
    twice = folder(tmp_path / "twice", "a.png", "a.jpg")
    for arguments, message in (
        ((None, None), "give --lq"),
        ((tmp_path / "nowhere", None), "no folder at .*nowhere"),
        ((lq, tmp_path / "nowhere"), "no folder at .*nowhere"),
        ((empty, None), "no images in .*empty"),
        ((twice, None), r"holds a\.jpg and a\.png"),
        ((lq, other), "2 of 2 images in .*lq have no reference of the same stem in .*other: a, b"),
        ((lq, None, ["a", "z"]), "not in .*lq: z"),
    ):
        with pytest.raises(EvaluationError, match=message):
            find_pairs(*arguments)


def test_names_of_a_list(tmp_path):
    path = tmp_path / "list.txt"
    path.write_text("# some\npool/a.b.png\t3\t4\n\nc\na.b.png\nd.JPG\n")
    assert read_names(path) == ["a.b", "c", "d"]
    path.write_text("# none\n")
    with pytest.raises(EvaluationError, match="names no image"):
        read_names(path)
    with pytest.raises(EvaluationError, match="no list at"):
        read_names(tmp_path / "nothing.txt")


def test_load_degrades_by_name_and_seed(tmp_path):
    hq = folder(tmp_path / "hq", "a.png", size=(99, 98)) / "a.png"
    image, reference = load(Pair("a", None, hq), "rapsr", 3)
    assert image.shape == (1, 3, 24, 24)
    assert torch.equal(reference, read(hq)[..., :96, :96])
    assert torch.equal(image, load(Pair("a", None, hq), "rapsr", 3)[0])
    assert not torch.equal(image, load(Pair("b", None, hq), "rapsr", 3)[0])
    assert not torch.equal(image, load(Pair("a", None, hq), "rapsr", 4)[0])
    assert torch.equal((image * 255).round() / 255, image), "as a file would hold it"
    assert degradation_seed("a", 3) != degradation_seed("a", 4)


def test_a_reference_too_small_to_be_degraded(tmp_path):
    hq = folder(tmp_path / "hq", "a.png", size=(64, 96)) / "a.png"
    with pytest.raises(EvaluationError, match="a is 96 x 64 px; to be degraded it needs 80"):
        load(Pair("a", None, hq), "rapsr", 3)


def test_load_checks_the_size_of_the_reference(tmp_path):
    lq = folder(tmp_path / "lq", "a.png", size=(16, 24)) / "a.png"
    hq = folder(tmp_path / "hq", "a.png", size=(64, 96)) / "a.png"
    wrong = folder(tmp_path / "wrong", "a.png", size=(64, 64)) / "a.png"
    image, reference = load(Pair("a", lq, hq), "rapsr", 0)
    assert image.shape == (1, 3, 16, 24)
    assert reference.shape == (1, 3, 64, 96)
    assert load(Pair("a", lq, None), "rapsr", 0)[1] is None
    with pytest.raises(EvaluationError, match=r"a: the input is 24 x 16 and its reference 64 x 64; .* must be 96 x 64"):
        load(Pair("a", lq, wrong), "rapsr", 0)
