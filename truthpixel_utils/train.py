"""Training in two phases, the same code for both: what is trainable is decided before, in plain sight.

Every epoch is a function of the seed and its own number (order, views, dropout), and is saved when it ends: a training
that was stopped goes on where it stopped and ends with the weights it would have had.
"""

import hashlib
import json
import shutil

import numpy as np
import pandas as pd
from IPython.display import display

from truthpixel_utils.data import thumbnails
from truthpixel_utils.features import extract
from truthpixel_utils.files import TruthPixelError, project_path, written_whole
from truthpixel_utils.model import cut, fingerprint, keras

FINAL = {1: "phase1.keras", 2: "truthpixel_final.keras"}
_USED = ("train", "validation")
_HEAD = ("dense_256", "dropout_256", "dense_128", "dropout_128", "logit")
PATIENCE = 5  # epochs without a better validation loss before training stops
PATIENCE_LR = 2  # epochs without one before the learning rate is halved


def augmentation():
    """Build the random changes that a training image undergoes; none of them turns real into AI-generated.

    Returns
    -------
    keras.Sequential : pixels (N, H, W, 3), 0..255 -> the same shape, float32: flip left to right, rotation by up to
    15 degrees, zoom to 0.8..1.2 of the size, brightness by up to 20 % of the range 0..255.
    """
    return keras.Sequential(
        [
            keras.layers.RandomFlip("horizontal"),
            keras.layers.RandomRotation(15 / 360),
            keras.layers.RandomZoom((-0.2, 0.2)),
            keras.layers.RandomBrightness(0.2, value_range=(0, 255)),
        ],
        name="augmentation",
    )


def augmented_views(images, views, seed):
    """Make the views of each image that training alternates between.

    Parameters
    ----------
    images : uint8 array (N, H, W, 3)
    views : int; the first is the image itself, each further one an augmented copy
    seed : int, of the augmentation

    Returns
    -------
    uint8 array (views, N, H, W, 3)
    """
    made = np.broadcast_to(images, (views, *images.shape)).copy()
    augment = augmentation()
    for view in range(1, views):
        for start in range(0, len(images), 1024):
            _reseed(augment, seed, view, start)
            changed = augment(images[start : start + 1024].astype(np.float32), training=True)
            made[view, start : start + 1024] = keras.ops.convert_to_numpy(changed).clip(0, 255).round()
    return made


class Batches(keras.utils.PyDataset):
    """One view of each image an epoch, in batches; order and views follow from the seed and the epoch.

    Without a seed the order is the images' own. Batch by batch, features larger than memory stay on disk.
    """

    def __init__(self, inputs, labels, batch_size, seed=None, epoch=0):
        """inputs: array (views, N, ...); labels: array (N,); epoch: number of epochs done already."""
        super().__init__()
        self.inputs, self.labels, self.batch_size = inputs, labels, batch_size
        self.seed, self.epoch = seed, epoch
        self._arrange()

    def _arrange(self):
        self.order = np.arange(len(self.labels))
        if self.seed is not None:
            np.random.default_rng((self.seed, self.epoch)).shuffle(self.order)

    def __len__(self):
        return -(-len(self.labels) // self.batch_size)

    def __getitem__(self, batch):
        rows = self.order[batch * self.batch_size : (batch + 1) * self.batch_size]
        view = (rows + self.epoch) % len(self.inputs)
        return self.inputs[view, rows].astype(np.float32), self.labels[rows]

    def on_epoch_end(self):
        self.epoch += 1
        self._arrange()


def train(
    detector,
    splits,
    *,
    phase,
    epochs,
    learning_rate,
    batch_size=32,
    views=2,
    seed=42,
    output_dir="outputs",
    engine="auto",
):
    """Train what is trainable in the detector, in place, and leave it with its best epoch's weights.

    Adam on binary cross-entropy; the learning rate is halved after 2 epochs without a lower validation loss, and
    training stops after 5. Frozen layers below the trained ones are computed once for each view of an image and kept
    in ``cache/``. A training that finished before with the same data, start and settings is reused, one that was
    stopped is resumed; either is said in one line.

    Parameters
    ----------
    detector : keras.Model from `model.build_detector`, with layers frozen as wanted
    splits : datasets.DatasetDict with ``train`` and ``validation``
    phase : int, 1 or 2; names the files
    epochs : int, at most
    learning_rate : float, of Adam
    batch_size : int, images
    views : int; 1 = every image as it is, 2 = alternately so and augmented, more = more augmented copies
    seed : int, for order, augmentation and dropout
    output_dir : str or Path, gets ``models/``, ``training_history_phase<N>.csv``, ``checkpoints/`` and ``cache/``
    engine : of the frozen layers, see `engine.prepare`

    Returns
    -------
    pandas.DataFrame, one row an epoch: ``accuracy, auc, loss, val_accuracy, val_auc, val_loss, learning_rate``
    """
    _check(epochs=epochs, learning_rate=learning_rate, batch_size=batch_size, views=views)
    output = project_path(output_dir)
    final = output / "models" / FINAL[phase]
    history_csv = output / f"training_history_phase{phase}.csv"
    checkpoint = output / "checkpoints" / f"phase{phase}"
    recipe = _recipe(detector, splits, epochs, learning_rate, batch_size, views, seed)
    if _read(checkpoint / "finished.json") == recipe and final.exists() and history_csv.exists():
        print(f"Reused: phase {phase} was trained before with the same data, start and settings.")
        detector.set_weights(keras.models.load_model(final).get_weights())
        return pd.read_csv(history_csv, index_col="epoch")
    if _read(checkpoint / "recipe.json") != recipe:
        for name in ("last.keras", "best.keras", "history.csv"):  # not finished.json: it still speaks of `final`
            (checkpoint / name).unlink(missing_ok=True)
        _write(checkpoint / "recipe.json", recipe)

    trunk, top = cut(detector)
    inputs, labels = _inputs(trunk, splits["train"], views, seed, output / "cache", engine)
    validation = _inputs(trunk, splits["validation"], 1, seed, output / "cache", engine)
    history = _fit(top, inputs, labels, validation, epochs, learning_rate, batch_size, seed, checkpoint)
    with written_whole(history_csv) as part:
        history.to_csv(part)
    _save(detector, final)
    shutil.rmtree(checkpoint)
    _write(checkpoint / "finished.json", recipe)
    return history


def check_rows(splits, output_dir="outputs"):
    """Raise a `TruthPixelError` unless the final detector in `output_dir` was trained on the training rows of `splits`.

    With other rows (another source, limit or seed), some of what is now called test was seen in training.
    """
    finished = _read(project_path(output_dir) / "checkpoints" / "phase2" / "finished.json")
    if finished and finished["rows"] != _rows(splits):
        raise TruthPixelError(
            "the detector was trained on other images than these splits say: set source, split, limit and seed "
            "as in notebooks 3 and 4, or some test images were seen in training."
        )


def _inputs(trunk, rows, views, seed, folder, engine):
    """What the trunk makes of each view of each image (views, N, ...), and the labels; the images are let go."""
    images, labels = thumbnails(rows)
    images = augmented_views(images, views, seed)
    features = extract(trunk, images.reshape(-1, *images.shape[2:]), folder, engine)
    return features.reshape(views, len(labels), *features.shape[1:]), labels


def _fit(top, inputs, labels, validation, epochs, learning_rate, batch_size, seed, checkpoint):
    """Train `top` on what the trunk made of the images; leave it with the best epoch's weights."""
    top.compile(
        keras.optimizers.Adam(learning_rate),
        loss="binary_crossentropy",
        metrics=["accuracy", keras.metrics.AUC(name="auc")],
        # On cached features a step is short, and starting it took longer than the step. Keras's torch has no such thing.
        steps_per_execution=1 if keras.config.backend() == "torch" else 25,
    )
    batches = Batches(inputs, labels, batch_size, seed)
    history = _resume(top, checkpoint, len(batches))
    batches = Batches(inputs, labels, batch_size, seed, epoch=len(history))
    watched = Batches(*validation, batch_size)
    top.optimizer.learning_rate = learning_rate  # the rules lower it again while they replay the history
    table = display(_shown(history), display_id=True)

    rules = [
        keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.5, patience=PATIENCE_LR),
        keras.callbacks.EarlyStopping("val_loss", patience=PATIENCE),
    ]

    def replay(logs):
        """What the rules know is a function of the history: show a resumed training's rules what they missed."""
        for epoch, row in enumerate(history.to_dict("records")):
            for rule in rules:
                rule.on_epoch_end(epoch, row)

    def keep(epoch, logs):
        nonlocal history
        row = pd.DataFrame([logs], index=pd.Index([epoch + 1], name="epoch")).astype(float)
        history = pd.concat([history, row])
        if history["val_loss"].idxmin() == epoch + 1:
            _save(top, checkpoint / "best.keras")
        with written_whole(checkpoint / "history.csv") as part:
            history.to_csv(part)
        _save(top, checkpoint / "last.keras")  # comes last: with it the epoch counts as done
        if table:
            table.update(_shown(history))

    if not _has_stopped(history):
        top.fit(
            batches,
            validation_data=watched,
            initial_epoch=len(history),
            epochs=epochs,
            callbacks=[
                *rules,
                keras.callbacks.LambdaCallback(
                    on_train_begin=replay,
                    on_epoch_begin=lambda epoch, logs: _reseed(top, seed, epoch),
                    on_epoch_end=keep,
                ),
            ],
            shuffle=False,
            verbose=0,
        )
    del batches.inputs, watched.inputs  # TensorFlow never forgets a dataset: the mapped features would stay in memory
    top.set_weights(keras.models.load_model(checkpoint / "best.keras").get_weights())
    return history


def _shown(history):
    """The history as it is displayed: four decimals, and the learning rate as short as it goes."""
    if history.empty:
        return history
    return history.round(4).assign(learning_rate=history["learning_rate"].map("{:.2g}".format))


def _has_stopped(history):
    return len(history) > 0 and len(history) - history["val_loss"].idxmin() >= PATIENCE


def _resume(top, checkpoint, batches_an_epoch):
    """Restore weights and optimizer as the last whole epoch left them; return the history so far."""
    if not (checkpoint / "last.keras").exists():
        return pd.DataFrame()
    last = keras.models.load_model(checkpoint / "last.keras")
    top.set_weights(last.get_weights())
    top.optimizer.build(top.trainable_variables)
    for variable, saved in zip(top.optimizer.variables, last.optimizer.variables):
        variable.assign(saved)
    history = pd.read_csv(checkpoint / "history.csv", index_col="epoch", float_precision="round_trip")
    history = history.head(int(last.optimizer.iterations) // batches_an_epoch)  # a row without its weights is not done
    print(f"Resumed after epoch {len(history)}.")
    return history


def _reseed(owner, *numbers):
    """Set the random state of every layer that has one (dropout, augmentation) from whole numbers."""
    for i, layer in enumerate(owner.layers):
        generator = getattr(layer, "seed_generator", None) or getattr(layer, "generator", None)
        if generator is not None:
            generator.state.assign(np.random.default_rng((*numbers, i)).integers(0, 2**32, 2, np.uint32))


def _recipe(detector, splits, epochs, learning_rate, batch_size, views, seed):
    """All that decides the outcome of a training, as a dictionary that JSON can hold."""
    return {
        "start": fingerprint(detector),
        "trainable": hashlib.sha256(bytes(layer.trainable for layer in detector.layers)).hexdigest(),
        "image_size": detector.get_layer("resize").height,
        "rows": _rows(splits),
        "order": _rows(splits, arranged=list),
        "epochs": epochs,
        "learning_rate": learning_rate,
        "batch_size": batch_size,
        "views": views,
        "seed": seed,
        "head": _settings(layer for layer in detector.layers if layer.name in _HEAD),
        "augmentation": _settings(augmentation().layers),
        "rules": [PATIENCE, PATIENCE_LR],
    }


def _rows(splits, arranged=sorted):
    """A hash of the ids in training and validation, whatever their order or, with ``arranged=list``, in theirs."""
    return {name: hashlib.sha256("\n".join(arranged(splits[name]["id"])).encode()).hexdigest() for name in _USED}


def _settings(layers):
    """What layers were built with, less their names and seeds, in a form that JSON gives back as it is."""
    configs = [{k: v for k, v in layer.get_config().items() if k not in ("name", "seed")} for layer in layers]
    return json.loads(json.dumps(configs, default=str))


def _save(detector, path):
    with written_whole(path) as part:
        detector.save(part)


def _read(path):
    return json.loads(path.read_text()) if path.exists() else None


def _write(path, content):
    with written_whole(path) as part:
        part.write_text(json.dumps(content, indent=1))


def _check(**numbers):
    for name, value in numbers.items():
        if not value > 0:
            raise TruthPixelError(f"{name} is {value}: expected a number above 0.")
