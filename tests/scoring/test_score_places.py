"""Wherever pictures lie, they get the same answers."""

import os
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import datasets
import numpy as np
import pytest
from archives import write_parquet, write_tar, write_webdataset, write_zip

import truthpixel_utils
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.scoring.classes import NO_CLASS, Class, class_of
from truthpixel_utils.scoring.places import find_units
from truthpixel_utils.scoring.reading import items_of


@pytest.fixture(scope="module")
def expected(album, detector_file):
    return truthpixel_utils.score(album, model=detector_file)


@pytest.fixture
def web(tmp_path):
    """A server of files on this machine, and the folder that it serves."""
    folder = tmp_path / "served"
    folder.mkdir()

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *words):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", folder
    server.shutdown()
    server.server_close()


def same(found, expected):
    assert found["error"].isna().all()
    np.testing.assert_array_equal(sorted(found["logit"]), sorted(expected["logit"]))
    assert set(found["width"]) == {32}


def test_a_folder_gives_a_row_a_picture_with_its_class(expected, album):
    assert len(expected) == 24 and expected["id"].is_unique
    assert expected["label"].tolist() == [1] * 12 + [0] * 12
    assert expected["generator"].dropna().unique().tolist() == ["camera"]
    assert expected["id"][0] == str(album / "train" / "FAKE" / "0000.png")
    assert set(expected["detector"]) == {"small.keras"}


def test_archives_and_shards_give_what_the_folder_gives(
    expected, files, tmp_path, detector_file, monkeypatch
):
    labels = ["FAKE"] * 12 + ["REAL"] * 12
    monkeypatch.chdir(tmp_path)
    write_zip(tmp_path / "a.zip", files)
    write_tar(tmp_path / "b.tar", files)
    write_tar(tmp_path / "c.tgz", files)
    write_webdataset(tmp_path / "d.tar", files)
    write_parquet(tmp_path / "e.parquet", files, label=labels)
    found = truthpixel_utils.score([tmp_path], model=detector_file)
    shard = found["id"].str.extract(r"([a-e])\.(?:zip|tar|tgz|parquet)[/#]")[0]
    assert shard.value_counts().to_dict() == dict.fromkeys("abcde", 24)
    for letter, table in found.groupby(shard.to_numpy()):
        same(table, expected)
        knows = letter in "ade"  # a stream of files has no neighbours to tell classes by
        assert table["label"].dropna().tolist() == ([1] * 12 + [0] * 12 if knows else [])
    assert set(found[shard == "d"]["generator"]) == {"vae", "camera"}
    assert truthpixel_utils.score("e.parquet", model=detector_file)["id"][3] == "e.parquet#3"


def test_a_pattern_and_files_by_name(expected, album, detector_file):
    found = truthpixel_utils.score(f"{album}/train/*/000[0-3].png", model=detector_file)
    assert len(found) == 8 and found["label"].isna().all()
    named = truthpixel_utils.score(list(found["id"]), model=detector_file)
    assert named["logit"].tolist() == found["logit"].tolist()
    with pytest.raises(TruthPixelError, match="matches nothing"):
        truthpixel_utils.score(f"{album}/*.gif", model=detector_file)


def test_a_store_behind_fsspec(expected, files, in_memory, detector_file):
    for name, content in files.items():
        in_memory.pipe(f"/bucket/album/{name}", content)
    same(truthpixel_utils.score("memory://bucket/album", model=detector_file), expected)
    found = truthpixel_utils.score("memory://bucket/album/train/REAL/*.png", model=detector_file)
    assert len(found) == 12 and found["id"][0].startswith("memory://")


def test_a_web_server(expected, files, web, detector_file):
    address, folder = web
    (folder / "some").mkdir()
    for number, content in enumerate(files.values()):
        (folder / "some" / f"{number}.png").write_bytes(content)
    write_tar(folder / "all.tar", files)
    write_zip(folder / "all.zip", files)
    write_parquet(folder / "all.parquet", files)
    for name in ("some/", "all.tar", "all.zip", "all.parquet"):
        same(truthpixel_utils.score(f"{address}/{name}", model=detector_file), expected)
    found = truthpixel_utils.score(
        [f"{address}/some/0.png", f"{address}/no.png"], model=detector_file
    )
    assert found["error"].isna().tolist() == [True, False]


def test_a_package_that_a_store_needs_is_named():
    with pytest.raises(TruthPixelError, match="s3fs"):
        list(find_units(["s3://bucket/album"]))


def test_what_is_no_picture_is_left_aside(album, files, tmp_path):
    folder = tmp_path / "mixed"
    (folder / ".hidden").mkdir(parents=True)
    for name in ("a.png", ".hidden/b.png", "notes.txt", "results/c.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(next(iter(files.values())))
    os.symlink(folder, folder / "round")  # a link back up
    units = list(find_units([folder], aside=[folder / "results"]))
    assert [file.id for unit in units for file in unit.files] == [str(folder / "a.png")]


def test_a_class_is_never_guessed_at():
    assert NO_CLASS.below("human", ["human", "animals"]) == NO_CLASS
    assert NO_CLASS.below("REAL", ["REAL", "FAKE"]) == Class(0, "camera")
    inside = NO_CLASS.below("FAKE", ["REAL", "FAKE"])
    assert inside.below("train", ["train", "test"]) == Class(1)
    assert inside.below("dalle", ["dalle"]) == Class(1, "dalle")
    assert class_of(1, None) == class_of("7", None) == class_of(None, None) == NO_CLASS
    assert class_of(1, None, ["FAKE", "REAL"]) == Class(0, "camera")
    assert class_of(-1, None, ["FAKE", "REAL"]) == NO_CLASS


def test_a_shards_numbers_are_read_by_the_names_that_it_brings(files, tmp_path, detector_file):
    features = datasets.Features(
        {"image": datasets.Image(), "label": datasets.ClassLabel(names=["FAKE", "REAL"])}
    )
    rows = {"image": [{"bytes": one, "path": None} for one in files.values()]}
    rows["label"] = [0] * 12 + [1] * 12
    datasets.Dataset.from_dict(rows, features).to_parquet(tmp_path / "train.parquet")
    [unit] = find_units([tmp_path])
    assert [item.of_class.label for item in items_of(unit)] == [1] * 12 + [0] * 12
