import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from truthpixel_utils import cli, model, train
from truthpixel_utils.locks import alone_in
from truthpixel_utils.train import feature_cache

PIXELS = np.random.default_rng(0).integers(0, 256, (1200, 32, 32, 3), dtype=np.uint8)


def new_trunk(image_size=32):
    detector = model.build_detector("lite0", image_size, seed=3)
    model.freeze_backbone(detector)
    return model.split_trunk(detector)[0]


@pytest.fixture(scope="module")
def trunk():
    return new_trunk()


@pytest.fixture
def computed(monkeypatch):
    """How many images were computed, request by request."""
    counts, prepare = [], feature_cache.prepare

    def counting(trunk):
        forward = prepare(trunk)

        def count_and_forward(images):
            counts.append(len(images))
            return forward(images)

        return count_and_forward

    monkeypatch.setattr(feature_cache, "prepare", counting)
    return counts


def test_features_are_those_of_the_network(trunk, tmp_path, capsys):
    found = train.cached_features(trunk, PIXELS, tmp_path)
    assert found.dtype == np.float16 and isinstance(found, np.memmap)
    np.testing.assert_allclose(found, trunk.predict(PIXELS, verbose=0), rtol=2e-3, atol=2e-3)
    assert capsys.readouterr().out == "Caching 1,200 × 1280 features: 3 MB.\n"


# What the killed process does: with 224 pixels inside, a chunk of 512 images takes it two seconds.
EXTRACTING = """
import sys
tests, folder = sys.argv[1:]
sys.path.insert(0, tests)
from test_feature_cache import PIXELS, new_trunk
from truthpixel_utils import train
train.cached_features(new_trunk(224), PIXELS, folder)
"""


def test_a_killed_extraction_computes_nothing_twice_but_the_chunk_it_was_at(tmp_path, computed):
    here = Path(__file__).resolve().parent
    process = subprocess.Popen(
        [sys.executable, "-c", EXTRACTING, str(here), str(tmp_path)], stdout=subprocess.DEVNULL
    )
    while not list(tmp_path.glob("[!.]*.json")) and process.poll() is None:  # .* is on its way
        os.sched_yield()
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    trunk = new_trunk(224)
    resumed = np.array(train.cached_features(trunk, PIXELS, tmp_path))
    assert computed in ([512, 176], [176])
    assert (resumed == train.cached_features(trunk, PIXELS, tmp_path / "whole")).all()


def test_what_is_kept_is_not_computed_again(trunk, tmp_path, computed):
    train.cached_features(trunk, PIXELS, tmp_path)
    train.cached_features(trunk, PIXELS, tmp_path)
    assert computed == [512, 512, 176]


def test_damaged_features_are_noticed_and_computed_again(trunk, tmp_path, computed):
    whole = np.array(train.cached_features(trunk, PIXELS, tmp_path))
    [file] = tmp_path.glob("*.npy")
    damaged = np.lib.format.open_memmap(file, "r+")
    damaged[700] = 7
    damaged.flush()
    assert (train.cached_features(trunk, PIXELS, tmp_path) == whole).all()
    assert computed == [512, 512, 176, 512]
    file.write_bytes(file.read_bytes()[:5000])
    assert (train.cached_features(trunk, PIXELS, tmp_path) == whole).all()


def test_features_are_computed_anew_for_other_pixels_weights_and_sizes(tmp_path):
    trunk = new_trunk()
    train.cached_features(trunk, PIXELS[:40], tmp_path)
    train.cached_features(trunk, PIXELS[1:41], tmp_path)
    kernel = trunk.get_layer("stem_conv").weights[0]
    kernel.assign(kernel * 1.01)
    train.cached_features(trunk, PIXELS[:40], tmp_path)
    train.cached_features(new_trunk(64), PIXELS[:40], tmp_path)
    assert len(list(tmp_path.glob("*.npy"))) == 4


def test_the_command_lists_and_clears_what_is_kept(trunk, home, capsys):
    folder = home / "outputs" / "cache"
    assert cli.main(["cache"]) == 0
    assert f"No features in {folder}" in capsys.readouterr().out
    train.cached_features(trunk, PIXELS, folder)
    [file] = folder.glob("*.npy")
    capsys.readouterr()
    assert cli.main(["cache"]) == 0
    listed = capsys.readouterr().out
    assert listed.splitlines()[1].split() == ["pooled", "1,200", "1280", "3", "100%"]
    file.write_bytes(file.read_bytes()[:5000])
    assert cli.main(["cache"]) == 0
    assert capsys.readouterr().out.splitlines()[1].split()[-1] == "0%"
    assert cli.main(["cache", "--clear"]) == 0
    assert list(folder.iterdir()) == []


def test_what_a_killed_run_left_half_written_is_not_listed_but_cleared(tmp_path):
    (tmp_path / f".0a1b2c3d-pooled-{'0' * 24}.npy").write_bytes(b"half of a header")
    assert train.list_cache(tmp_path).empty
    train.clear_cache(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_relative_folder_starts_at_the_project(trunk, home):
    train.cached_features(trunk, PIXELS[:40], "outputs/cache")
    assert len(list((home / "outputs" / "cache").glob("*.npy"))) == 1
    assert list(train.list_cache("outputs/cache")["images"]) == [40]
    assert train.clear_cache("outputs/cache") > 0
    assert list((home / "outputs" / "cache").iterdir()) == []


def test_a_folder_that_is_not_there_holds_nothing(home):
    assert train.list_cache("outputs/cache").empty
    assert train.clear_cache("outputs/cache") == 0


def test_a_user_s_own_files_are_neither_listed_nor_cleared(home, capsys):
    folder = home / "outputs" / "cache"
    folder.mkdir(parents=True)
    own = ["thesis.json", "embeddings.npy", f"notes-{'0' * 24}.txt", "pooled-123.npy"]
    for name in own:
        (folder / name).write_bytes(b"mine")
    (folder / f"album-{'0' * 24}.npy").mkdir()
    np.save(folder / f"pooled-{'0' * 24}.npy", np.zeros((3, 4), np.float16))
    assert list(train.list_cache(folder).index) == [f"pooled-{'0' * 24}.npy"]
    assert cli.main(["cache", "--clear"]) == 0
    assert sorted(path.name for path in folder.iterdir()) == sorted([*own, f"album-{'0' * 24}.npy"])


def test_a_cache_in_use_is_not_cleared(home, capsys):
    (home / "outputs" / "cache").mkdir(parents=True)
    with alone_in("outputs", "training"):
        assert cli.main(["cache", "--clear"]) == 1
    assert "another training is at work" in capsys.readouterr().err
