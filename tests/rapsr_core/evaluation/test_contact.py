import torch
from PIL import Image

from rapsr_core.evaluation.contact import GAP_PX, TITLE_PX, busiest, page
from rapsr_core.images import read, save_png
from train.contact import main


def test_the_busiest_square_has_the_texture():
    image = torch.full((1, 3, 128, 160), 0.5)
    image[..., 64:96, 96:128] = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    y, x = busiest(image, 32)
    assert (y, x) == (64, 96)


def test_every_column_shows_the_same_place_pixel_for_pixel(tmp_path):
    noise = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    for folder, image in (("a", noise), ("b", 1 - noise)):
        (tmp_path / folder).mkdir()
        save_png(image, tmp_path / folder / "x.png")
    page({"first": tmp_path / "a", "second": tmp_path / "b"}, ["x"], 32, "second", tmp_path / "page.png")
    sheet = read(tmp_path / "page.png")
    assert sheet.shape[-2:] == (32 + GAP_PX + TITLE_PX, 2 * (32 + GAP_PX))
    left, right = (sheet[..., TITLE_PX : TITLE_PX + 32, k * (32 + GAP_PX) : k * (32 + GAP_PX) + 32] for k in (0, 1))
    y, x = busiest(read(tmp_path / "b/x.png"), 32)
    torch.testing.assert_close(left, read(tmp_path / "a/x.png")[..., y : y + 32, x : x + 32])
    assert (left + right - 1).abs().max() <= 1.01 / 255


def test_command(tmp_path, capsys):
    (tmp_path / "a").mkdir()
    Image.new("RGB", (40, 40)).save(tmp_path / "a/x.png")
    main(["--column", f"mine={tmp_path / 'a'}", "--out", str(tmp_path / "page.png"), "--side", "32"])
    assert (tmp_path / "page.png").is_file()
    assert "crops where mine is busiest" in capsys.readouterr().out
