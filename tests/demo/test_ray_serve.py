"""Ray Serve, with the code of docs/serve.md, gives the demo's report."""

import http.client
import io
import json
import re
import socket
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from truthpixel_utils import demo

pytest.importorskip("fastapi", reason="the service needs FastAPI: pip install .[serve]")
ray = pytest.importorskip("ray", reason="needs Ray Serve: pip install ray[serve]")
serve = pytest.importorskip("ray.serve", reason="needs Ray Serve: pip install ray[serve]")

PAGE = (Path(__file__).resolve().parents[2] / "docs/serve.md").read_text()


@pytest.fixture(scope="module")
def port():
    """Where Ray Serve listens, on a cluster of this machine alone."""
    code = re.search(r"### Ray Serve\n.*?```python\n(.*?)```", PAGE, re.S)[1]
    app = {}
    exec(code, app)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_AUTH_MODE", "disabled")  # else it leaves a token in the user's home
        ray.init("local", num_cpus=1, include_dashboard=False, log_to_driver=False)
        serve.start(http_options={"port": port})
        serve.run(app["explain"])
        yield port
        serve.shutdown()
        ray.shutdown()


def post(port, body):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    connection.request("POST", "/explain?name=holiday.png", body)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def test_an_image_gets_the_report_that_explain_writes(port):
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    content = buffer.getvalue()
    status, report = post(port, content)
    assert status == 200
    expected = json.loads(demo.exports.as_json(demo.load_analyzer()(content, "holiday.png")))
    assert report.pop("milliseconds") > 0 and expected.pop("milliseconds") > 0
    assert report.pop("p_ai") == pytest.approx(expected.pop("p_ai"), abs=1e-3)
    assert report.pop("distance") == pytest.approx(expected.pop("distance"), abs=1e-2)
    assert report == expected


def test_what_is_no_image_gets_a_sentence(port):
    status, answer = post(port, b"Dear sir or madam")
    assert status == 422
    assert answer["detail"].startswith("holiday.png is not an image that can be read")
