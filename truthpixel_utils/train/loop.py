"""Epochs: batches in an order that follows from the seed, an optimizer, and a checkpoint after each epoch."""

import numpy as np
import pandas as pd
from IPython.display import display

from truthpixel_utils.backend import keras
from truthpixel_utils.files import atomic_write
from truthpixel_utils.model.detector import save_detector
from truthpixel_utils.train.augment import corrupt_at_random, reseed

EARLY_STOPPING_PATIENCE = 5  # gentle: epochs without a better validation loss before training stops
LR_PATIENCE = 2  # gentle: epochs without one before the learning rate is halved
STRONG = {
    "weight_decay": 0.05,
    "label_smoothing": 0.02,
    "warm_up": 0.1,  # share of a stage's steps
    "average": 0.999,  # momentum a step
    "statistics": 32,  # batches to measure the average's on
}


class Batches(keras.utils.PyDataset):
    """One view of each image an epoch, in batches; order and views follow from the seed and the epoch.

    Without a seed the order is the images' own. Batch by batch, features larger than memory stay on disk.
    """

    def __init__(self, inputs, labels, batch_size, seed=None, epoch=0, change=None):
        """inputs: array (views, N, ...); labels: array (N,); epoch: number of epochs done already; change: function of
        an image and a numpy.random.Generator that returns the image as the network is to meet it this time."""
        super().__init__()
        self.inputs, self.labels, self.batch_size = inputs, labels, batch_size
        self.seed, self.epoch, self.change = seed, epoch, change
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
        inputs = self.inputs[view, rows]
        if self.change:
            rng = np.random.default_rng((self.seed, self.epoch, batch))
            inputs = np.stack([self.change(image, rng) for image in inputs])
        return inputs.astype(np.float32), self.labels[rows]

    def on_epoch_end(self):
        self.epoch += 1
        self._arrange()


class AveragedWeights(keras.callbacks.SwapEMAWeights):
    """Lets validation see the moving average of the weights, with batch normalisation's statistics measured for it.

    Those of the weights in training do not fit their average (Izmailov et al., 2018): with them it may answer at random.
    """

    def __init__(self, batches):
        """batches: `Batches` of training images to measure on."""
        super().__init__()
        self.batches = batches

    def on_test_begin(self, logs=None):
        super().on_test_begin(logs)
        self.norms = [n for n in self.model.layers if isinstance(n, keras.layers.BatchNormalization) and n.trainable]
        self.trained = [(norm.momentum, norm.moving_mean.numpy(), norm.moving_variance.numpy()) for norm in self.norms]
        for i in range(min(STRONG["statistics"], len(self.batches))):
            for norm in self.norms:
                norm.momentum = i / (i + 1)  # the plain mean over all batches
            self.model(self.batches[i][0], training=True)
        self.weights = self.model.get_weights()

    def on_test_end(self, logs=None):
        for norm, (momentum, mean, variance) in zip(self.norms, self.trained):
            norm.momentum = momentum
            norm.moving_mean.assign(mean)
            norm.moving_variance.assign(variance)
        super().on_test_end(logs)


def fit_stage(
    network, inputs, labels, validation, checkpoint, *, epochs, learning_rate, batch_size, recipe, seed, stage, done
):
    """Train a network on what lies ready for it; leave it with the weights of its epoch of lowest validation loss.

    Parameters
    ----------
    network : keras.Model, such as the top that `model.cut` gives
    inputs, labels : arrays (views, N, ...) and (N,)
    validation : the same, of the rows to watch
    checkpoint : Path of a folder; what it holds of an earlier, stopped run with the same arguments is gone on with
    epochs : int, at most
    learning_rate, batch_size, recipe, seed : see `train.train`
    stage : int, its number, from 1
    done : int, epochs trained in earlier stages

    Returns
    -------
    pandas.DataFrame, see `train.train`
    """
    batches = Batches(inputs, labels, batch_size)
    rules = _compile(network, recipe, learning_rate, len(batches) * epochs)
    history = _resume(network, checkpoint, len(batches))
    table = display(_shown(history), display_id=True)

    def keep(epoch, logs):
        nonlocal history
        logs.setdefault("learning_rate", float(network.optimizer.learning_rate))
        logs["stage"] = stage
        row = pd.DataFrame([logs], index=pd.Index([epoch + 1], name="epoch")).astype(float)
        history = pd.concat([history, row])
        if best_epoch(history) == epoch + 1:
            trained = network.get_weights()
            network.set_weights(average.weights if average else trained)
            save_detector(network, checkpoint / "best.keras")
            network.set_weights(trained)
        with atomic_write(checkpoint / "history.csv") as part:
            history.to_csv(part)
        save_detector(network, checkpoint / "last.keras")  # comes last: with it the epoch counts as done
        if table:
            table.update(_shown(history))

    def replay(logs):
        """What the rules know is a function of the history: show a resumed training's rules what they missed."""
        for epoch, row in enumerate(history.to_dict("records")):
            for rule in rules:
                rule.on_epoch_end(epoch, row)

    if len(history) < epochs and not (recipe == "gentle" and _has_stopped(history)):
        if len(history):
            print(f"Resumed after epoch {done + len(history)}.")
        change = corrupt_at_random if recipe == "strong" else None
        batches = Batches(inputs, labels, batch_size, seed, done + len(history), change)
        average = AveragedWeights(Batches(inputs, labels, batch_size, seed, 0, change)) if recipe == "strong" else None
        watched = Batches(*validation, batch_size)
        network.fit(
            batches,
            validation_data=watched,
            initial_epoch=done + len(history),
            epochs=done + epochs,
            callbacks=[
                *rules,
                *([average] if average else []),
                keras.callbacks.LambdaCallback(
                    on_train_begin=replay,
                    on_epoch_begin=lambda epoch, logs: reseed(network, seed, epoch),
                    on_epoch_end=keep,
                ),
            ],
            shuffle=False,
            verbose=0,
        )
        # TensorFlow never forgets a dataset: the mapped features would stay in memory.
        del batches.inputs, watched.inputs
    network.set_weights(keras.models.load_model(checkpoint / "best.keras").get_weights())
    return history


def _compile(network, recipe, learning_rate, steps):
    """Give the network its loss and optimizer; return the callbacks that steer them."""
    if recipe == "gentle":
        optimizer, smoothing = keras.optimizers.Adam(learning_rate), 0.0
        rules = [
            keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.5, patience=LR_PATIENCE),
            keras.callbacks.EarlyStopping("val_loss", patience=EARLY_STOPPING_PATIENCE),
        ]
    else:
        warm_up = int(STRONG["warm_up"] * steps)
        schedule = keras.optimizers.schedules.CosineDecay(
            0.0, steps - warm_up, warmup_target=learning_rate, warmup_steps=warm_up
        )
        optimizer = keras.optimizers.AdamW(
            schedule, STRONG["weight_decay"], use_ema=True, ema_momentum=STRONG["average"]
        )
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        smoothing = STRONG["label_smoothing"]
        rules = []
    network.compile(
        optimizer,
        loss=keras.losses.BinaryCrossentropy(label_smoothing=smoothing),
        metrics=["accuracy", keras.metrics.AUC(name="auc")],
        # On cached features a step is short, and starting it took longer than the step. Torch has no such thing.
        steps_per_execution=1 if keras.config.backend() == "torch" else 25,
    )
    return rules


def _resume(network, checkpoint, batches_an_epoch):
    """Restore weights and optimizer as the last whole epoch left them; return the history so far."""
    if not (checkpoint / "last.keras").exists():
        return pd.DataFrame()
    last = keras.models.load_model(checkpoint / "last.keras")
    network.set_weights(last.get_weights())
    network.optimizer.build(network.trainable_variables)
    for variable, saved in zip(network.optimizer.variables, last.optimizer.variables):
        if variable.name != "learning_rate":  # the rules lower it again while they replay the history
            variable.assign(saved)
    history = pd.read_csv(checkpoint / "history.csv", index_col="epoch", float_precision="round_trip")
    return history.head(int(last.optimizer.iterations) // batches_an_epoch)  # a row without its weights is not done


def best_epoch(history):
    """The epoch (int) whose weights are kept: that of the lowest validation loss in the last stage of the history."""
    last = history["stage"] == history["stage"].iloc[-1]
    return history.loc[last, "val_loss"].idxmin()


def _has_stopped(history):
    return len(history) > 0 and history.index[-1] - best_epoch(history) >= EARLY_STOPPING_PATIENCE


def _shown(history):
    """The history as it is displayed: four decimals, and the learning rate as short as it goes."""
    if history.empty:
        return history
    return history.round(4).assign(
        learning_rate=history["learning_rate"].map("{:.2g}".format), stage=history["stage"].astype(int)
    )
