import json
from pathlib import Path

import pytest
from huggingface_hub import constants

from rapsr_core.hosts.registry import HOSTS
from rapsr_core.weights import VARIABLE
from train.doctor import main


@pytest.fixture(autouse=True)
def nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "weights"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return ended.value.code


def test_the_default_host_decides_and_the_table_tells_of_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 0
    out = capsys.readouterr().out
    rows = {line.split()[0]: line.split()[1] for line in out.splitlines() if line.split()[:1] and line.split()[0] in HOSTS}
    assert rows == {name: "yes" if row.prior == "embedded" else "no" for name, row in HOSTS.items()}
    for row in HOSTS.values():
        assert f"{row.name}: {row.label}. Code {row.code_licence}; weights {row.weights_licence}" in out and row.parity in out
        assert all(f"missing  {weights.name}, " in out for weights in row.weights)
    assert "(mirrors: Manojb/stable-diffusion-2-1-base)" in out
    assert all(f"  {name}: " in out for name in ("pyiqa", "ray", "bitsandbytes", "spaces")) and out.startswith("device   ")


def test_a_named_host_decides_for_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--host", "osediff") == 1
    out = capsys.readouterr().out
    assert "curl -fL --create-dirs -o $RAPSR_WEIGHTS/osediff/osediff.pkl https://" in out and "controlnet-tile" not in out
    assert run("--host", "embedded") == 0


def test_programs_read_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--json") == 0
    found = json.loads(capsys.readouterr().out)
    hosts = {host["name"]: host for host in found["hosts"]}
    assert (
        hosts["embedded"]["runs"] and hosts["embedded"]["prior"]["where"] == "assets/prior" and hosts["embedded"]["missing"] == ""
    )
    assert not hosts["osediff"]["runs"] and hosts["osediff"]["prior"]["mirrors"] == ["Manojb/stable-diffusion-2-1-base"]
    assert found["default_host"] == "embedded" and found["ram_gb"] > 0 and found["device"]


def test_an_unknown_host_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--host", "swinir") == 2
    assert "host is 'swinir'; it must be one of embedded" in capsys.readouterr().err
