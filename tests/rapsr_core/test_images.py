import io
import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms

from rapsr_core.images import MAX_PIXELS, ImageError, png_bytes, read, read_png_text, resize, save_png, to_uint8


def photo(height: int = 24, width: int = 32, channels: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def pixels(source) -> np.ndarray:
    return to_uint8(read(source))


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_file(width: int, height: int, bits: int, colour: int, rows: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", rows) + png_chunk(b"IEND", b"")


# Sources and round trip


def test_every_kind_of_source_gives_the_same_tensor(tmp_path):
    array = photo()
    path = tmp_path / "a.png"
    Image.fromarray(array).save(path)
    expected = torch.from_numpy(array.astype(np.float32) / 255).permute(2, 0, 1)[None]
    for source in (path, str(path), path.read_bytes(), Image.fromarray(array), array):
        image = read(source)
        assert image.shape == (1, 3, 24, 32)
        assert image.dtype == torch.float32
        assert image.is_contiguous()
        assert torch.equal(image, expected)


def test_png_round_trip_is_bit_exact(tmp_path):
    every_value = np.arange(256 * 3, dtype=np.uint32).reshape(16, 16, 3).astype(np.uint8)
    path = save_png(read(every_value), tmp_path / "a.png")
    assert np.array_equal(pixels(path), every_value)
    assert torch.equal(read(path), read(every_value))
    assert path.read_bytes() == png_bytes(read(every_value))


def test_to_uint8_clamps_and_rounds_half_to_even():
    values = torch.tensor([-0.2, 0.5 / 255, 1.5 / 255, 254.6 / 255, 1.3])
    assert to_uint8(values.expand(1, 3, 1, 5))[0, :, 0].tolist() == [0, 0, 2, 255, 255]


def test_png_text_round_trip(tmp_path):
    text = {"recipe": '{"steps": 8, "caption": "ein Kätzchen 猫"}', "note": "x" * 5000}
    path = save_png(read(photo()), tmp_path / "a.png", text)
    assert read_png_text(path) == text
    assert read_png_text(path.read_bytes()) == text
    assert read_png_text(png_bytes(read(photo()))) == {}


def test_png_text_refuses_other_files(tmp_path):
    with pytest.raises(ImageError, match="JPEG, not PNG"):
        read_png_text(encoded(Image.fromarray(photo()), "JPEG"))
    (tmp_path / "a.txt").write_text("hello")
    with pytest.raises(ImageError, match=r"'a\.txt' is not an image"):
        read_png_text(tmp_path / "a.txt")


@pytest.mark.parametrize("size", [(9, 13), (48, 64), (24, 40)])
def test_resize_is_pillows_bicubic(size):
    plane = np.random.default_rng(1).random((24, 32), dtype=np.float32) * 0.5 + 0.25
    image = torch.from_numpy(plane).expand(1, 3, 24, 32)
    expected = np.asarray(Image.fromarray(plane).resize(size[::-1], Image.Resampling.BICUBIC)).clip(0, 1)
    assert np.abs(resize(image, size)[0, 1].numpy() - expected).max() < 2e-5


def test_resize_is_clamped():
    edge = torch.zeros(1, 3, 16, 16)
    edge[..., 8:] = 1
    enlarged = resize(edge, (64, 64))
    assert enlarged.min() == 0
    assert enlarged.max() == 1


# Colour modes


def test_grey_and_one_bit():
    grey = photo(channels=1)[..., 0]
    assert np.array_equal(pixels(encoded(Image.fromarray(grey), "PNG")), grey[..., None].repeat(3, -1))
    bilevel = Image.fromarray(grey > 127)
    assert bilevel.mode == "1"
    assert np.array_equal(pixels(encoded(bilevel, "PNG"))[..., 0], (grey > 127) * np.uint8(255))


def test_palette_with_and_without_transparency():
    palette = Image.fromarray(photo()).quantize(16)
    assert np.array_equal(pixels(encoded(palette, "PNG")), np.asarray(palette.convert("RGB")))
    clear = np.asarray(palette) == 3
    expected = np.where(clear[..., None], 255, np.asarray(palette.convert("RGB")))
    assert np.array_equal(pixels(encoded(palette, "PNG", transparency=3)), expected)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_alpha_is_composited_on_white(mode):
    alpha = np.zeros((24, 32), np.uint8)
    alpha[:, 8:16], alpha[:, 16:] = 128, 255
    source = Image.fromarray(np.full((24, 32), 100, np.uint8)).convert(mode)
    source.putalpha(Image.fromarray(alpha))
    result = pixels(source if mode == "PA" else encoded(source, "PNG"))
    assert (result[:, :8] == 255).all()
    assert np.abs(result[:, 8:16].astype(int) - 177).max() <= 1
    assert (result[:, 16:] == 100).all()


def test_grey_transparency_colour_of_a_png():
    grey = photo(channels=1)[..., 0]
    grey[0] = 7
    result = pixels(encoded(Image.fromarray(grey), "PNG", transparency=7))
    assert np.array_equal(result[..., 0], np.where(grey == 7, 255, grey))


def test_alpha_of_an_array():
    array = np.concatenate([photo(), np.zeros((24, 32, 1), np.uint8)], -1)
    assert (pixels(array) == 255).all()


def test_sixteen_bit_grey_keeps_its_bits():
    deep = np.random.default_rng(2).integers(0, 65536, (24, 32), dtype=np.uint16)
    image = read(encoded(Image.fromarray(deep), "PNG"))
    assert np.allclose(image[0, 0].numpy(), deep / 65535, atol=1e-7)
    assert torch.equal(image, read(deep))


def test_sixteen_bit_pgm():
    deep = np.random.default_rng(2).integers(0, 65536, (24, 32), dtype=np.uint16)
    image = read(b"P5 32 24 65535\n" + deep.astype(">u2").tobytes())
    assert np.allclose(image[0, 0].numpy(), deep / 65535, atol=1e-7)


def test_sixteen_bit_colour_png_is_reduced_to_eight():
    deep = np.random.default_rng(3).integers(0, 65536, (24, 32, 3), dtype=np.uint16)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in deep)
    result = pixels(png_file(32, 24, 16, 2, zlib.compress(rows)))
    assert np.abs(result - deep / 257).max() <= 1


def test_pixels_without_a_defined_white_are_refused():
    with pytest.raises(ImageError, match="32-bit integer"):
        read(encoded(Image.fromarray(np.full((8, 8), 200, np.int32)), "TIFF"))
    with pytest.raises(ImageError, match="from 0 to 200"):
        read(encoded(Image.fromarray(np.linspace(0, 200, 64, dtype=np.float32).reshape(8, 8)), "TIFF"))


def test_cmyk():
    cmyk = Image.new("CMYK", (32, 24), (0, 255, 255, 0))
    result = pixels(encoded(cmyk, "JPEG", quality=95)).astype(int)
    assert np.abs(result - (255, 0, 0)).max() <= 4


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_animation_gives_the_first_frame(kind):
    frames = [Image.new("RGB", (32, 24), colour) for colour in ((250, 10, 10), (10, 250, 10))]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=40, **options)
    assert Image.open(io.BytesIO(data)).n_frames == 2
    assert (pixels(data) == (250, 10, 10)).all()


def test_animation_already_at_its_second_frame():
    frames = [Image.new("RGB", (32, 24), colour) for colour in ((250, 10, 10), (10, 250, 10))]
    opened = Image.open(io.BytesIO(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])))
    opened.seek(1)
    assert (pixels(opened) == (250, 10, 10)).all()


# Orientation and profiles


@pytest.mark.parametrize(
    ("orientation", "turn"),
    [
        (1, lambda a: a),
        (2, np.fliplr),
        (3, lambda a: np.rot90(a, 2)),
        (4, np.flipud),
        (5, lambda a: a.transpose(1, 0, 2)),
        (6, lambda a: np.rot90(a, -1)),
        (7, lambda a: np.rot90(a, 2).transpose(1, 0, 2)),
        (8, np.rot90),
    ],
)
def test_exif_orientation(orientation, turn):
    array = photo()
    exif = Image.Exif()
    exif[0x0112] = orientation
    assert np.array_equal(pixels(encoded(Image.fromarray(array), "PNG", exif=exif.tobytes())), turn(array))


def matrix_profile(columns: tuple[tuple[float, float, float], ...], gamma: float) -> bytes:
    """A v2 display profile (ICC.1:2001-04) with the given D50 XYZ of red, green, blue."""

    def fixed(value: float) -> bytes:
        return struct.pack(">i", round(value * 65536))

    def xyz(values: tuple[float, float, float]) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(map(fixed, values))

    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    description = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"test\0" + bytes(12 + 67 + 3)
    white = xyz((0.9642, 1.0, 0.8249))
    tags = [(b"desc", description), (b"cprt", b"text\0\0\0\0none\0\0\0\0"), (b"wtpt", white)]
    tags += [(name, xyz(column)) for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True)]
    tags += [(name, curve) for name in (b"rTRC", b"gTRC", b"bTRC")]
    table, body, offset = b"", b"", 128 + 4 + 12 * len(tags)
    for name, data in tags:
        data += bytes(-len(data) % 4)
        table += name + struct.pack(">II", offset + len(body), len(data))
        body += data
    size = offset + len(body)
    header = struct.pack(">I4sI4s4s4s", size, b"lcms", 0x02100000, b"mntr", b"RGB ", b"XYZ ") + struct.pack(
        ">6H", 2026, 1, 1, 0, 0, 0
    )
    header += b"acsp" + bytes(28) + b"".join(map(fixed, (0.9642, 1.0, 0.8249))) + bytes(48)
    return header + struct.pack(">I", len(tags)) + table + body


DISPLAY_P3 = ((0.5151, 0.2412, -0.0011), (0.2919, 0.6922, 0.0419), (0.1572, 0.0666, 0.7841))
SRGB = ((0.4361, 0.2225, 0.0139), (0.3851, 0.7169, 0.0971), (0.1431, 0.0606, 0.7141))


def test_wide_gamut_profile_is_converted():
    profile = matrix_profile(DISPLAY_P3, 2.2)
    colour = np.zeros((8, 8, 3), np.uint8) + np.array([200, 120, 90], np.uint8)
    linear = np.array(DISPLAY_P3).T @ (np.array([200, 120, 90]) / 255) ** 2.2
    srgb = np.linalg.solve(np.array(SRGB).T, linear).clip(0, 1)
    expected = np.where(srgb <= 0.0031308, 12.92 * srgb, 1.055 * srgb ** (1 / 2.4) - 0.055) * 255
    for kind in ("PNG", "TIFF"):
        result = pixels(encoded(Image.fromarray(colour), kind, icc_profile=profile))[0, 0]
        assert np.abs(result - expected).max() <= 1.5
    assert np.abs(expected - (200, 120, 90)).max() > 8, "the profile must matter for this check to mean anything"


def test_profile_keeps_neutral_white_and_alpha():
    white = np.full((8, 8, 4), 255, np.uint8)
    white[:4, :, 3] = 0
    assert (pixels(encoded(Image.fromarray(white), "PNG", icc_profile=matrix_profile(DISPLAY_P3, 2.2))) == 255).all()


def test_srgb_profile_changes_nothing():
    array = photo()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert np.array_equal(pixels(encoded(Image.fromarray(array), "PNG", icc_profile=profile)), array)


def test_profile_of_another_colour_space_is_ignored():
    array = photo()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    assert np.array_equal(pixels(encoded(Image.fromarray(array), "PNG", icc_profile=profile)), array)


def test_unreadable_profile_is_named():
    with pytest.raises(ImageError, match="colour profile in the upload"):
        read(encoded(Image.fromarray(photo()), "PNG", icc_profile=b"not a profile"))


# Modern formats


def test_avif():
    data = encoded(Image.new("RGB", (64, 48), (200, 120, 40)), "AVIF", quality=90)
    assert np.abs(pixels(data).astype(int) - (200, 120, 40)).max() <= 6


def test_heic_is_opened_where_pillow_heif_is_installed():
    pytest.importorskip("pillow_heif").register_heif_opener()
    data = encoded(Image.new("RGB", (64, 48), (200, 120, 40)), "HEIF", quality=90)
    assert np.abs(pixels(data).astype(int) - (200, 120, 40)).max() <= 6


def test_heic_without_pillow_heif_names_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)  # an import of it now fails, as if it were not installed
    with pytest.raises(ImageError, match="pip install pillow-heif"):
        read(b"\0\0\0\x18ftypheic\0\0\0\0heicmif1" + bytes(64))


# Refusals


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"hello, this is a letter" * 20, "not an image"),
        (b"%PDF-1.7\n" + bytes(100), "a PDF document"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' width='4' height='4'/>", "an SVG drawing"),
        (b"\n<?xml version='1.0'?><svg/>", "XML or SVG"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isommp42" + bytes(64), "a video"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 4 4\n", "not an image"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "damaged PNG"),
        (b"\x89PNG\r\n\x1a\n", "damaged PNG"),
        (b"\xff\xd8\xff", "damaged JPEG"),
        (b"GIF89a", "damaged GIF"),
    ],
)
def test_not_an_image(tmp_path, data, message):
    path = tmp_path / "upload.bin"
    path.write_bytes(data)
    with pytest.raises(ImageError, match=message) as by_bytes:
        read(data)
    with pytest.raises(ImageError, match=message) as by_path:
        read(path)
    assert "\n" not in str(by_bytes.value)
    assert "the upload" in str(by_bytes.value)
    assert "'upload.bin'" in str(by_path.value)


def test_missing_file_and_folder(tmp_path):
    for path in (tmp_path / "nothing.png", tmp_path):
        with pytest.raises(ImageError, match="no file at"):
            read(path)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "AVIF", "BMP"])
def test_truncated_file(kind):
    data = encoded(Image.fromarray(photo(128, 128)), kind)
    with pytest.raises(ImageError, match="damaged"):
        read(data[: len(data) // 2])


def test_truncated_pil_image():
    data = encoded(Image.fromarray(photo(64, 64)), "PNG")
    with pytest.raises(ImageError, match="the image is damaged"):
        read(Image.open(io.BytesIO(data[: len(data) // 2])))


def bomb(width: int, height: int) -> bytes:
    deflate = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    rows = b"".join(deflate.compress(row) for _ in range(height)) + deflate.flush()
    return png_file(width, height, 1, 0, rows)


def test_decompression_bomb_is_refused_from_its_header(tmp_path):
    data = bomb(20000, 20000)
    assert len(data) < 100_000
    path = tmp_path / "bomb.png"
    path.write_bytes(data)
    limit = Image.MAX_IMAGE_PIXELS
    for source in (path, data):
        with pytest.raises(ImageError, match="20000 x 20000 = 400 megapixels; at most 64"):
            read(source)
    with pytest.raises(ImageError, match="400 megapixels"):
        read_png_text(path)
    assert limit == Image.MAX_IMAGE_PIXELS


@pytest.mark.filterwarnings("error")
def test_just_over_the_limit_is_refused_without_a_warning():
    with pytest.raises(ImageError, match="10000 x 10000 = 100 megapixels"):
        read(bomb(10000, 10000))
    assert MAX_PIXELS < 10000 * 10000


def test_one_pixel_is_an_image():
    assert read(png_bytes(torch.full((1, 3, 1, 1), 0.2))).shape == (1, 3, 1, 1)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.full((8, 8, 3), np.nan, np.float32), "192 values that are NaN or infinite"),
        (np.full((8, 8, 3), np.inf), "NaN or infinite"),
        (np.full((8, 8, 3), 1.5), "from 1.5 to 1.5"),
        (np.full((8, 8, 3), -0.5, np.float32), "from -0.5"),
        (np.zeros((8, 8, 3), np.int64), "int64"),
        (np.zeros((8, 8, 3), bool), "bool"),
        (np.zeros((8, 8, 2), np.uint8), r"shape \(8, 8, 2\)"),
        (np.zeros((1, 3, 8, 8), np.float32), r"shape \(1, 3, 8, 8\)"),
        (np.zeros((0, 8, 3), np.uint8), r"shape \(0, 8, 3\)"),
    ],
)
def test_arrays_that_are_not_images(array, message):
    with pytest.raises(ImageError, match=message):
        read(array)


def test_path_names_do_not_decide_the_format(tmp_path):
    path = Path(tmp_path / "really_a_png.jpg")
    path.write_bytes(png_bytes(read(photo())))
    assert np.array_equal(pixels(path), photo())
