"""Shared by all tests: whole CIFAKE where it is, small data sets, a network that is silent."""

import json
import socket
import threading
from pathlib import Path

import fsspec
import numpy as np
import pytest
from PIL import Image

from truthpixel_utils import demo, model

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


def only(detector, rule):
    """What the demo chooses a detector by where there is one."""
    return demo.chooser([("the only one", detector, rule)])


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


def photographs():
    """Photographs that come with packages the tests need: name -> uint8 array (H, W, 3)."""
    import matplotlib.cbook
    import skimage.data
    from matplotlib.image import imread
    from sklearn.datasets import load_sample_images

    names = ("astronaut", "coffee", "chelsea", "rocket")
    found = {name: getattr(skimage.data, name)() for name in names}
    china, flower = load_sample_images().images
    hopper = imread(matplotlib.cbook.get_sample_data("grace_hopper.jpg"))
    return {**found, "china": china, "flower": flower, "hopper": hopper}


def redrawn(pixels):
    """What a made-up generator makes of a photograph: each second pixel, four times over."""
    return np.repeat(np.repeat(pixels[::2, ::2], 2, axis=0), 2, axis=1)


@pytest.fixture(scope="session")
def pictures(tmp_path_factory):
    """Class folders of pictures of many sizes: REAL/photograph/*.jpg, FAKE/generator/*.png.

    Each generator redraws the crops of one photograph.
    """
    root = tmp_path_factory.mktemp("pictures")
    for number, (name, whole) in enumerate(photographs().items()):
        real, fake = root / "REAL" / name, root / "FAKE" / f"generator-{number}"
        real.mkdir(parents=True)
        fake.mkdir(parents=True)
        rng = np.random.default_rng(number)
        for i in range(4):
            height, width = (int(rng.integers(150, min(side, 420))) for side in whole.shape[:2])
            top = rng.integers(0, whole.shape[0] - height)
            left = rng.integers(0, whole.shape[1] - width)
            crop = whole[top : top + height, left : left + width]
            Image.fromarray(crop).save(real / f"{i}.jpg", quality=92)
            Image.fromarray(redrawn(crop)).save(fake / f"{i}.png")
    return root


@pytest.fixture(scope="session")
def detector_file(tmp_path_factory):
    """A small detector and, beside it, its rule."""
    path = tmp_path_factory.mktemp("detector") / "small.keras"
    model.save_detector(model.build_detector("lite0", image_size=32, seed=0), path)
    path.with_suffix(".json").write_text(json.dumps(RULE))
    return path


@pytest.fixture(scope="session")
def album(tmp_path_factory):
    """24 thumbnails in folders REAL and FAKE."""
    return write_class_folders(tmp_path_factory.mktemp("scored") / "album", 12, parts=("train",))


@pytest.fixture(scope="session")
def files(album):
    """Their names and contents."""
    return {
        str(path.relative_to(album)): path.read_bytes() for path in sorted(album.rglob("*.png"))
    }


@pytest.fixture
def small_parts(monkeypatch):
    """Five rows in a part of a table of scores."""
    monkeypatch.setattr("truthpixel_utils.scoring.scorer.ROWS", 5)


@pytest.fixture
def in_memory():
    """A store of fsspec that lies in memory, empty."""
    fs = fsspec.filesystem("memory")
    fs.store.clear()
    yield fs
    fs.store.clear()
