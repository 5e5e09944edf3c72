import io

import numpy as np
from PIL import Image

from conftest import write_class_folders
from truthpixel_utils import data


def smooth(seed):
    """A 32 by 32 image with few frequencies, as photographs have."""
    small = np.random.default_rng(seed).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((32, 32), Image.BICUBIC))


def rows_of(pictures, tmp_path, name):
    for folder in ("REAL", "FAKE"):
        (tmp_path / name / folder).mkdir(parents=True)
    for i, pixels in enumerate(pictures):
        Image.fromarray(pixels).save(tmp_path / name / ("FAKE" if i % 2 else "REAL") / f"{i}.png")
    return data.load_all(tmp_path / name)


def jpeg(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=80)
    return np.asarray(Image.open(buffer))


def test_re_encoded_and_brightened_images_are_found_and_others_are_not(tmp_path):
    known = [smooth(i) for i in range(40)]
    splits = {
        "train": rows_of(known, tmp_path, "train"),
        "validation": rows_of([smooth(i) for i in range(100, 104)], tmp_path, "validation"),
        "test": rows_of(
            [
                jpeg(known[4]),
                (known[7] * 0.95).astype(np.uint8),
                *(smooth(i) for i in range(200, 220)),
            ],
            tmp_path,
            "test",
        ),
    }
    near = data.find_near_duplicates(splits)
    assert set(near["id"]) == {"all/REAL/0.png", "all/FAKE/1.png"}
    assert dict(zip(near["id"], near["twin"], strict=True)) == {
        "all/REAL/0.png": "all/REAL/4.png",
        "all/FAKE/1.png": "all/FAKE/7.png",
    }
    assert (near["split"] == "train").all()


def test_no_near_duplicates_is_an_empty_table_with_the_same_columns(tmp_path):
    splits = data.load_splits(write_class_folders(tmp_path / "set", 30))
    near = data.find_near_duplicates(splits)
    assert {"id", "split", "twin", "bits", "difference"} == set(near.columns)
