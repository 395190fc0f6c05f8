"""The real server and desk on real files, asked over HTTP."""

import io
import json
import re
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from PIL import Image
from signals import heard

from rapsr_core.curation.decisions import ReviewError, read
from rapsr_core.curation.review import Session
from studio.review.__main__ import images_in, listed, main
from studio.review.desk import PAGE, THUMBNAIL_PX, Desk
from studio.review.server import build

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "assets" / "examples"


@pytest.fixture
def pool(tmp_path):
    """Thirty small pictures of several formats, one in a subfolder, one damaged; a secret beside the folder."""
    folder = tmp_path / "pool"
    (folder / "sub").mkdir(parents=True)
    with Image.open(EXAMPLES / "cat.png") as cat:
        for i in range(26):
            cat.crop((i, i, i + 60, i + 40)).convert("RGB").save(folder / f"{i:02}.jpg")
        cat.convert("RGB").resize((800, 600)).save(folder / "sub" / "big.tif")
        cat.save(folder / "picture.png")
        cat.save(folder / "picture.webp")
    (folder / "broken.jpg").write_bytes((folder / "00.jpg").read_bytes()[:80])
    (tmp_path / "secret.txt").write_text("secret")
    return folder


@pytest.fixture
def site(pool, tmp_path):
    desk = Desk(Session(tmp_path / "review.jsonl", images_in(pool), "ana"), pool)
    with build(desk, 0) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield Site(server.server_port, desk, tmp_path / "review.jsonl")
        server.shutdown()
        thread.join()


class Site:
    """The address of a running server, and what is behind it."""

    def __init__(self, port, desk, file):
        self.url, self.desk, self.file = f"http://127.0.0.1:{port}", desk, file

    def ask(self, path, body=None, **headers):
        data = None if body is None else json.dumps(body).encode()
        standard = {"Content-Type": "application/json"} if data else {}
        request = urllib.request.Request(self.url + path, data, standard | headers)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()

    def json(self, path, body=None):
        return json.loads(self.ask(path, body)[2])

    def token(self, name):
        return next(token for token, look in self.desk._looks.items() if look.id == name and look.round == 1)


def test_the_page_and_its_files_ask_for_nothing_from_elsewhere(site):
    for path, kind in (("/", "text/html"), ("/review.css", "text/css"), ("/review.js", "text/javascript"), ("/zoom.js", "text/javascript"), ("/grid.js", "text/javascript")):  # fmt: skip
        status, headers, body = site.ask(path)
        assert status == 200
        assert headers["Content-Type"].startswith(kind)
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert b"//" not in body.replace(b"// ", b""), "an address of another host"


def test_verdicts_reach_the_file_and_the_state(site):
    queue = site.json("/state")["queue"]
    assert len(queue) == PAGE
    after = site.json("/decide", {"tokens": queue[:2], "verdict": "reject", "seconds": 3, "reason": "noise or grain"})
    assert (after["done"], after["rejected"], after["queue"][:10]) == (2, 2, queue[2:])
    assert [(d.verdict, d.seconds, d.reason) for d in read(site.file).decisions] == [("reject", 1.5, "noise or grain")] * 2
    undone = site.json("/undo", {})
    assert undone["again"] == queue[:2]
    assert (undone["done"], undone["queue"]) == (0, queue)


def test_neither_names_nor_rounds_reach_the_page(site):
    while queue := site.json("/state")["queue"]:
        for token in queue:
            before = site.json("/state")
            after = site.json("/decide", {"tokens": [token], "verdict": "accept", "seconds": 1, "reason": ""})
            assert after["done"] == before["done"] + 1
            assert after["accepted"] == before["accepted"] + 1
            assert set(after) == set(before)
            assert "jpg" not in json.dumps(after)
    assert {d.round for d in read(site.file).decisions} == {1, 2}
    assert len(set(site.desk._looks)) == len(site.desk._looks) == 33


def test_the_very_file_is_sent_where_browsers_show_its_format(site):
    for name, kind in (("00.jpg", "image/jpeg"), ("picture.png", "image/png"), ("picture.webp", "image/webp")):
        status, headers, body = site.ask(f"/picture/{site.token(name)}")
        assert (status, headers["Content-Type"]) == (200, kind)
        assert body == (site.desk._paths[name]).read_bytes()


def test_another_format_is_sent_as_a_png_and_the_grid_gets_small_jpegs(site):
    token = site.token("sub/big.tif")
    with Image.open(io.BytesIO(site.ask(f"/picture/{token}")[2])) as sent:
        assert (sent.format, sent.size) == ("PNG", (800, 600))
    with Image.open(io.BytesIO(site.ask(f"/thumbnail/{token}")[2])) as sent:
        assert (sent.format, sent.size) == ("JPEG", (THUMBNAIL_PX, THUMBNAIL_PX * 3 // 4))


def test_a_damaged_picture_is_said_and_can_be_decided(site):
    token = site.token("broken.jpg")
    status, _, body = site.ask(f"/thumbnail/{token}")
    assert status == 422
    assert "damaged" in json.loads(body)["error"]
    assert site.json("/decide", {"tokens": [token], "verdict": "reject", "seconds": 1, "reason": ""})["rejected"] == 1


@pytest.mark.parametrize(
    "path",
    [
        "/picture/../secret.txt",
        "/picture/%2e%2e%2fsecret.txt",
        "/picture/00.jpg",
        "/picture/",
        "/thumbnail//etc/passwd",
        "/../review.jsonl",
        "/page/page.html",
        "/picture/" + "a" * 9000,
    ],
)
def test_nothing_is_served_but_the_page_and_tokens(site, path):
    status, _, body = site.ask(path)
    assert status in (404, 410)
    assert b"secret" not in body


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Content-Type": "text/plain"}])
def test_other_sites_cannot_decide(site, headers):
    token = site.json("/state")["queue"][0]
    status, _, _ = site.ask("/decide", {"tokens": [token], "verdict": "accept", "seconds": 1, "reason": ""}, **headers)
    assert status == 403
    assert read(site.file).decisions == ()


@pytest.mark.parametrize(
    ("change", "status"),
    [({"tokens": []}, 400), ({"tokens": ["no"]}, 410), ({"tokens": [["x"]]}, 410), ({"verdict": "undo"}, 400), ({"seconds": -1}, 400),
     ({"seconds": "1"}, 400), ({"reason": "x" * 201}, 400), ({"reason": None}, 400)],
)  # fmt: skip
def test_a_malformed_decision_is_refused_and_not_written(site, change, status):
    token = site.json("/state")["queue"][0]
    body = {"tokens": [token], "verdict": "accept", "seconds": 1, "reason": ""} | change
    assert site.ask("/decide", body)[0] == status
    assert read(site.file).decisions == ()


def test_a_body_too_large_or_no_json_object_is_refused(site):
    assert site.ask("/decide", {"tokens": ["x" * 70_000]})[0] == 413
    assert site.ask("/decide", [1])[0] == 400


@pytest.mark.parametrize("name", ["../secret.txt", "none.jpg", "sub"])
def test_ids_must_be_files_inside_the_pool(pool, tmp_path, name):
    with pytest.raises(ReviewError, match="no file in"):
        Desk(Session(tmp_path / "r.jsonl", [name], "ana"), pool)


def test_a_link_out_of_the_pool_is_refused(pool, tmp_path):
    (pool / "link.jpg").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(ReviewError, match="link"):
        Desk(Session(tmp_path / "r.jsonl", ["link.jpg"], "ana"), pool)


def test_ids_are_read_from_a_list_and_from_a_folder(pool, tmp_path):
    (tmp_path / "kept.txt").write_text("00.jpg\n\nsub/big.tif\n")
    assert listed(tmp_path / "kept.txt") == ["00.jpg", "sub/big.tif"]
    assert len(images_in(pool)) == 30
    assert "sub/big.tif" in images_in(pool)


def start(pool, file):
    command = [sys.executable, "-m", "studio.review", str(pool), "--reviewer", "ana", "--review", str(file), "--port", "0"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, preexec_fn=heard)
    return process, re.search(r"http://127.0.0.1:\d+", process.stdout.readline())[0]


def test_the_command_resumes_after_a_kill_with_every_answered_decision(pool, tmp_path):
    process, address = start(pool, tmp_path / "r")
    with urllib.request.urlopen(address + "/state") as answer:
        token = json.load(answer)["queue"][0]
    body = json.dumps({"tokens": [token], "verdict": "reject", "seconds": 1, "reason": ""}).encode()
    urllib.request.urlopen(urllib.request.Request(address + "/decide", body, {"Content-Type": "application/json"})).close()
    process.kill()
    process.wait(timeout=30)
    process, address = start(pool, tmp_path / "r")
    with urllib.request.urlopen(address + "/state") as answer:
        state = json.load(answer)
    assert (state["done"], state["rejected"], state["total"]) == (1, 1, 33)
    assert token not in state["queue"], "a token of the killed process is still valid"
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) == 0


@pytest.mark.parametrize(("more", "said"), [(["--reviewer", " "], "name is ' '"), (["--second-looks", "2"], "second looks is 2")])
def test_the_command_says_what_is_wrong(pool, tmp_path, capsys, more, said):
    with pytest.raises(SystemExit, match="2"):
        main([str(pool), "--reviewer", "ana", "--review", str(tmp_path / "r"), *more])
    assert said in capsys.readouterr().err
