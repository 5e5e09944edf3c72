"""NVIDIA Triton's server, set up and started with what stands in docs/serve.md."""

import ctypes
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs/serve.md"
INSTALLED = Path(sys.prefix) / "triton"  # by make test
LIBRARY = f"libpython3.{sys.version_info.minor}.so.1.0"


@contextmanager
def started(detector, folder):
    """Serve the thumbnail's network of an exported detector; give the model's address.

    Skips where there is no Triton that could be started.
    """
    if not (INSTALLED / "pytriton/tritonserver/bin/tritonserver").is_file():
        pytest.skip(f"needs Triton's server in {INSTALLED}, where make test puts it")
    try:
        ctypes.CDLL(LIBRARY)
    except OSError:
        pytest.skip(f"Triton needs {LIBRARY}, which is not here")
    (folder / "triton").symlink_to(INSTALLED)
    (folder / "detector").symlink_to(detector)
    (folder / "model.py").write_text(_block("python"))
    (folder / "config.pbtxt").write_text(_block("text"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    commands = _block("sh").replace("--http-port 8000", f"--http-port {port}")
    with open(folder / "log", "w") as log:
        running = subprocess.Popen(
            ["bash", "-euc", commands],
            cwd=folder,
            env=os.environ | {"PATH": f"{sys.prefix}/bin:{os.environ['PATH']}"},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _wait(running, f"http://127.0.0.1:{port}/v2/health/ready", folder / "log")
        yield f"http://127.0.0.1:{port}/v2/models/thumbnail"
    finally:
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGTERM)
            running.wait(60)


def _block(language):
    """Take the last block of code in a language out of the page's section on Triton."""
    section = PAGE.read_text().split("### NVIDIA Triton\n")[1].split("\n### ")[0]
    return re.findall(rf"```{language}\n(.*?)```\n", section, re.S)[-1]


def _wait(running, ready, log):
    """Wait until a server says that it can answer."""
    patience = time.monotonic() + 120
    while running.poll() is None and time.monotonic() < patience:
        try:
            return urllib.request.urlopen(ready, timeout=10)
        except urllib.error.URLError:
            time.sleep(0.1)
    pytest.fail(f"Triton does not answer:\n{log.read_text()[-3000:]}")
