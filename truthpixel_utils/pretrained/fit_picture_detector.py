"""Fit the detector of pictures that comes with the package, from its data to its rule.

    python truthpixel_utils/pretrained/fit_picture_detector.py PICTURES FOLDER
    python truthpixel_utils/pretrained/ship_detector.py pictures FOLDER

PICTURES: a folder of parquet shards as `truthpixel course --profile pictures` takes it, with the
columns ``picture`` and ``family`` (a generator's) besides. FOLDER gets the detector, its rule and
``cross_fitted.parquet``; features are kept in its folder ``cache``, so that a second run is short.

Nothing is trained by gradient descent. The backbone is EfficientNet-Lite0 as ImageNet left it; a
logistic regression is fitted on the statistics of its maps, once for the whole view and once for
windows. Training and validation pictures are taken together. What a validation set is for, the
weights of the two views, the calibration and the thresholds, is done on *cross-fitted* answers:
each picture is answered by a fit that has seen no picture of its source and, if it is generated,
none of its generator's family.
"""

import hashlib
import sys
from pathlib import Path

import datasets
import keras
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.preprocessing import StandardScaler

from truthpixel_utils import data, evaluate, model
from truthpixel_utils.train.pictures import picture_views, source_weights

VIEWS = (data.View("whole", 224), data.View("windows", 128))
DRAWN = 4  # views of each picture that the regression learns from
FOLDS = 10
STRENGTH = 1e-3  # C of the logistic regression: the inverse of its regularisation
SEED = 42
CHUNK = 512  # images that go through the network at a time


def main(pictures, output):
    splits = data.load_splits(pictures)
    rows = datasets.concatenate_datasets([splits["train"], splits["validation"]])
    table = facts(rows, Path(pictures))
    weights, fold = source_weights(rows), folds(table)
    fitted = []
    for view in VIEWS:
        detector = model.build_statistics_detector("efficientnet_lite0", view.size, view.kind)
        drawn, asked = features(detector, rows, view, output / "cache")
        table[view.kind] = cross_fitted(drawn, asked, table["label"], weights, fold)
        model.set_linear(detector, *regression(drawn, table["label"], weights))
        fitted.append(detector)
    fused = model.fuse(fitted)
    weigh_views(fused, table)
    rule = evaluate.calibrate(fused, table)
    rule["out_of_distribution"] = evaluate.fit_ood(fused, splits)
    evaluate.save_finished(fused, rule, output)
    table["p_ai"] = expit((table["logit"] - rule["shift"]) / rule["temperature"])
    table.to_parquet(output / "cross_fitted.parquet")


def facts(rows, folder):
    """What the data say of each row: id, label, generator, source, and a generator's family."""
    columns = [path for path in sorted(folder.glob("*.parquet"))]
    said = pd.concat(
        pq.read_table(path, columns=["picture", "kind", "family"]).to_pandas() for path in columns
    )
    said = said.drop_duplicates("picture").set_index("picture")
    table = pd.DataFrame({name: rows[name][:] for name in ("id", "label", "generator", "source")})
    pictures = table["id"].str.split("/").str[-1]
    return table.assign(
        kind=said["kind"][pictures].to_numpy(), family=said["family"][pictures].to_numpy()
    )


def folds(table):
    """Deal sources of real pictures, and families of generators, into folds: int array (N,)."""
    group = table["source"].where(table["label"] == 0, table["family"])
    splitter = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=SEED)
    fold = np.empty(len(table), int)
    for number, (_, held_out) in enumerate(splitter.split(table, table["label"], group)):
        fold[held_out] = number
    return fold


def features(detector, rows, view, cache):
    """Take the statistics of views as training draws them, and of what the detector is asked about.

    Returns float32 arrays (DRAWN, N, D) and (N, D), the latter a mean over a picture's windows.
    """
    key = hashlib.sha256(f"{model.fingerprint(detector)} {rows['id'][:]}".encode()).hexdigest()[:16]
    file = cache / f"statistics-{view.kind}-{key}.npz"
    if not file.exists():
        network = keras.Model(detector.input, detector.get_layer(model.STATISTICS).output)
        forward = model.prepare(network)
        drawn = [
            np.concatenate(
                [
                    forward(np.ascontiguousarray(views[i : i + CHUNK]))[0]
                    for i in range(0, len(views), CHUNK)
                ]
            )
            for views in picture_views(rows, view, DRAWN, SEED, cache)
        ]
        asked = [
            pd.DataFrame(forward(images)[0]).groupby(owners).mean().to_numpy()
            for images, owners in data.seen(rows, view)
        ]
        np.savez(file, drawn=drawn, asked=np.concatenate(asked))
    kept = np.load(file)
    return kept["drawn"], kept["asked"]


def regression(drawn, labels, weights):
    """Fit a logistic regression: what each statistic adds to the logit, and the intercept."""
    seen, truth = drawn.reshape(-1, drawn.shape[-1]), np.tile(labels, len(drawn))
    scale = StandardScaler().fit(seen)
    linear = LogisticRegression(C=STRENGTH, max_iter=1000)
    importance = np.tile(weights / weights.mean(), len(drawn))
    linear.fit(scale.transform(seen), truth, sample_weight=importance)
    coefficients = linear.coef_[0] / scale.scale_
    return coefficients, linear.intercept_[0] - coefficients @ scale.mean_


def cross_fitted(drawn, asked, labels, weights, fold):
    """The logit of each picture by a fit that has not seen its fold: float array (N,)."""
    logits = np.empty(len(labels))
    for number in range(FOLDS):
        others, held_out = fold != number, fold == number
        coefficients, intercept = regression(drawn[:, others], labels[others], weights[others])
        logits[held_out] = asked[held_out] @ coefficients + intercept
    return logits


def weigh_views(fused, table):
    """Fit how much each view counts, by the cross-fitted logits; add the column ``logit``."""
    kinds = [view.kind for view in model.views_of(fused)]
    together = LogisticRegression(C=np.inf, max_iter=1000).fit(
        table[kinds].to_numpy(), table["label"]
    )
    fused.get_layer("logit").set_weights([together.coef_.T, together.intercept_])
    table["logit"] = together.decision_function(table[kinds].to_numpy())
    table["p_ai"] = expit(table["logit"])


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
