import re

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from truthpixel_utils import data
from truthpixel_utils.data.sources import SAMPLE


@pytest.fixture(scope="module")
def sample():
    return data.load_splits("sample")


def test_the_sample_is_small_balanced_and_of_several_generators(sample):
    assert sum(file.stat().st_size for file in SAMPLE.iterdir()) <= 8e6
    table = data.summary(sample)
    assert (table["real"] == table["ai"]).all()
    assert table["real"].sum() >= 1200
    for part in sample.values():
        assert len(set(part["generator"]) - {"camera"}) >= 2
    assert data.leak_report(sample)["seen before"].tolist() == [0, 0]


def test_no_photograph_is_on_two_sides(sample):
    photographs = [
        {re.search(r"/([a-z]+)_\d+", i)[1] for i in part["id"]} for part in sample.values()
    ]
    assert [len(names) for names in photographs] == [40, 10, 10]
    assert len(set.union(*photographs)) == 60


def test_every_photograph_is_free_and_credited_on_the_card(sample):
    card = (SAMPLE / "README.md").read_text(encoding="utf-8").splitlines()
    listed = pd.read_csv(SAMPLE.parent / "photographs.csv")
    assert set(listed["licence"]) == {
        "public domain", "CC0 1.0", "CC BY 2.0", "CC BY 4.0", "CC BY-SA 4.0",
    }  # fmt: skip
    for row in listed.itertuples():
        said = [row.name, row.shows, row.split, row.author, row.licence]
        assert any(line.startswith(f"| {' | '.join(said)} |") for line in card), row.name
    for name, part in sample.items():
        assert set(data.source_of(part)) == set(listed["name"][listed["split"] == name])


def test_every_ai_image_has_the_photograph_it_was_redrawn_from(sample):
    for part in sample.values():
        names = {i.split("/", 1)[1] for i in part["id"]}
        redrawn = {name for name in names if name.startswith("FAKE/")}
        originals = {
            re.sub(r"_[a-z]+\.jpg$", ".jpg", name).replace("FAKE", "REAL") for name in redrawn
        }
        assert originals == names - redrawn


def test_colours_alone_do_not_tell_the_classes_apart(sample):
    def colours(part):
        images, labels = data.thumbnails(sample[part])
        return np.hstack([images.mean(axis=(1, 2)), images.var(axis=(1, 2))]), labels

    linear = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(
        *colours("train")
    )
    assert linear.score(*colours("test")) < 0.65
