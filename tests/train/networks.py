"""What the tests of this chapter train, and how they kill a training."""

import keras

from truthpixel_utils import model
from truthpixel_utils.train import loop, phases

COLUMNS = "accuracy auc loss val_accuracy val_auc val_loss learning_rate stage".split()


def new_detector():
    """A detector with a frozen backbone, the same one at every call."""
    detector = model.build_detector("lite0", image_size=32, seed=3)
    model.freeze_backbone(detector)
    return detector


def new_whole_detector():
    """A network in the shape of a detector, all of it trained, that is built in no time."""
    keras.utils.set_random_seed(3)
    layers = keras.layers
    pixels = keras.Input((32, 32, 3), name="thumbnail")
    x = layers.Rescaling(1 / 255)(layers.Resizing(64, 64, name="resize")(pixels))
    for i in range(2):
        x = layers.Conv2D(8, 3, strides=2, activation="relu", name=f"conv{i}")(x)
        x = layers.BatchNormalization(name=f"bn{i}")(x)
    x = layers.Dropout(0.3)(layers.GlobalAveragePooling2D(name=model.POOLED)(x))
    logit = layers.Dense(1, name="logit")(x)
    detector = keras.Model(pixels, layers.Activation("sigmoid", name="p_ai")(logit))
    model.unfreeze_top(detector, "all", batch_norm=True)
    return detector


def same_weights(one, other):
    """Whether two networks have the same weights, bit by bit."""
    pairs = zip(one.get_weights(), other.get_weights(), strict=True)
    return all((a == b).all() for a, b in pairs)


class Killed(Exception):
    """Stands for the end of the process."""


def kill_after(monkeypatch, count, name):
    """Stop the process, as it were, after a file called `name` was written for the `count`-th time.

    ``history.csv`` is written just before ``last.keras`` is.
    """
    save = loop.save_detector
    written = []

    def save_and_die(network, path):
        if path.name == "last.keras":
            written.append("history.csv")
            die()
        save(network, path)
        written.append(path.name)
        die()

    def die():
        if written[-1] == name and written.count(name) == count:
            raise Killed

    for module in (loop, phases):
        monkeypatch.setattr(module, "save_detector", save_and_die)
