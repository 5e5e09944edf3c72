import numpy as np
import pytest

from truthpixel_utils import data, evaluate, model, train
from truthpixel_utils.data.windows import View
from truthpixel_utils.train import pictures as drawing

WINDOWS = View("windows", 32)


@pytest.fixture(scope="module")
def splits(pictures):
    return data.load_splits(pictures)


def test_windows_are_drawn_anew_and_the_same_again_from_the_same_seed(splits):
    [files] = drawing.Files(splits["train"], WINDOWS)[0, [0]]
    one, same, other = (
        drawing.draw_window(files, np.random.default_rng(seed), 64) for seed in (1, 1, 2)
    )
    assert one.shape == (64, 64, 3) and one.dtype == np.uint8
    assert (one == same).all() and (one != other).any()


@pytest.mark.parametrize("size", [(300, 300), (64, 64), (20, 50), (1, 1), (224, 480)])
def test_a_picture_of_any_size_can_be_corrupted_and_stays_what_it_was(size):
    picture = np.full((*size, 3), 128, np.uint8)
    for seed in range(30):
        window = drawing.corrupt_picture(picture, np.random.default_rng(seed), 64)
        assert window.shape == (64, 64, 3) and abs(window.astype(float).mean() - 128) < 40
    assert (picture == 128).all()


def test_each_class_has_half_of_the_weight_and_no_source_drowns_the_others():
    rows = data_set([("a", 0)] * 16 + [("b", 0)] * 4 + [("c", 1)] * 2)
    weights = train.source_weights(rows)
    assert weights.sum() == pytest.approx(1) and weights[:20].sum() == pytest.approx(0.5)
    assert weights[:16].sum() == pytest.approx(2 * weights[16:20].sum())  # not four times


def test_rows_without_sources_have_no_weights():
    assert train.source_weights(data_set([(None, 0), (None, 1)])) is None


def data_set(rows):
    import datasets

    sources, labels = zip(*rows, strict=True)
    return datasets.Dataset.from_dict({"source": sources, "label": labels})


def test_both_recipes_train_on_pictures(splits, tmp_path):
    detector = model.build_detector("lite0", image_size=32, view="windows", seed=0)
    assert model.view_of(detector) == WINDOWS
    model.freeze_backbone(detector)
    train.train_phase(detector, splits, phase=1, epochs=2, learning_rate=1e-3, output_dir=tmp_path)
    model.unfreeze_top(detector, "all", batch_norm=True)
    options = {"epochs": 1, "learning_rate": 1e-4, "recipe": "strong", "views": 1}
    history = train.train_phase(detector, splits, phase=2, output_dir=tmp_path, **options)
    assert np.isfinite(history.to_numpy()).all()
    again = model.load_detector(tmp_path / "models/phase2.keras")
    assert model.view_of(again) == WINDOWS
    table = evaluate.predict_rows(again, splits["test"])
    assert len(table) == len(splits["test"]) and table["p_ai"].between(0, 1).all()


def test_a_pictures_answer_is_the_mean_of_its_windows(splits):
    detector = model.build_detector("lite0", image_size=32, view="windows", seed=0)
    rows = splits["test"].select([0])
    [(windows, owners)] = data.seen(rows, WINDOWS)
    assert len(windows) > 1 and set(owners) == {0}
    logits, _ = evaluate.predict_images(detector, windows)
    table = evaluate.predict_rows(detector, rows)
    assert table["logit"][0] == pytest.approx(logits.mean(), abs=1e-5)


def test_views_are_kept_and_made_anew_for_other_pictures_and_rules(
    splits, tmp_path, monkeypatch, capsys
):
    rows = splits["train"].select(range(6))
    made = drawing.picture_views(rows, WINDOWS, 2, 0, tmp_path)
    assert made.shape == (2, 6, 32, 32, 3) and made.dtype == np.uint8
    assert capsys.readouterr().out == "Caching 2 × 6 views of 32 pixels: 0 MB.\n"
    first = np.array(made)
    [files] = drawing.Files(rows, WINDOWS)[0, [4]]
    drawn = drawing.draw_window(files, np.random.default_rng((0, 1, 4)), 32)
    assert (first[1, 4] == drawn).all() and (first[0, 4] != drawn).any()

    with monkeypatch.context() as patch:
        patch.setattr(drawing, "draw_window", None)
        again = drawing.picture_views(rows, WINDOWS, 2, 0, tmp_path)
    assert (again == first).all() and capsys.readouterr().out == ""

    others = splits["train"].select(range(6, 12))
    assert (drawing.picture_views(others, WINDOWS, 2, 0, tmp_path)[0] != first[0]).any()
    assert (drawing.picture_views(rows, WINDOWS, 2, 1, tmp_path)[1] != first[1]).any()
    monkeypatch.setitem(drawing.PICTURE_CORRUPTIONS, "quality", (5, 5))
    assert (drawing.picture_views(rows, WINDOWS, 2, 0, tmp_path)[1] != first[1]).any()
    assert (made == first).all()  # what is mapped stays what it was
    assert len(list(tmp_path.iterdir())) == 4


def test_views_that_were_not_finished_are_not_taken_for_whole(splits, tmp_path, monkeypatch):
    rows = splits["train"].select(range(6))
    with monkeypatch.context() as patch:
        patch.setattr(drawing, "draw_window", None)
        with pytest.raises(TypeError):
            drawing.picture_views(rows, WINDOWS, 2, 0, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_views_are_listed_and_cleared_beside_the_features(splits, tmp_path):
    drawing.picture_views(splits["train"].select(range(6)), WINDOWS, 2, 0, tmp_path)
    [row] = train.list_cache(tmp_path).to_dict("records")
    assert (row["layer"], row["images"], row["each"]) == ("windows", 12, "32×32×3")
    assert row["done"] == 1 and train.clear_cache(tmp_path) > 0
    assert list(tmp_path.iterdir()) == []
