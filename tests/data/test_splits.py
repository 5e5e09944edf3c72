import io
import os
import shutil
import subprocess
import sys

import datasets
import numpy as np
import pytest
from PIL import Image

from conftest import picture, write_class_folders
from truthpixel_utils import data
from truthpixel_utils.data import sources
from truthpixel_utils.errors import TruthPixelError


def write_parquet(folder_set, root, names):
    """The images of class folders as parquet shards whose integers follow `names`, in reversed order of rows."""
    root.mkdir()
    features = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=names)})
    for part in ("train", "test"):
        files = sorted((folder_set / part).rglob("*.png"), reverse=True)
        rows = {
            "image": [{"bytes": f.read_bytes(), "path": f"{f.parent.name}/{f.name}"} for f in files],
            "label": [names.index(f.parent.name) for f in files],
        }
        datasets.Dataset.from_dict(rows, features=features).to_parquet(root / f"{part}-00000-of-00001.parquet")
    return root


def ids(splits):
    return {name: list(part["id"]) for name, part in splits.items()}


def test_whole_cifake_is_divided_exactly_and_twins_stay_together(shared):
    splits = data.load_splits(shared / "cifake")
    table = data.summary(splits)
    assert table["total"].tolist() == [84_000, 18_000, 18_000]
    assert (table["real"] == table["ai"]).all()
    assert data.leak_report(splits)["seen before"].tolist() == [0, 0]
    everyone = [i for part in ids(splits).values() for i in part]
    assert len(set(everyone)) == 120_000


def test_official_split_is_cifakes_own_and_the_leak_report_finds_its_378_twins(shared):
    splits = data.load_splits(shared / "cifake", split="official")
    assert data.summary(splits)["total"].tolist() == [85_000, 15_000, 20_000]
    assert all(i.startswith("test/") for i in splits["test"]["id"][:])
    assert data.leak_report(splits)["seen before"].tolist() == [0, 378]


def test_environment_variable_names_cifake(shared, monkeypatch, capsys):
    monkeypatch.setenv("TRUTHPIXEL_CIFAKE", str(shared / "cifake"))
    splits = data.load_splits(limit=1000)
    assert data.summary(splits)[["real", "ai"]].to_numpy().tolist() == [[350, 350], [75, 75], [75, 75]]
    assert "TRUTHPIXEL_CIFAKE" in capsys.readouterr().out
    assert set(splits["train"]["generator"]) == {"camera", "stable-diffusion-1.4"}


def test_the_variable_may_be_relative_to_the_project(tiny, monkeypatch, tmp_path):
    """A notebook's kernel starts in notebooks/, papermill's anywhere: neither must change what is found."""
    monkeypatch.setenv("TRUTHPIXEL_CIFAKE", os.path.relpath(tiny, sources.PROJECT))
    monkeypatch.chdir(tmp_path)
    assert data.summary(data.load_splits())["total"].sum() == 120


def test_same_seed_same_rows_from_any_copy(tiny, tmp_path):
    shards = write_parquet(tiny, tmp_path / "parquet", ["FAKE", "REAL"])
    assert ids(data.load_splits(tiny, limit=60)) == ids(data.load_splits(shards, limit=60))
    assert ids(data.load_splits(tiny)) != ids(data.load_splits(tiny, seed=1))


def test_labels_follow_names_not_integers(tiny, tmp_path):
    for names in (["FAKE", "REAL"], ["REAL", "FAKE"]):
        splits = data.load_splits(write_parquet(tiny, tmp_path / names[0], names))
        for row_id, label in zip(splits["train"]["id"], splits["train"]["label"]):
            assert label == ("FAKE" in row_id)


def test_folders_without_parts_and_with_generators(tmp_path):
    write_class_folders(tmp_path, 20, parts=("x",))
    (tmp_path / "x" / "FAKE").rename(tmp_path / "x" / "gan")
    (tmp_path / "FAKE").mkdir()
    (tmp_path / "x" / "gan").rename(tmp_path / "FAKE" / "gan")
    (tmp_path / "x" / "REAL").rename(tmp_path / "REAL")
    splits = data.load_splits(tmp_path)
    assert set(splits["train"]["generator"]) == {"camera", "gan"}
    assert data.summary(splits)["total"].tolist() == [28, 6, 6]


def test_twins_never_on_two_sides(tmp_path):
    write_class_folders(tmp_path, 40, parts=("train",))
    for i in range(20):
        shutil.copy(tmp_path / "train/FAKE/0000.png", tmp_path / f"train/FAKE/copy{i}.png")
        shutil.copy(tmp_path / f"train/REAL/{i:04d}.png", tmp_path / f"train/REAL/copy{i}.png")
    splits = data.load_splits(tmp_path)
    assert data.leak_report(splits)["seen before"].tolist() == [0, 0]
    assert data.summary(splits).to_numpy().tolist() == [[42, 42, 84], [9, 9, 18], [9, 9, 18]]


@pytest.mark.parametrize(
    "names, message",
    [
        (("REAL",), "only the class REAL"),
        (("REAL", "CATS"), "unknown: CATS"),
        ((), "holds no images"),
    ],
)
def test_bad_folders_are_told_in_one_sentence(tmp_path, names, message):
    for name in names:
        (tmp_path / name).mkdir()
        Image.fromarray(picture(0, True)).save(tmp_path / name / "a.png")
    with pytest.raises(TruthPixelError, match=message):
        data.load_splits(tmp_path)


def test_missing_folder_bad_split_and_impossible_limit(tiny):
    with pytest.raises(TruthPixelError, match="nowhere is not a folder"):
        data.load_splits(tiny / "nowhere")
    with pytest.raises(TruthPixelError, match='expected "truthpixel" or "official"'):
        data.load_splits(tiny, split="random")
    with pytest.raises(TruthPixelError, match="only 120 images can be balanced"):
        data.load_splits(tiny, limit=1000)


def test_damaged_images_are_named_counted_and_left_out(tmp_path, capsys):
    write_class_folders(tmp_path, 20)
    (tmp_path / "train/REAL/0003.png").write_bytes(b"")
    whole = (tmp_path / "train/FAKE/0004.png").read_bytes()
    (tmp_path / "train/FAKE/0004.png").write_bytes(whole[: len(whole) // 2])
    for _ in range(2):  # read, then mapped from the cache: said both times
        splits = data.load_splits(tmp_path)
        said = capsys.readouterr().out
        assert "Left out 2 damaged images" in said
        assert "REAL/0003.png" in said and "FAKE/0004.png" in said
        assert data.summary(splits)["total"].sum() == 78


def test_a_changed_file_is_read_anew(tmp_path):
    write_class_folders(tmp_path, 20)
    data.load_splits(tmp_path)
    Image.fromarray(np.full((32, 32, 3), 77, np.uint8)).save(tmp_path / "train/REAL/0000.png")
    pixels = np.concatenate([data.thumbnails(part)[0] for part in data.load_splits(tmp_path).values()])
    assert (pixels == 77).all(axis=(1, 2, 3)).sum() == 1


def test_every_mode_becomes_rgb():
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    colour = Image.fromarray(picture(0, True))
    wide = Image.fromarray(grey.astype(np.uint16) * 257)
    for image in (Image.fromarray(grey), colour.convert("P"), colour.convert("CMYK"), colour.convert("1"), wide):
        assert sources.to_rgb(image).mode == "RGB"
    assert (np.asarray(sources.to_rgb(wide))[..., 0] == grey).all()
    clear = Image.new("RGBA", (4, 4), (200, 0, 0, 0))
    assert (np.asarray(sources.to_rgb(clear)) == 255).all()


def test_exif_orientation_is_applied_before_anything_else():
    image = Image.fromarray(np.repeat(np.array([[[255, 0, 0], [0, 0, 255]]], np.uint8), 8, axis=1).repeat(8, axis=0))
    exif = Image.Exif()
    exif[274] = 6  # rotate by 90 degrees
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", exif=exif, quality=100, subsampling=0)
    upright = np.asarray(sources.to_rgb(buffer.getvalue()))
    assert upright.shape == (16, 8, 3)
    assert upright[0, 0, 0] > 200 and upright[-1, 0, 2] > 200


def test_thumbnail_is_the_centre_square_area_averaged():
    image = np.zeros((64, 128, 3), np.uint8)
    image[:, 32:96] = picture(0, True).repeat(2, axis=0).repeat(2, axis=1)
    assert (data.thumbnail(image) == picture(0, True)).all()
    assert data.thumbnail(np.full((1, 1, 3), 9, np.uint8)).shape == (32, 32, 3)
    assert (data.thumbnail(picture(1, True)) == picture(1, True)).all()


def test_the_hub_is_read_like_any_copy(tiny, tmp_path, monkeypatch):
    """A local folder in the layout of the hub's repository stands in for it."""
    hub = tmp_path / "hub"
    write_parquet(tiny, tmp_path / "shards", ["FAKE", "REAL"])
    (tmp_path / "shards").rename(tmp_path / "data")
    hub.mkdir()
    (tmp_path / "data").rename(hub / "data")
    monkeypatch.setattr(sources, "HUB_DATASET", str(hub))
    assert ids(data.load_splits("hub")) == ids(data.load_splits(tiny))


def test_without_network_the_sample_is_chosen_within_ten_seconds(silent_server):
    code = (
        "import time; from truthpixel_utils.data import sources; start = time.perf_counter();"
        "found = sources.find_source('auto'); print(time.perf_counter() - start, found.folder.name)"
    )
    for endpoint in ("http://127.0.0.1:9", silent_server):  # a refusal, and no answer at all
        environment = {**os.environ, "HF_ENDPOINT": endpoint}
        said = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True).stdout
        seconds, folder = said.splitlines()[-1].split()
        assert folder == "sample" and "no network" in said
        assert float(seconds) < 10
