import json

import pytest
from networks import new_detector, new_whole_detector

from conftest import RULE
from truthpixel_utils import cli, data, evaluate, train
from truthpixel_utils.train.record import read_record, training_record, write_record
from truthpixel_utils.train.settings import Settings


@pytest.fixture(scope="module")
def splits(tiny):
    return data.load_splits(tiny)


def test_evaluate_refuses_images_that_the_detector_may_have_been_trained_on(
    splits, tiny, home, capsys
):
    detector = new_detector()
    train.train_phase(detector, splits, phase=2, epochs=1, learning_rate=1e-3)
    evaluate.save_finished(detector, RULE)
    assert cli.main(["evaluate", "--source", str(tiny), "--split", "official"]) == 1
    assert "was trained on other images" in capsys.readouterr().err


def test_a_detector_without_a_record_is_said_to_be_unchecked(splits, tiny, home, capsys):
    evaluate.save_finished(new_whole_detector(), RULE)
    train.check_unseen(splits)
    said = capsys.readouterr().out
    assert "cannot be checked: " in said and said.endswith("finished.json is missing.\n")
    undivided = data.load_splits(tiny, split="all")
    capsys.readouterr()
    train.check_unseen(undivided)  # whoever says that all images are new is taken at their word
    assert capsys.readouterr().out == ""


def test_the_record_has_the_content_that_finished_trainings_are_recognised_by(splits, tmp_path):
    """A training that an earlier version has finished is not made again."""
    settings = Settings(((64, 2),), 1e-3, 32, 2, "gentle", 42)
    record = training_record(new_whole_detector(), splits, settings)
    assert list(record) == [
        *("format", "start", "trainable", "image_size", "rows", "order"),
        *("stages", "learning_rate", "batch_size", "views", "recipe", "seed"),
        *("head", "augmentation", "rules"),
    ]
    assert record["format"] == 2 and record["image_size"] == 64 and record["stages"] == [[64, 2]]
    assert record["rows"] != record["order"]
    assert [config["units"] for config in record["head"]] == [1]
    assert record["augmentation"][0]["mode"] == "horizontal"
    assert record["rules"] == [5, 2]
    write_record(tmp_path / "finished.json", record)
    assert read_record(tmp_path / "finished.json") == record


def test_the_record_of_a_strong_training_holds_the_recipes_numbers(splits):
    settings = Settings(((32, 1), (64, 2)), 1e-3, 32, 1, "strong", 42)
    record = training_record(new_whole_detector(), splits, settings)
    assert record["stages"] == [[32, 1], [64, 2]]
    assert record["rules"] == {
        "weight_decay": 0.05,
        "label_smoothing": 0.02,
        "warm_up": 0.1,
        "average": 0.999,
        "statistics": 32,
        "shift": 4,
        "times": [0.5, 0.35, 0.15],
        "kinds": [0.3, 0.15, 0.3, 0.15, 0.1],
        "jpeg": [30, 95],
        "blur": [0.3, 1.2],
        "noise": [0.01, 0.12],
        "rescale": [16, 30],
        "contrast": [0.7, 1.3],
        "brightness": [-0.15, 0.15],
    }
    assert json.loads(json.dumps(record)) == record
