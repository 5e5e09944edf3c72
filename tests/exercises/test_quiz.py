import json

import pytest

from truthpixel_utils import data, exercises


@pytest.fixture
def quiz(home):
    return exercises.Quiz(data.load_splits("sample")["train"], count=6)


def answer_all(quiz, wrong=0):
    for i, (button, label) in enumerate(zip(quiz.buttons, quiz.labels, strict=True)):
        button.value = int(1 - label if i < wrong else label)


def test_the_score_is_kept_when_the_last_image_is_answered(quiz, home):
    quiz.buttons[0].value = 1
    assert exercises.your_score() is None
    assert "1 of 6 answered" in quiz.line.value
    answer_all(quiz, wrong=2)
    score = exercises.your_score()
    assert (score["images"], score["right"]) == (6, 4)
    assert score["accuracy"] == pytest.approx(4 / 6)
    kept = json.loads((home / "outputs/your_score.json").read_text())
    assert [row["label"] for row in kept["answers"]] == quiz.labels.tolist()
    assert "You were right about 4 of 6 images" in quiz.result().words


def test_an_unanswered_quiz_says_so(quiz):
    assert quiz.result().words.startswith("The quiz above is not finished")


def test_a_guess_stands_beside_the_score(quiz):
    assert quiz.result(guess=3).words.startswith("The quiz above is not finished")
    answer_all(quiz, wrong=2)
    assert quiz.result(guess=3).words.startswith("You guessed 3. You were right about 4 of 6")


def test_labels_show_only_when_all_is_answered(quiz):
    quiz.buttons[0].value = 1
    assert not any(tile.layout.border for tile in quiz.tiles)
    answer_all(quiz)
    said = [tile.children[-1].value for tile in quiz.tiles]
    assert sorted(said) == ["AI-generated ✓"] * 3 + ["real ✓"] * 3
    assert all(button.disabled for button in quiz.buttons)


def test_the_same_seed_asks_for_the_same_images_half_of_each_class(quiz, home):
    again = exercises.Quiz(data.load_splits("sample")["train"], count=6)
    assert again.ids == quiz.ids
    assert sorted(quiz.labels) == [0, 0, 0, 1, 1, 1]


def test_a_picture_takes_its_place_where_no_kernel_runs(quiz):
    bundle = quiz._repr_mimebundle_()
    data_of = bundle[0] if isinstance(bundle, tuple) else bundle
    assert data_of["image/png"]
    assert "application/vnd.jupyter.widget-view+json" in data_of
