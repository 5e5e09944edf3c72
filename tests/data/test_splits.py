import shutil

import pytest

from conftest import write_class_folders
from truthpixel_utils import data
from truthpixel_utils.errors import TruthPixelError


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


def test_twins_never_on_two_sides(tmp_path):
    write_class_folders(tmp_path, 40, parts=("train",))
    for i in range(20):
        shutil.copy(tmp_path / "train/FAKE/0000.png", tmp_path / f"train/FAKE/copy{i}.png")
        shutil.copy(tmp_path / f"train/REAL/{i:04d}.png", tmp_path / f"train/REAL/copy{i}.png")
    splits = data.load_splits(tmp_path)
    assert data.leak_report(splits)["seen before"].tolist() == [0, 0]
    assert data.summary(splits).to_numpy().tolist() == [[42, 42, 84], [9, 9, 18], [9, 9, 18]]


def test_missing_folder_bad_split_and_impossible_limit(tiny):
    with pytest.raises(TruthPixelError, match="nowhere is not a folder"):
        data.load_splits(tiny / "nowhere")
    with pytest.raises(TruthPixelError, match='expected one of "truthpixel", "random"'):
        data.load_splits(tiny, split="sideways")
    with pytest.raises(TruthPixelError, match="only 120 images can be balanced"):
        data.load_splits(tiny, limit=1000)
