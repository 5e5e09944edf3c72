import pytest

from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.train.settings import Settings, read_stages

SENSIBLE = {
    "stages": ((64, 10),),
    "learning_rate": 1e-3,
    "batch_size": 32,
    "views": 2,
    "recipe": "gentle",
    "seed": 42,
}


def test_a_number_of_epochs_is_one_stage_of_the_detectors_own_size():
    assert read_stages(10, image_size=96) == ((96, 10),)
    assert read_stages([[64, 10], [96, 8]], image_size=96) == ((64, 10), (96, 8))


@pytest.mark.parametrize(
    "epochs, words",
    [
        ([[64, 1], [32, 1]], "the detector's own size, 64"),
        ([64, 10], "expected a number, or stages as in"),
        ([], "expected a number, or stages as in"),
        ([[64, 1, 2]], "expected a number, or stages as in"),
    ],
)
def test_stages_that_do_not_fit_are_told_in_one_sentence(epochs, words):
    with pytest.raises(TruthPixelError, match=words):
        read_stages(epochs, image_size=64)


@pytest.mark.parametrize(
    "setting, words",
    [
        ({"stages": ((32, 3), (64, 0))}, "epochs is 0: expected a number above 0"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0: expected a number above 0"),
        ({"batch_size": -1}, "batch_size is -1: expected a number above 0"),
        ({"views": 0}, "views is 0: expected a number above 0"),
        ({"recipe": "wild"}, 'recipe is "wild": expected gentle or strong'),
    ],
)
def test_settings_that_make_no_sense_are_told_in_one_sentence(setting, words):
    with pytest.raises(TruthPixelError, match=words):
        Settings(**{**SENSIBLE, **setting})


def test_each_stage_begins_with_half_the_learning_rate():
    settings = Settings(**SENSIBLE)
    assert [settings.learning_rate_of(stage) for stage in (1, 2, 3)] == [1e-3, 5e-4, 2.5e-4]
