"""Parquet shards as people have them."""

import io
import json

import datasets
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from conftest import picture, write_class_folders
from truthpixel_utils import data
from truthpixel_utils.data import sources
from truthpixel_utils.errors import TruthPixelError


@pytest.fixture
def broken_shards(shared):
    """Shards that people had, kept beside whole CIFAKE."""
    folder = shared / "cases" / "parquet"
    if not folder.is_dir():
        pytest.skip("needs shared/cases/parquet, which is not here")
    return folder


def encoded(seed):
    """An image's file."""
    buffer = io.BytesIO()
    Image.fromarray(picture(seed, True)).save(buffer, "PNG")
    return buffer.getvalue()


def table(labels, seed=0, image="image", label="label"):
    """A data set's table, as pandas has it."""
    images = [{"bytes": encoded(seed + i), "path": f"{seed + i}.png"} for i in range(len(labels))]
    return pd.DataFrame({image: images, label: labels})


def numbered(path, labels, names=("real", "fake"), images=None):
    """Write a shard whose labels are numbers, with the names of the classes in its features."""
    features = datasets.Features(
        {"image": datasets.Image(), "label": datasets.ClassLabel(names=list(names))}
    )
    images = images or [{"bytes": encoded(i), "path": None} for i in range(len(labels))]
    metadata = {"huggingface": json.dumps({"info": {"features": features.to_dict()}})}
    schema = features.arrow_schema.with_metadata(metadata)
    pq.write_table(pa.table({"image": images, "label": labels}, schema=schema), path)


def counted(folder):
    """Real and AI-generated images that are read."""
    return np.bincount(data.load_all(folder)["label"], minlength=2).tolist()


@pytest.mark.parametrize("unlabelled", [-1, None])
def test_images_without_a_label_are_left_out_and_counted(tmp_path, capsys, unlabelled):
    numbered(tmp_path / "test.parquet", [unlabelled, 0, 1, 1, unlabelled])
    assert counted(tmp_path) == [1, 2]
    assert "Left out 2 images without a label: test/unlabelled/" in capsys.readouterr().out


@pytest.mark.parametrize("unlabelled", [None, "", " "])
def test_a_label_in_words_may_be_missing_too(tmp_path, capsys, unlabelled):
    table(["real", unlabelled, "fake"]).to_parquet(tmp_path / "a.parquet")
    assert counted(tmp_path) == [1, 1]
    assert "Left out 1 image without a label: all/1.png" in capsys.readouterr().out


def test_a_label_beyond_the_names_is_an_error(tmp_path):
    numbered(tmp_path / "train.parquet", [0, 1, 2])
    with pytest.raises(TruthPixelError, match=r"train.parquet has a label 2, and names for 2"):
        data.load_all(tmp_path)


def test_the_hub_may_hold_images_without_a_label(tmp_path, monkeypatch, capsys):
    (tmp_path / "hub").mkdir()
    numbered(tmp_path / "hub/train-00000-of-00001.parquet", [0, -1, 1, -1])
    monkeypatch.setattr(sources, "HUB_DATASET", str(tmp_path / "hub"))
    assert counted("hub") == [1, 1]
    assert "Left out 2 images without a label" in capsys.readouterr().out


def test_a_null_image_is_left_out_and_counted(tmp_path, capsys):
    images = [None, {"bytes": None, "path": "lost.png"}]
    images += [{"bytes": encoded(i), "path": None} for i in range(2)]
    numbered(tmp_path / "train.parquet", [0, 1, 0, 1], images=images)
    assert counted(tmp_path) == [1, 1]
    assert "Left out 2 damaged images" in capsys.readouterr().out


def test_shards_that_people_had(broken_shards, capsys):
    assert sum(counted(broken_shards / "minus1_label")) == 59
    assert "Left out 1 image without a label" in capsys.readouterr().out
    assert counted(broken_shards / "null_image") == [30, 30]
    assert "Left out 2 damaged images" in capsys.readouterr().out
    assert counted(broken_shards / "Image_cap") == [30, 30]
    with pytest.raises(TruthPixelError, match="train.parquet is a git-lfs pointer"):
        data.load_all(broken_shards / "lfs")
    with pytest.raises(TruthPixelError, match="train.parquet is empty"):
        data.load_all(broken_shards / "empty")


@pytest.mark.parametrize("image, label", [("Image", "label"), ("IMAGE", "Label")])
def test_columns_may_be_written_in_any_case(tmp_path, image, label):
    table(["real", "fake", "fake"], image=image, label=label).to_parquet(tmp_path / "a.parquet")
    assert counted(tmp_path) == [1, 2]


def test_images_may_be_bare_bytes_and_labels_a_categorical(tmp_path):
    rows = {"image": [encoded(i) for i in range(3)], "label": ["real", "fake", "fake"]}
    pd.DataFrame(rows).astype({"label": "category"}).to_parquet(tmp_path / "A.PARQUET")
    assert counted(tmp_path) == [1, 2]


def test_a_shard_may_hold_one_class_and_the_next_the_other(tmp_path):
    table(["real"] * 3).to_parquet(tmp_path / "real.parquet")
    table(["fake"] * 4, seed=10).to_parquet(tmp_path / "fake.parquet")
    assert counted(tmp_path) == [3, 4]


def test_a_stray_table_does_not_hide_the_class_folders(tmp_path, capsys):
    write_class_folders(tmp_path, 3)
    scores = pd.DataFrame({"id": ["a"], "label": [1], "p_ai": [0.5]})
    scores.to_parquet(tmp_path / "predictions.parquet")
    scores.assign(image="a.png").to_parquet(tmp_path / "paths.parquet")
    assert counted(tmp_path) == [6, 6]
    said = capsys.readouterr().out
    assert "Left out: 2 tables without images (paths.parquet, predictions.parquet)." in said


def test_a_table_alone_is_no_data_set(tmp_path):
    pd.DataFrame({"id": ["a"], "p_ai": [0.5]}).to_parquet(tmp_path / "predictions.parquet")
    with pytest.raises(TruthPixelError, match="predictions.parquet has the columns id, p_ai: a"):
        data.load_all(tmp_path)


def test_images_beside_shards_are_counted(tmp_path, capsys):
    table(["real", "fake"]).to_parquet(tmp_path / "train.parquet")
    Image.fromarray(picture(0, True)).save(tmp_path / "preview.png")
    assert counted(tmp_path) == [1, 1]
    assert "Left out: 1 image beside the shards (preview.png)." in capsys.readouterr().out


def test_a_cut_shard_is_named(tmp_path):
    shard = tmp_path / "train.parquet"
    table(["real", "fake"] * 200).to_parquet(shard)
    whole = shard.read_bytes()
    shard.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TruthPixelError, match="train.parquet is cut short or no parquet file"):
        data.load_all(tmp_path)
    middle = len(whole) // 4
    shard.write_bytes(whole[:4] + bytes(middle) + whole[4 + middle :])
    with pytest.raises(TruthPixelError, match="train.parquet is damaged inside"):
        data.load_all(tmp_path)


def test_a_shard_named_as_the_source_is_told_apart_from_a_folder(tmp_path):
    table(["real", "fake"]).to_parquet(tmp_path / "train.parquet")
    with pytest.raises(TruthPixelError, match="train.parquet is a file: name the folder"):
        data.load_all(tmp_path / "train.parquet")
