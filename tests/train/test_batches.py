import numpy as np

from truthpixel_utils.train.batches import Batches, Examples

INPUTS = np.arange(2 * 7, dtype=np.uint8).reshape(2, 7, 1)  # two views of seven images
LABELS = np.array([0, 1, 0, 1, 0, 1, 0], np.float32)


def rows_of(batches):
    return np.concatenate([inputs for inputs, _ in (batches[i] for i in range(len(batches)))])[:, 0]


def test_batches_come_in_an_order_that_follows_from_the_seed_and_the_epoch():
    first = Batches(Examples(INPUTS, LABELS), batch_size=3, seed=1)
    assert len(first) == 3 and first[0][0].dtype == np.float32 and len(first[2][0]) == 1
    rows = rows_of(first)
    assert (rows == rows_of(Batches(Examples(INPUTS, LABELS), 3, seed=1))).all()
    assert (rows % 7 != rows_of(Batches(Examples(INPUTS, LABELS), 3, seed=2)) % 7).any()
    first.on_epoch_end()
    assert (rows % 7 != rows_of(first) % 7).any()
    assert (rows_of(first) == rows_of(Batches(Examples(INPUTS, LABELS), 3, seed=1, epoch=1))).all()


def test_an_epoch_has_every_image_once_and_the_next_one_its_other_view():
    batches = Batches(Examples(INPUTS, LABELS), batch_size=3)
    rows = rows_of(batches)
    assert (rows % 7 == np.arange(7)).all()
    batches.on_epoch_end()
    assert (rows_of(batches) == (rows + 7) % 14).all()


def test_a_change_is_drawn_anew_in_every_epoch_and_again_in_the_same_one():
    def change(image, rng):
        return image + rng.random()

    def changed(epoch):
        batches = Batches(Examples(INPUTS, LABELS, change), 3, seed=1, epoch=epoch)
        return np.sort(rows_of(batches) % 1)

    assert (changed(0) == changed(0)).all()
    assert not np.isclose(changed(0), changed(2)).any()
