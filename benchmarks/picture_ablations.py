"""What each ingredient of a detector of pictures is worth on generators and sources it never saw.

    python benchmarks/picture_ablations.py PICTURES FOLDER [SEEDS]

PICTURES: a folder as `data.load_splits` takes it, with the columns ``kind`` (*photo*, *ai photo*,
*ai art*, *other*), ``family`` (of generators) and ``source``. FOLDER keeps features and scores, so
that a stopped run goes on; it gets the tables as CSV.

To train a network once for every family that is left out takes days. So the networks stay frozen,
and what is fitted is a logistic regression on the means and deviations of four of their maps. The
families, and the sources of real pictures, are dealt into ten parts, and each part is scored by a
fit that has seen none of its families and sources; each further seed (by default there is one)
deals them anew. Figures are of photographic pictures (*photo* and *ai photo*); beside them stand
the ROC-AUC on validation and on test by a fit on training pictures alone.
"""

import sys
from pathlib import Path
from typing import NamedTuple

import datasets
import numpy as np
import pandas as pd
from detector_of_pictures import ranking
from picture_features import WAYS, as_they_are, drawn, load
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from truthpixel_utils.files import atomic_write, project_path

SHARES = {"photo": 0.42, "other": 0.08, "ai photo": 0.40, "ai art": 0.10}  # of the weight
C = 1e-3  # of the logistic regression
FOLDS = 10


class Member(NamedTuple):
    """A frozen network with a regression of its own; a detector is one of them or several.

    `way` is a name in `WAYS`. Beside a view as it is, training sees one drawn at random (scaled,
    encoded, ...) if `changed`, else another as it is. The answer is the mean over the mirror images
    as well if `mirrored`. Kinds and sources are `weighed`, or every picture counts alike.
    """

    way: str
    changed: bool = True
    mirrored: bool = False
    weighed: bool = True


WHOLE, WINDOWS = Member("whole"), Member("windows")
HIGH_PASS, LARGER = Member("windows, high pass"), Member("windows of 160")
DETECTORS = {
    "whole": [WHOLE],
    "whole, start weights of the package": [Member("whole, start weights")],
    "whole, shown as it is": [WHOLE._replace(changed=False)],
    "whole, mean with the mirror image": [WHOLE._replace(mirrored=True)],
    "whole, patches shuffled": [Member("whole, shuffled")],
    "whole, every picture alike": [WHOLE._replace(weighed=False)],
    "windows": [WINDOWS],
    "windows, start weights of the package": [Member("windows, start weights")],
    "windows, shown as they are": [WINDOWS._replace(changed=False)],
    "windows, mean with the mirror images": [WINDOWS._replace(mirrored=True)],
    "windows, high pass": [HIGH_PASS],
    "windows, every picture alike": [WINDOWS._replace(weighed=False)],
    "windows of 160": [LARGER],
    "windows of 224": [Member("windows of 224")],
    "whole, windows": [WHOLE, WINDOWS],
    "whole, windows of 160": [WHOLE, LARGER],
    "whole, windows of 224": [WHOLE, Member("windows of 224")],
    "whole, windows, high pass": [WHOLE, WINDOWS, HIGH_PASS],
    "whole, whole shuffled, windows": [WHOLE, Member("whole, shuffled"), WINDOWS],
}


class Pictures(NamedTuple):
    """The rows of all pictures, what is known of each, and the folder for what is computed."""

    rows: datasets.Dataset
    table: pd.DataFrame
    folder: Path

    @property
    def learned(self):
        """Where the pictures of training and validation are."""
        return np.flatnonzero(self.table["part"] != "test")


def with_groups(table):
    """Say what is left out together: a family of generators, or a source of real pictures."""
    of_ai = table["label"] == 1
    name = table["family"].where(of_ai, table["source"])
    return table.assign(group=np.where(of_ai, "family ", "source ") + name)


def views(member, pictures):
    """Features of what training sees, (2, learned, F), and of what answers are made of, (N, F)."""
    rows, folder, way = pictures.rows, pictures.folder / member.way, WAYS[member.way]
    grid = as_they_are(way, rows, folder)
    first, second = grid[pictures.learned, 0], grid[pictures.learned, -1]
    if member.changed:
        second = drawn(way, rows.select(pictures.learned), folder, 0)[:, 0]
    asked = grid.mean(1, dtype=np.float32)
    if member.mirrored:
        asked = (asked + as_they_are(way, rows, folder, mirrored=True).mean(1)) / 2
    return np.stack([first, second]).astype(np.float32), asked.astype(np.float32)


def examples(member, pictures):
    """Make a table of examples of training, two a picture, and their features.

    The table's columns are ``group``, ``part``, ``label`` and ``weight``.
    """
    table = pictures.table.iloc[pictures.learned]
    features, asked = views(member, pictures)
    columns = table[["group", "part", "label"]].assign(weight=weights(table, member.weighed))
    return pd.concat([columns, columns]), features.reshape(-1, features.shape[-1]), asked


def weights(table, weighed):
    """Weigh pictures by kind and, within a kind, a source by the square root of its size."""
    if not weighed:
        return np.ones(len(table))
    own = 1 / np.sqrt(table.groupby(["kind", "source"])["label"].transform("size"))
    own *= table["kind"].map(SHARES) / own.groupby(table["kind"]).transform("sum")
    return (own / own.mean()).to_numpy()


def deal(table, seed):
    """Deal groups into parts of about as many pictures of either class: group -> part."""
    part_of = {}
    for _, of_class in table.groupby("label"):
        filled = np.zeros(FOLDS)
        sizes = of_class["group"].value_counts().sample(frac=1, random_state=seed)
        for group, size in sizes.sort_values(ascending=False, kind="stable").items():
            smallest = np.flatnonzero(filled == filled.min())
            part_of[group] = smallest[0]
            filled[smallest[0]] += size
    return part_of


def fit(features, columns):
    """Fit the logistic regression; return the function from features to logits."""
    regression = make_pipeline(StandardScaler(), LogisticRegression(C=C, max_iter=400, tol=1e-2))
    weight = {"logisticregression__sample_weight": columns["weight"].to_numpy() / 2}
    return regression.fit(features, columns["label"], **weight).decision_function


def scores(member, pictures, seed):
    """Score all pictures: a row each, with the columns below.

    ``left_out``: by a fit that has not seen its group, NaN in test. ``by_training``: by a fit on
    training.
    """
    name = "-".join(["scores", *(str(value) for value in member), str(seed)]).replace(" ", "-")
    path = pictures.folder / f"{name}.parquet"
    if not path.exists():
        print(name, flush=True)
        columns, features, asked = examples(member, pictures)
        if seed:  # which only deals what is left out
            found = scores(member, pictures, 0)
        else:
            found = pd.DataFrame(index=pictures.table.index)
            in_training = (columns["part"] == "train").to_numpy()
            found["by_training"] = fit(features[in_training], columns[in_training])(asked)
        groups = pictures.table["group"].iloc[pictures.learned]
        part_of = deal(pictures.table.iloc[pictures.learned], seed)
        for part in range(FOLDS):
            kept = (columns["group"].map(part_of) != part).to_numpy()
            here = groups.index[groups.map(part_of) == part]
            found.loc[here, "left_out"] = fit(features[kept], columns[kept])(asked[here])
        with atomic_write(path) as file:
            found.to_parquet(file)
    return pd.read_parquet(path)


def together(members, pictures, seed):
    """Add the scores of members, each divided by the deviation of those of what was left out."""
    each = [scores(member, pictures, seed) for member in members]
    return sum(one / one["left_out"].std() for one in each)


def figures(members, pictures, seed):
    """The figures of a detector, of photographic pictures."""
    table = pd.concat([pictures.table, together(members, pictures, seed)], axis=1)
    table = table[table["kind"].isin(["photo", "ai photo"])]
    left_out = ranking(table[table["part"] != "test"], "left_out")
    for part in ("validation", "test"):
        left_out[part] = ranking(table[table["part"] == part], "by_training")["ROC-AUC"]
    return left_out


def main(folder_of_pictures, folder, seeds=1):
    rows, table = load(folder_of_pictures)
    pictures = Pictures(rows, with_groups(table), project_path(folder))
    of_seeds = {}
    for seed in range(seeds):
        for name, members in DETECTORS.items():
            of_seeds[name, seed] = figures(members, pictures, seed)
            print(name, of_seeds[name, seed].round(3).to_dict(), flush=True)
    ablations = pd.DataFrame(of_seeds).T.groupby(level=0, sort=False).mean()
    with atomic_write(pictures.folder / "ablations.csv") as path:
        ablations.to_csv(path)
    print(f"\n{ablations.round(3).to_string()}")


if __name__ == "__main__":
    main(*sys.argv[1:3], *map(int, sys.argv[3:]))
