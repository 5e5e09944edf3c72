import math

import numpy as np
import pandas as pd
import pytest
from prediction_tables import random_predictions
from sklearn import metrics as sk

from truthpixel_utils import evaluate


def test_by_generator_counts_accusations_of_the_camera():
    predictions = random_predictions()
    table = evaluate.by_generator(predictions)
    real = predictions[predictions["label"] == 0]
    assert table.loc["camera", "called AI-generated"] == pytest.approx((real["p_ai"] >= 0.5).mean())
    assert table.loc["camera", "accuracy"] == pytest.approx((real["p_ai"] < 0.5).mean())
    assert table["images"].sum() == 500
    gan_or_real = predictions[predictions["generator"].isin(["gan", "camera"])]
    assert table.loc["gan", "roc_auc"] == pytest.approx(
        sk.roc_auc_score(gan_or_real["label"], gan_or_real["p_ai"])
    )
    assert math.isnan(table.loc["camera", "roc_auc"])
    assert evaluate.by_generator(real).loc["camera", "images"] == len(
        real
    )  # of one class: no order, no error


def test_classes_are_read_from_the_numbers_in_cifakes_ids():
    ids = [
        "test/REAL/0001.jpg",
        "test/REAL/0001 (10).jpg",
        "test/FAKE/1 (10).jpg",
        "test/FAKE/1 (4).jpg",
    ]
    table = evaluate.by_class(
        pd.DataFrame({"id": ids, "label": [0, 0, 1, 1], "p_ai": [0.1, 0.1, 0.1, 0.9]})
    )
    assert table["images"].to_dict() == {"airplane": 1, "cat": 1, "truck": 2}
    assert table.loc["truck", ["real", "AI-generated"]].to_list() == [1.0, 0.0]


@pytest.mark.parametrize("name", ["photo (11).jpg", "holiday (2021).jpg", "copy (1).jpg"])
def test_numbers_in_the_names_of_other_images_are_no_classes(name):
    ids = ["test/REAL/a (2).jpg", f"test/FAKE/{name}"]
    assert evaluate.by_class(pd.DataFrame({"id": ids, "label": [0, 1], "p_ai": [0.1, 0.9]})).empty


def test_by_source_counts_accusations_of_each_photographer_and_names_the_worst_last():
    table = pd.DataFrame(
        {
            "id": [str(i) for i in range(7)],
            "source": ["ann", "ann", "bob", "bob", "cy", None, "gallery"],
            "label": [0, 0, 0, 0, 0, 0, 1],
            "p_ai": [0.9, 0.1, 0.9, 0.8, 0.4, 0.9, 0.9],
        },
        index=range(10, 17),
    )
    accused = evaluate.by_source(table)
    assert accused["called AI-generated"].to_dict() == {"cy": 0, "ann": 0.5, "bob": 1}
    assert accused["images"].to_list() == [1, 2, 2]
    assert evaluate.by_source(table, 0.85).loc["bob", "called AI-generated"] == 0.5
    assert evaluate.by_source(table.assign(source=None)).empty


def test_the_samples_sources_are_its_photographs():
    table = pd.DataFrame(
        {
            "id": ["test/REAL/flower_0001.jpg", "test/FAKE/flower_0001_vae.jpg"],
            "source": [None, None],
            "label": [0, 1],
            "p_ai": np.float32([0.7, 0.9]),
        }
    )
    assert evaluate.by_source(table)["images"].to_dict() == {"flower": 1}
