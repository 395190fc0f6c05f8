"""Pools of every kind, and bytes that can and cannot be had."""

import io
import os
import tarfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tiny_stages import encoded, make_pool

from rapsr_core.curation.items import MAX_BYTES, Item, ReadError, find_items, read_item, shards
from rapsr_core.curation.places import PoolError


def write_tar(path, members, mode="w"):
    with tarfile.open(path, mode) as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


def test_a_folder_gives_every_file_that_is_not_hidden_with_posix_ids_in_order(tmp_path):
    make_pool(tmp_path, 3)
    (tmp_path / "notes.txt").write_text("a candidate as well")
    (tmp_path / ".hidden").write_text("")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "x.png").write_text("")
    items = find_items(tmp_path)
    assert [i.id for i in items] == ["a/001.png", "b/c/000.png", "b/c/002.png", "notes.txt"]
    assert read_item(items[1]) == encoded(0)


@pytest.mark.parametrize("beside", [True, False])
def test_a_manifest_beside_the_folder_or_in_it_gives_package_and_licence(tmp_path, beside):
    pool = make_pool(tmp_path / "pool", 2)
    home, cut = (tmp_path, "pool/") if beside else (pool, "")
    (home / "manifest.tsv").write_text(f"file\tpackage\tlicence\n{cut}a/001.png\tpkg\tCC0\n")
    items = find_items(pool)
    assert [(i.id, i.package, i.licence) for i in items] == [("a/001.png", "pkg", "CC0"), ("b/c/000.png", None, None)]


def test_a_webdataset_shard_gives_its_images_each_readable_alone(tmp_path):
    members = {"s/0001.png": encoded(1), "s/0001.json": b"{}", "s/0002.jpg": encoded(2, format="JPEG")}
    write_tar(tmp_path / "shard-000.tar", members)
    for pool in (tmp_path / "shard-000.tar", tmp_path, f"file://{tmp_path}", f"file://{tmp_path}/shard-000.tar"):
        items = find_items(pool)
        assert [i.id for i in items] == ["shard-000.tar/s/0001.png", "shard-000.tar/s/0002.jpg"]
        assert [read_item(i) for i in items] == [members["s/0001.png"], members["s/0002.jpg"]]


def test_a_compressed_tar_is_refused(tmp_path):
    write_tar(tmp_path / "x.tar", {"a.png": encoded(0)}, "w:gz")
    with pytest.raises(PoolError, match="uncompressed"):
        find_items(tmp_path / "x.tar")


def test_lists_hold_paths_relative_to_them_absolute_paths_and_uris(tmp_path):
    make_pool(tmp_path, 3)
    lines = ["b/c/000.png", f"{tmp_path}/a/001.png", f"file://{tmp_path}/b/c/002.png"]
    (tmp_path / "list.txt").write_text("\n".join(lines) + "\n\n")
    pq.write_table(pa.table({"uri": lines, "id": ["x", "y", "z"], "licence": ["CC0", None, None]}), tmp_path / "list.parquet")
    assert {i.id: read_item(i) for i in find_items(tmp_path / "list.txt")} == {line: encoded(k) for k, line in enumerate(lines)}
    items = find_items(f"file://{tmp_path}/list.parquet")
    assert [(i.id, i.licence, read_item(i)) for i in items] == [
        ("x", "CC0", encoded(0)),
        ("y", None, encoded(1)),
        ("z", None, encoded(2)),
    ]


def test_a_uri_of_a_folder_gives_the_same_ids_as_its_path_and_fsspec_opens_what_pyarrow_cannot(tmp_path):
    import fsspec

    make_pool(tmp_path, 3)
    (tmp_path / ".hidden").write_text("")
    assert [i.id for i in find_items(f"file://{tmp_path}")] == [i.id for i in find_items(tmp_path)]
    fsspec.filesystem("memory").pipe("/tiny-pool/a.png", encoded(7))
    (item,) = find_items("memory://tiny-pool")
    assert (item.id, read_item(item)) == ("a.png", encoded(7))


def test_a_pool_that_is_not_there_empty_or_ambiguous_is_an_error_that_says_so(tmp_path):
    with pytest.raises(PoolError, match="no pool at"):
        find_items(tmp_path / "nothing")
    with pytest.raises(PoolError, match="has no files"):
        find_items(tmp_path)
    (tmp_path / "twice.txt").write_text("a.png\na.png\n")
    with pytest.raises(PoolError, match=r"two candidates have the id 'a.png'"):
        find_items(tmp_path / "twice.txt")
    pq.write_table(pa.table({"picture": ["a"]}), tmp_path / "odd.parquet")
    with pytest.raises(PoolError, match="columns picture; one of source"):
        find_items(tmp_path / "odd.parquet")
    with pytest.raises(PoolError, match="nosuchscheme"):
        find_items("nosuchscheme://bucket/x")


def test_a_name_that_is_not_utf8_is_a_candidate_with_a_printable_id(tmp_path):
    path = os.fsencode(tmp_path) + b"/caf\xe9.png"
    with open(path, "wb") as file:
        file.write(encoded(1))
    (item,) = find_items(tmp_path)
    assert item.id == "caf\\udce9.png" and read_item(item) == encoded(1)


def test_what_is_missing_no_regular_file_too_large_or_cut_short_is_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ReadError, match="not a regular file"):
        read_item(Item("pipe.png", str(tmp_path / "pipe.png")))
    with pytest.raises(FileNotFoundError):
        read_item(Item("x", str(tmp_path / "x")))
    with pytest.raises(FileNotFoundError):
        read_item(Item("x", f"file://{tmp_path}/x"))
    with (tmp_path / "huge.png").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(ReadError, match="at most 400 MB"):
        read_item(Item("huge.png", str(tmp_path / "huge.png")))
    (tmp_path / "short.tar").write_bytes(b"x" * 100)
    with pytest.raises(ReadError, match="ends 50 bytes early"):
        read_item(Item("m", str(tmp_path / "short.tar"), span=(50, 100)))


def test_shards_are_runs_of_the_items():
    items = [Item(str(k), str(k)) for k in range(5)]
    assert [[i.id for i in run] for run in shards(items, 2)] == [["0", "1"], ["2", "3"], ["4"]]
