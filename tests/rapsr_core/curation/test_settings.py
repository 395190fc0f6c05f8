import pytest

from rapsr_core.curation.items import find_items
from rapsr_core.curation.settings import SettingsError, begin, settings
from rapsr_core.curation.stages import ADMISSION


def test_a_pool_is_the_same_by_whatever_path_it_is_named_and_another_is_refused(tmp_path, monkeypatch):
    pool = tmp_path / "pool"
    pool.mkdir()
    (pool / "a.png").write_bytes(b"1")
    asked = settings(find_items(pool), [ADMISSION], 64)
    begin(tmp_path / "out", asked)
    monkeypatch.chdir(tmp_path)
    begin(tmp_path / "out", settings(find_items("pool"), [ADMISSION], 64))
    (pool / "b.png").write_bytes(b"2")
    with pytest.raises(SettingsError, match=r"pool.images was 1, is 2; pool.sha256 of names, places and licences was"):
        begin(tmp_path / "out", settings(find_items("pool"), [ADMISSION], 64))
