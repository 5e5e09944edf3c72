import http.client
import io
import json
import socket
import threading

import numpy as np
import pytest
from PIL import Image

from truthpixel_utils import demo
from truthpixel_utils.demo.uploads import MAX_BYTES

pytest.importorskip("fastapi", reason="the service needs FastAPI: pip install .[serve]")
uvicorn = pytest.importorskip("uvicorn", reason="the service needs uvicorn: pip install .[serve]")


@pytest.fixture(scope="module")
def port():
    """Where a service listens, with a server of its own around it."""
    from truthpixel_utils.demo.service import build_service

    with socket.create_server(("127.0.0.1", 0)) as listener:  # it listens: whoever asks early waits
        server = uvicorn.Server(uvicorn.Config(build_service(), log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield listener.getsockname()[1]
        server.should_exit = True
        thread.join()


def post(port, body, name="upload", **more):
    """Send a file; return the status and what the answer's JSON holds."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    connection.request("POST", f"/explain?name={name}", body, **more)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def encoded(format):
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format)
    return buffer.getvalue()


def test_an_image_gets_the_report_that_explain_writes(port):
    content = encoded("PNG")
    status, report = post(port, content, "holiday.png")
    assert status == 200
    expected = json.loads(demo.exports.as_json(demo.load_analyzer()(content, "holiday.png")))
    assert report.pop("milliseconds") > 0 and expected.pop("milliseconds") > 0
    assert report.pop("p_ai") == pytest.approx(expected.pop("p_ai"), abs=1e-5)
    assert report.pop("distance") == pytest.approx(expected.pop("distance"), abs=1e-3)
    assert report == expected


@pytest.mark.parametrize(
    "body, sentence",
    [
        (b"Dear sir or madam", "letter.txt is not an image that can be read"),
        (encoded("JPEG")[:300], "letter.txt is not an image that can be read"),
        (b"", "letter.txt is empty"),
        (b"%PDF-1.7", "letter.txt is a PDF document: save the picture in it as PNG."),
    ],
)
def test_what_is_no_image_gets_a_sentence(port, body, sentence):
    status, answer = post(port, body, "letter.txt")
    assert status == 422 and answer["detail"].startswith(sentence)


def test_a_file_that_is_too_large_is_refused_before_it_is_read(port):
    status, answer = post(port, None, headers={"Content-Length": str(MAX_BYTES + 1)})
    assert status == 413 and answer == {"detail": "Files up to 50 MB are read."}


def test_a_stream_is_cut_where_it_becomes_too_large(port):
    """Who sends in chunks does not say how much is to come."""
    half = bytes(MAX_BYTES // 2)
    chunks = iter([half, half, b"1"])
    status, _ = post(port, chunks, encode_chunked=True, headers={"Transfer-Encoding": "chunked"})
    assert status == 413


def test_nothing_is_kept_of_an_upload(port, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert post(port, encoded("PNG"))[0] == 200
    assert list(tmp_path.iterdir()) == []
