import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from conftest import photographs, write_class_folders
from truthpixel_utils import data
from truthpixel_utils.data import cutting
from truthpixel_utils.data.windows import squares


def test_what_is_kept_of_a_picture_are_its_own_pixels():
    picture = photographs()["astronaut"]
    whole, kept = cutting.cut(picture)
    originals = squares(picture, cutting.KEPT)
    assert len(kept) == len(originals) > 1
    for file, square in zip(kept, originals, strict=True):
        assert (np.asarray(data.to_rgb(file)) == square).all()
    assert np.asarray(data.to_rgb(whole)).shape == (224, 224, 3)


def test_a_panorama_keeps_its_middle_and_a_small_picture_its_size():
    picture = np.zeros((300, 3000, 3), np.uint8)
    picture[:, 1400:1600] = 255
    small = cutting.small(picture)
    assert small.shape == (224, 480, 3) and small[112, 240].all() and not small[112, 0].any()
    assert cutting.small(np.zeros((100, 150, 3), np.uint8)).shape == (100, 150, 3)


def test_pictures_of_a_folder_are_cut_and_name_their_sources(pictures):
    rows = data.load_all(pictures)
    assert len(rows) == 56
    by_id = {row_id: i for i, row_id in enumerate(rows["id"])}
    fake, real = rows[by_id["all/FAKE/generator-0/0.png"]], rows[by_id["all/REAL/astronaut/0.jpg"]]
    assert (fake["source"], fake["generator"], fake["label"]) == ("generator-0", "generator-0", 1)
    assert (real["source"], real["generator"], real["label"]) == ("astronaut", "camera", 0)
    with Image.open(pictures / "FAKE/generator-0/0.png") as opened:
        first = squares(np.asarray(opened.convert("RGB")))[0]
    assert (np.asarray(data.to_rgb(fake["squares"][0])) == first).all()


def test_thumbnails_stay_as_they_came(tiny):
    rows = data.load_all(tiny)
    assert not any(rows["squares"])
    files = next(iter(data.encoded_images(rows)))
    assert files[0] == (tiny / rows["id"][0]).read_bytes()


def test_a_killed_reading_goes_on_after_the_last_whole_part(tmp_path, monkeypatch):
    folder = write_class_folders(tmp_path / "images", 200)
    code = f"from truthpixel_utils import data; print(len(data.load_all({str(folder)!r})))"
    environment = {**os.environ, "HF_HOME": str(tmp_path / "cache")}
    cache = tmp_path / "cache/datasets/truthpixel"
    process = subprocess.Popen([sys.executable, "-c", code], env=environment)
    while not list(cache.glob("*/000000.arrow")) and process.poll() is None:
        os.sched_yield()
    process.send_signal(signal.SIGKILL)
    process.wait()
    [first] = cache.glob("*/000000.arrow")
    written = first.stat().st_mtime_ns
    (first.parent / ".0123abcd-000001.arrow").write_bytes(b"half of a part")
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.stdout.endswith("800\n"), done.stderr
    assert first.stat().st_mtime_ns == written
    parts = sorted(path.name for path in cache.glob("*/*.arrow"))
    assert parts == [f"{number:06d}.arrow" for number in range(4)]


def test_views_of_one_picture_in_a_table_become_one_row(tmp_path, pictures):
    files = [pictures / f"REAL/chelsea/{i}.jpg" for i in range(2)]
    files += [pictures / f"FAKE/generator-1/{i}.png" for i in range(2)]
    rows = []
    for number, file in enumerate(files):
        for view in ("whole", "native", "scaled"):
            image = {"bytes": file.read_bytes(), "path": None}
            row = {"image": image, "label": file.parts[-3], "picture": f"p{number}", "view": view}
            rows.append({**row, "source": f"s{number}", "generator": "camera", "part": "train"})
    pd.DataFrame(rows).to_parquet(tmp_path / "windows.parquet")
    table = data.load_all(tmp_path)
    assert table["id"][:] == ["train/p0", "train/p1", "train/p2", "train/p3"]
    assert table["label"][:] == [0, 0, 1, 1]
    assert [len(cut) for cut in table["squares"]] == [2] * 4


def test_whole_sources_go_to_one_split_and_a_random_split_tears_them(pictures):
    splits = data.load_splits(pictures)
    sources = {name: set(part["source"]) for name, part in splits.items()}
    assert not sources["train"] & sources["test"] and not sources["train"] & sources["validation"]
    random = data.load_splits(pictures, "random")
    torn = {name: set(part["source"]) for name, part in random.items()}
    assert torn["train"] & torn["test"]


def test_too_few_sources_are_divided_image_by_image_and_that_is_said(tmp_path, pictures, capsys):
    shutil.copytree(pictures / "REAL", tmp_path / "REAL")
    for number in range(2):
        shutil.copytree(pictures / f"FAKE/generator-{number}", tmp_path / f"FAKE/{number}")
    data.load_splits(tmp_path)
    assert "Only 2 sources of AI-generated images" in capsys.readouterr().out


def test_leaving_a_generator_out_names_its_images(pictures):
    rows = data.load_all(pictures)
    folds = dict(data.leave_one_out(rows))
    assert sorted(folds) == [f"generator-{i}" for i in range(7)]
    generators = np.array(rows["generator"][:])
    assert all((generators[left_out] == name).all() for name, left_out in folds.items())


@pytest.mark.parametrize("size", [(1, 30_000), (30_000, 1), (65, 65)])
def test_odd_pictures_are_read(tmp_path, size):
    for name in ("REAL", "FAKE"):
        (tmp_path / name).mkdir()
        Image.new("RGB", size).save(tmp_path / name / "a.png")
    rows = data.load_all(tmp_path)
    images, owners = next(iter(data.seen(rows, data.View("windows", 128))))
    assert images.shape[1:] == (128, 128, 3) and set(owners) == {0, 1}
