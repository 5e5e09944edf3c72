import datasets
import numpy as np
import pytest
from PIL import Image

from conftest import picture, write_class_folders
from truthpixel_utils import data
from truthpixel_utils.data import sources
from truthpixel_utils.errors import TruthPixelError


def write_parquet(folder_set, root, names):
    """The images of class folders as parquet shards, in reversed order; `names` are the classes."""
    root.mkdir()
    features = datasets.Features(
        {"image": datasets.Image(), "label": datasets.ClassLabel(names=names)}
    )
    for part in ("train", "test"):
        files = sorted((folder_set / part).rglob("*.png"), reverse=True)
        rows = {
            "image": [
                {"bytes": f.read_bytes(), "path": f"{f.parent.name}/{f.name}"} for f in files
            ],
            "label": [names.index(f.parent.name) for f in files],
        }
        datasets.Dataset.from_dict(rows, features=features).to_parquet(
            root / f"{part}-00000-of-00001.parquet"
        )
    return root


def ids(splits):
    return {name: list(part["id"]) for name, part in splits.items()}


def test_same_seed_same_rows_from_any_copy(tiny, tmp_path):
    shards = write_parquet(tiny, tmp_path / "parquet", ["FAKE", "REAL"])
    assert ids(data.load_splits(tiny, limit=60)) == ids(data.load_splits(shards, limit=60))
    assert ids(data.load_splits(tiny)) != ids(data.load_splits(tiny, seed=1))


def test_labels_follow_names_not_integers(tiny, tmp_path):
    for names in (["FAKE", "REAL"], ["REAL", "FAKE"]):
        splits = data.load_splits(write_parquet(tiny, tmp_path / names[0], names))
        rows = splits["train"]
        assert rows["label"][:] == ["FAKE" in row_id for row_id in rows["id"]]


def test_folders_without_parts_and_with_generators(tmp_path):
    write_class_folders(tmp_path, 20, parts=("x",))
    (tmp_path / "x" / "FAKE").rename(tmp_path / "x" / "gan")
    (tmp_path / "FAKE").mkdir()
    (tmp_path / "x" / "gan").rename(tmp_path / "FAKE" / "gan")
    (tmp_path / "x" / "REAL").rename(tmp_path / "REAL")
    splits = data.load_splits(tmp_path)
    assert set(splits["train"]["generator"]) == {"camera", "gan"}
    assert data.summary(splits)["total"].tolist() == [28, 6, 6]


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
    pixels = np.concatenate(
        [data.thumbnails(part)[0] for part in data.load_splits(tmp_path).values()]
    )
    assert (pixels == 77).all(axis=(1, 2, 3)).sum() == 1


def test_the_hub_is_read_like_any_copy(tiny, tmp_path, monkeypatch):
    """A local folder in the layout of the hub's repository stands in for it."""
    hub = tmp_path / "hub"
    write_parquet(tiny, tmp_path / "shards", ["FAKE", "REAL"])
    (tmp_path / "shards").rename(tmp_path / "data")
    hub.mkdir()
    (tmp_path / "data").rename(hub / "data")
    monkeypatch.setattr(sources, "HUB_DATASET", str(hub))
    assert ids(data.load_splits("hub")) == ids(data.load_splits(tiny))
