"""Shared by all tests: whole CIFAKE where it is, small data sets, a network that is silent."""

import socket
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared():
    """The folder with whole CIFAKE, which is no part of the project."""
    if not SHARED.is_dir():
        pytest.skip("needs CIFAKE in ../shared, which is not here")
    return SHARED


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A fresh folder that relative paths start from."""
    monkeypatch.setenv("TRUTHPIXEL_HOME", str(tmp_path))
    return tmp_path


# Takes a side a quarter away from certainty, and finds no image out of distribution: where the
# precision is 0, so is every distance.
RULE = {
    "shift": 0.0,
    "temperature": 1.0,
    "lower_threshold": 0.25,
    "upper_threshold": 0.75,
    "out_of_distribution": {
        "layer": "block3b_add",
        "location": [0.0] * 40,
        "precision": [[0.0] * 40] * 40,
        "limit": 1.0,
    },
}


def picture(seed, sharp):
    """A 32 by 32 image: noise if sharp, a gradient if not; seeds make different ones."""
    rng = np.random.default_rng(seed)
    if sharp:
        return rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
    ramp = np.linspace(0, 255, 32)[:, None, None] * rng.random(3)
    return np.broadcast_to(ramp, (32, 32, 3)).astype(np.uint8)


def write_class_folders(root, count, parts=("train", "test")):
    """`count` images a class and part, as PNG: REAL is smooth, FAKE is noise."""
    for p, part in enumerate(parts):
        for c, name in enumerate(("REAL", "FAKE")):
            folder = root / part / name
            folder.mkdir(parents=True)
            for i in range(count):
                image = Image.fromarray(picture((p, c, i), sharp=name == "FAKE"))
                image.save(folder / f"{i:04d}.png")
    return root


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """A data set of 4 × 30 images in class folders, train and test."""
    return write_class_folders(tmp_path_factory.mktemp("tiny"), 30)


@pytest.fixture
def silent_server():
    """A server that takes connections and never answers."""
    server = socket.create_server(("127.0.0.1", 0))
    taken = []

    def take():
        while True:
            try:
                taken.append(server.accept())
            except OSError:
                return

    threading.Thread(target=take, daemon=True).start()
    yield f"http://127.0.0.1:{server.getsockname()[1]}"
    server.close()
