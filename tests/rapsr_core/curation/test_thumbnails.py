import io

import pytest
import torch
from PIL import Image

from rapsr_core.curation.thumbnails import jpeg_thumbnail
from rapsr_core.images import ImageError, png_bytes, resize


def opened(data):
    image = Image.open(io.BytesIO(data))
    assert image.format == "JPEG"
    return image


def test_the_longer_side_is_reduced_and_nothing_is_enlarged():
    data = png_bytes(torch.full((1, 3, 30, 90), 0.5))
    assert opened(jpeg_thumbnail(data, 45)).size == (45, 15)
    assert opened(jpeg_thumbnail(data, 500)).size == (90, 30)
    assert opened(jpeg_thumbnail(png_bytes(torch.zeros(1, 3, 2, 900)), 90)).size == (90, 1)


def test_it_looks_like_the_picture():
    image = resize(torch.rand(1, 3, 4, 4, generator=torch.Generator().manual_seed(0)), (64, 64))
    small = opened(jpeg_thumbnail(png_bytes(image), 16))
    found = torch.tensor(list(small.getdata())).float().view(16, 16, 3).permute(2, 0, 1)[None] / 255
    assert (found - resize(image, (16, 16))).abs().mean() < 0.03


def test_what_is_no_image_is_said():
    with pytest.raises(ImageError):
        jpeg_thumbnail(b"hello", 10)
