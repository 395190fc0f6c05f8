"""Vision-language judges on tiny random instances of LLaVA, Qwen2-VL and Idefics3."""

import numpy as np
import pytest
import tiny_vlms
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from rapsr_core.curation.judgement import build_for, refusals
from rapsr_core.curation.judges.answers import ASPECTS, JSON_QUESTION, LEVELS, beginning, parse, question
from rapsr_core.curation.judges.contract import JudgeError
from rapsr_core.curation.judges.vlm import LONG_PX, Vlm, _pil, level_ids, level_scores
from rapsr_core.curation.picture import Picture
from rapsr_core.device import Device
from rapsr_core.images import ImageError, png_bytes, read, to_uint8

CPU = Device(torch.device("cpu"), torch.float32, "test")
SAVE = {"llava": tiny_vlms.save_llava, "qwen2_vl": tiny_vlms.save_qwen2_vl, "idefics3": tiny_vlms.save_idefics3}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return {name: save(tmp_path_factory.mktemp(name)) for name, save in SAVE.items()}


@pytest.fixture(scope="module")
def pictures():
    generator = torch.Generator().manual_seed(0)
    sizes = ((40, 60), (90, 120), (64, 64))
    return [Picture(png_bytes(torch.rand(1, 3, h, w, generator=generator))) for h, w in sizes]


@pytest.fixture(scope="module")
def bright_and_dark():
    return [Picture(png_bytes(torch.full((1, 3, 56, 56), value))) for value in (0.95, 0.05)]


def taught(judge: Vlm, pictures: list[Picture], folder, prompts_and_answers, steps: int) -> Vlm:
    pairs = [(to_uint8(pictures[i].image), prompt, answer) for i, prompt, answer in prompts_and_answers]
    tiny_vlms.teach(folder, pairs, steps)
    return Vlm(judge.judge_id, str(folder), CPU)


@pytest.mark.parametrize("name", SAVE)
def test_a_batch_of_pictures_of_any_size_gives_the_scores_of_one_at_a_time(folders, pictures, name):
    judge = Vlm(f"vlm:{name}", str(folders[name]), CPU)
    together, alone = judge.many(pictures), [judge(picture) for picture in pictures]
    for row, single in zip(together, alone, strict=True):
        assert set(row) == {c.name for c in build_for("vlm:x").columns}
        assert row["judge"] == f"vlm:{name}" and row["judge_refusal"] is None
        assert all(row[a] == pytest.approx(single[a], abs=1e-5) and 1 <= row[a] <= 5 for a in ASPECTS)
    assert len({row["quality"] for row in together}) == 3  # the pictures are seen


@pytest.mark.parametrize("name", SAVE)
def test_the_score_is_that_of_the_logits_after_the_beginning_of_the_answer(folders, pictures, name):
    judge = Vlm("vlm:x", str(folders[name]), CPU)
    text = judge._prompt(question("quality"), beginning("quality"))
    assert text.endswith("The quality of the image is")
    image = [[to_uint8(pictures[2].image)]]
    inputs = judge.processor(images=image, text=[text], return_tensors="pt")
    with torch.inference_mode():
        logits = judge.model(**inputs).logits[0, -1, judge.level_ids]
    expected = sum(p * w for p, w in zip(logits.softmax(0).tolist(), (5, 4, 3, 2, 1), strict=True))
    assert judge(pictures[2])["quality"] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("name", SAVE)
def test_a_model_taught_that_bright_is_excellent_and_dark_is_bad_scores_so(tmp_path, bright_and_dark, name):
    judge = Vlm("vlm:x", str(SAVE[name](tmp_path)), CPU)
    says = {"quality": (" excellent", " bad"), "aesthetics": (" poor", " good")}
    lessons = [(i, judge._prompt(question(a), beginning(a)), says[a][i]) for a in ASPECTS for i in (0, 1)]
    rows = taught(judge, bright_and_dark, tmp_path, lessons, 100).many(bright_and_dark)
    assert [row["quality"] for row in rows] == pytest.approx([5, 1], abs=0.2)
    assert [row["aesthetics"] for row in rows] == pytest.approx([2, 4], abs=0.2)


def test_level_scores_are_the_levels_of_certain_answers_and_three_for_no_preference():
    certain = torch.eye(5) * 1000
    assert level_scores(certain).tolist() == [5, 4, 3, 2, 1]
    assert level_scores(torch.zeros(1, 5)).item() == pytest.approx(3)


def test_level_ids_are_the_tokens_of_the_words_and_none_when_a_word_is_several(tmp_path):
    whole = tiny_vlms.tokenizer(whole_words=True)
    assert [whole.decode([i]).strip() for i in level_ids(whole)] == list(LEVELS)
    assert level_ids(tiny_vlms.tokenizer(whole_words=False)) is None


def test_level_ids_are_none_when_words_share_a_token(tmp_path):
    words = {w: i for i, w in enumerate(["[UNK]", *beginning("quality").split(), *LEVELS[:3]])}
    inner = Tokenizer(models.WordLevel(words, unk_token="[UNK]"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    assert level_ids(PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="[UNK]")) is None  # poor and bad are both unknown


def test_a_model_without_level_tokens_is_asked_for_json_and_its_nonsense_is_refused_and_counted(tmp_path, pictures):
    judge = Vlm("vlm:x", str(tiny_vlms.save_llava(tmp_path, whole_words=False)), CPU)
    assert judge.level_ids is None
    rows = judge.many(pictures)
    assert all(row[a] is None for row in rows for a in ASPECTS)
    assert refusals(rows).startswith("the judge gave no score to 3 images; the first: 0 JSON objects in place of one: '")


def test_a_model_taught_to_answer_in_json_is_read(tmp_path, bright_and_dark):
    judge = Vlm("vlm:x", str(tiny_vlms.save_llava(tmp_path, whole_words=False)), CPU)
    prompt = judge._prompt(JSON_QUESTION)
    answers = ['{"quality": 5, "aesthetics": 3.5}', '{"quality": 1, "aesthetics": 9}']
    judge = taught(judge, bright_and_dark, tmp_path, [(i, prompt, a) for i, a in enumerate(answers)], 80)
    good, bad = judge.many(bright_and_dark)
    assert (good["quality"], good["aesthetics"], good["judge_refusal"]) == (5, 3.5, None)
    assert (bad["quality"], bad["aesthetics"]) == (None, None)
    assert bad["judge_refusal"].startswith("aesthetics is 9, outside [1, 5]")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("I cannot rate this.", "0 JSON objects"),
        ('{"quality": 3, "aesthetics": 3} {"quality": 3, "aesthetics": 4}', "2 JSON objects"),
        ("{'quality': 3, 'aesthetics': 3}", "no valid JSON"),
        ('{"quality": 3}', "keys ['quality']"),
        ('{"quality": 3, "aesthetics": 3, "why": "x"}', "keys ['aesthetics', 'quality', 'why']"),
        ('{"quality": "4", "aesthetics": 3}', "quality is '4', no number"),
        ('{"quality": true, "aesthetics": 3}', "quality is True, no number"),
        ('{"quality": 0, "aesthetics": 3}', "quality is 0, outside"),
        ('{"quality": NaN, "aesthetics": 3}', "quality is nan, outside"),
    ],
)
def test_what_does_not_match_the_schema_is_no_answer(text, reason):
    answer = parse(text)
    assert answer.scores is None
    assert answer.refusal.startswith(reason) and repr(text) in answer.refusal


def test_json_in_a_code_fence_is_an_answer():
    text = '```json\n{"aesthetics": 2, "quality": 4.5}\n```'
    assert parse(text).scores == {"quality": 4.5, "aesthetics": 2}


def test_long_wrong_answers_are_quoted_in_part():
    assert parse("x" * 500).refusal == f"0 JSON objects in place of one: {'x' * 77 + '...'!r}"


def test_a_damaged_picture_is_an_image_error(folders):
    with pytest.raises(ImageError):
        Vlm("vlm:x", str(folders["llava"]), CPU).many([Picture(b"no image")])


def test_the_half_precision_of_a_gpu_runs_and_is_near_full_precision(folders, pictures):
    half = Device(torch.device("cpu"), torch.bfloat16, "test")
    full, low = (Vlm("vlm:x", str(folders["llava"]), device).many(pictures) for device in (CPU, half))
    assert [r["quality"] for r in low] == pytest.approx([r["quality"] for r in full], abs=0.05)


def test_a_folder_that_holds_no_model_is_named_with_the_way_to_get_one(tmp_path):
    with pytest.raises(JudgeError, match=r"cannot be loaded as an image-text-to-text model.*hf download"):
        build_for(f"vlm:{tmp_path}").build()


def test_a_text_only_model_is_refused(tmp_path):
    config = LlamaConfig(vocab_size=300, **tiny_vlms.SIZE)
    LlamaForCausalLM(config).save_pretrained(tmp_path)
    tiny_vlms.tokenizer(False).save_pretrained(tmp_path)
    with pytest.raises(JudgeError, match="cannot be loaded as an image-text-to-text model"):
        Vlm("vlm:x", str(tmp_path), CPU)


def test_tokenizers_of_the_saved_folder_are_the_ones_trained(folders):
    assert level_ids(AutoTokenizer.from_pretrained(folders["llava"])) == level_ids(tiny_vlms.tokenizer(True))


def test_large_pictures_are_reduced_before_the_processor_sees_them():
    assert _pil(Picture(png_bytes(torch.rand(1, 3, 512, 2048)))).size == (LONG_PX, 256)
    small = png_bytes(torch.rand(1, 3, 20, 30))
    assert (to_uint8(read(small)) == np.asarray(_pil(Picture(small)))).all()
