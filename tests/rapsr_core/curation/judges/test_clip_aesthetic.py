"""The CLIP head judge on a tiny random CLIPModel."""

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel

from rapsr_core.curation.judgement import build_for
from rapsr_core.curation.judges.clip_aesthetic import ClipAesthetic, load_head
from rapsr_core.curation.judges.contract import JudgeError
from rapsr_core.curation.picture import Picture
from rapsr_core.device import Device
from rapsr_core.images import png_bytes, to_uint8

CPU = Device(torch.device("cpu"), torch.float32, "test")
WIDTH = 24


class Published(nn.Module):
    """The MLP of improved-aesthetic-predictor at another width: its names are what is loaded."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(width, 16), nn.Dropout(0.2), nn.Linear(16, 8), nn.Dropout(0.2), nn.Linear(8, 4), nn.Dropout(0.1),
            nn.Linear(4, 4), nn.Linear(4, 1),
        )  # fmt: skip


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    torch.manual_seed(0)
    side = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    config = CLIPConfig(
        text_config=side | {"vocab_size": 99},
        vision_config=side | {"image_size": 32, "patch_size": 8, "projection_dim": WIDTH},
        projection_dim=WIDTH,
    )
    folder = tmp_path_factory.mktemp("clip")
    CLIPModel(config).save_pretrained(folder)
    CLIPImageProcessor(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32}).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def pictures():
    generator = torch.Generator().manual_seed(0)
    return [Picture(png_bytes(torch.rand(1, 3, h, w, generator=generator))) for h, w in ((40, 60), (90, 120), (64, 64))]


def expected(clip, head: nn.Module, picture: Picture) -> float:
    """The whole CLIPModel's image embedding, normalised, through the published class."""
    model, processor = CLIPModel.from_pretrained(clip).eval(), CLIPImageProcessor.from_pretrained(clip)
    pixels = processor(images=[to_uint8(picture.image)], return_tensors="pt")["pixel_values"]
    with torch.inference_mode():
        embedding = model.visual_projection(model.vision_model(pixels).pooler_output)
        return float(head.eval()(embedding / embedding.norm(dim=-1, keepdim=True)))


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_the_score_is_that_of_the_published_mlp_over_the_normalised_embedding(clip, pictures, tmp_path, suffix):
    torch.manual_seed(1)
    mlp, path = Published(WIDTH), tmp_path / f"head{suffix}"
    if suffix == ".pth":
        torch.save(mlp.state_dict(), path)
    else:
        save_file(mlp.state_dict(), path)
    rows = ClipAesthetic("clip-aesthetic:x", str(clip), path, CPU).many(pictures)
    assert [r["aesthetics"] for r in rows] == pytest.approx([expected(clip, mlp.layers, p) for p in pictures], abs=1e-5)
    assert len({r["aesthetics"] for r in rows}) == 3
    assert set(rows[0]) == {c.name for c in build_for("clip-aesthetic:x").columns}


def test_one_layer_is_a_head_too_and_a_folder_with_one_file_names_it(clip, pictures, tmp_path):
    torch.manual_seed(2)
    layer = nn.Linear(WIDTH, 1)
    torch.save(layer.state_dict(), tmp_path / "sa_0_4_vit_l_14_linear.pth")
    stage = build_for(f"clip-aesthetic:{clip}@{tmp_path}")
    value = stage.build()(pictures[0])["aesthetics"]  # on this machine's device, perhaps in bfloat16
    assert value == pytest.approx(expected(clip, layer, pictures[0]), abs=0.02)


def test_a_head_of_another_width_is_refused(clip, tmp_path):
    torch.save(nn.Linear(WIDTH + 1, 1).state_dict(), tmp_path / "head.pth")
    with pytest.raises(JudgeError, match=r"gives 24 numbers, .* takes 25; they do not belong together"):
        ClipAesthetic("x", str(clip), tmp_path, CPU)


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"fc.weight": torch.zeros(1, 4), "fc.bias": torch.zeros(1)}, r"holds \['fc.bias', 'fc.weight'\]"),
        ({"layers.0.weight": torch.zeros(1, 4)}, "expected layers.N.weight and .bias"),
        ({"weight": torch.zeros(3, 4), "bias": torch.zeros(3)}, "do not lead to one score"),
        ({}, r"holds \[\]"),
    ],
)
def test_a_state_dict_that_is_no_head_is_refused(tmp_path, state, message):
    torch.save(state, tmp_path / "head.pth")
    with pytest.raises(JudgeError, match=message):
        load_head(tmp_path)


def test_a_missing_head_says_where_one_is(tmp_path):
    with pytest.raises(JudgeError, match=r"0 files of .*improved-aesthetic-predictor"):
        load_head(tmp_path / "nothing")


def test_a_missing_tower_says_the_command(tmp_path):
    torch.save(nn.Linear(WIDTH, 1).state_dict(), tmp_path / "head.pth")
    with pytest.raises(JudgeError, match=r"no CLIP at .*hf download"):
        ClipAesthetic("x", str(tmp_path), tmp_path / "head.pth", CPU)
