"""The figures of MODEL_CARD_PICTURES.md: a detector on whole pictures of sources it never saw.

    python benchmarks/detector_of_pictures.py PICTURES FOLDER [DETECTOR]

PICTURES: a folder of parquet shards whose test rows are whole pictures (``view`` is *picture*) with
the columns ``kind`` (*photo*, *ai photo*, *ai art*, *other*), ``family`` and ``source``. DETECTOR:
a file, or a name in the package; by default *pictures*. Photographic figures are of *photo* and *ai
photo* alone. Every picture is asked as in the demo, as it is and after what the web does to it.
FOLDER gets the tables as CSV.
"""

import io
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from PIL import Image
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from truthpixel_utils import evaluate, model
from truthpixel_utils.data import look, to_rgb
from truthpixel_utils.data.corruptions import jpeg, webp
from truthpixel_utils.files import project_path
from truthpixel_utils.labels import AI, CANNOT_TELL, REAL

COLUMNS = ["image", "label", "kind", "family", "generator", "source", "part", "view"]


def scaled(picture, factor, interpolation=cv2.INTER_AREA):
    return cv2.resize(picture, None, fx=factor, fy=factor, interpolation=interpolation)


def screenshot(picture):
    """Drawn on a screen at nine tenths of its size, by linear interpolation, and kept as PNG."""
    return scaled(picture, 0.9, cv2.INTER_LINEAR)


def messenger(picture):
    """At most 1,280 pixels a side and JPEG of quality 70, as messengers send pictures."""
    return jpeg(scaled(picture, min(1.0, 1280 / max(picture.shape[:2]))), 70)


LAUNDERING = {
    "as it is": lambda picture: picture,
    "scaled to 75 %": lambda picture: scaled(picture, 0.75),
    "JPEG 80": lambda picture: jpeg(picture, 80),
    "WebP 75": lambda picture: webp(picture, 75),
    "a screenshot's resampling": screenshot,
    "a messenger's 1,280 pixels at 70": messenger,
}


def pictures_in(folder):
    """Yield the whole test pictures of a folder's shards: row and pixels (H, W, 3)."""
    for path in sorted(project_path(folder).glob("*.parquet")):
        for batch in pq.ParquetFile(path).iter_batches(64, columns=COLUMNS):
            for row in batch.to_pylist():
                if row["part"] == "test" and row["view"] == "picture":
                    image = row.pop("image")["bytes"]
                    row["format"] = Image.open(io.BytesIO(image)).format
                    yield row, np.asarray(to_rgb(image))


def logits_of(detector, picture):
    """What each member of a detector says of a picture, and what they say together."""
    alone = {}
    for member, view in zip(model.members(detector), model.views_of(detector), strict=True):
        logits, _ = evaluate.predict_images(member, look(picture, view))
        alone[view.kind] = logits.mean()
    together = model.weigh(detector, [np.array([logit]) for logit in alone.values()]).sum()
    return {**alone, "together": together}


def score(detector, rule, folder):
    """One row a picture and change, with the logits of every view and the verdict."""
    rows = []
    for row, picture in pictures_in(folder):
        known = rule["out_of_distribution"]
        [distance] = evaluate.ood_distances(detector, [picture], known)
        for name, change in LAUNDERING.items():
            logits = logits_of(detector, change(picture))
            rows.append({**row, "change": name, "far": distance > known["limit"], **logits})
    table = pd.DataFrame(rows)
    table["p_ai"] = expit(table["together"])
    table["label"] = (table["label"] == "FAKE").astype(int)
    table["verdict"] = evaluate.verdicts(table["p_ai"].to_numpy(), rule)
    table.loc[table["far"], "verdict"] = CANNOT_TELL
    return table


def ranking(table, score="together"):
    """ROC-AUC, and the share found where 2, 5 or 10 % of the real pictures are accused."""
    real = table.loc[table["label"] == 0, score]
    ai = table.loc[table["label"] == 1, score]
    figures = {"ROC-AUC": roc_auc_score(table["label"], table[score])}
    for share in (2, 5, 10):
        figures[f"found at {share} %"] = (ai > real.quantile(1 - share / 100)).mean()
    return pd.Series(figures)


def verdicts_given(table):
    """What share gets which verdict, and how many of the answers are right."""
    answered = table[table["verdict"] != CANNOT_TELL]
    right = (answered["verdict"] == AI) == (answered["label"] == 1)
    real, ai = (table[table["label"] == label] for label in (0, 1))
    return pd.Series(
        {
            "pictures": len(table),
            "answered": len(answered) / len(table),
            "answers right": right.mean(),
            "real accused": (real["verdict"] == AI).mean(),
            "real called real": (real["verdict"] == REAL).mean(),
            "AI found": (ai["verdict"] == AI).mean(),
            "AI called real": (ai["verdict"] == REAL).mean(),
        }
    )


def by_group(table, name):
    """Pictures, mean p_ai and verdicts of each group."""
    shares = pd.crosstab(table[name], table["verdict"], normalize="index")
    shares = shares.reindex(columns=[REAL, CANNOT_TELL, AI], fill_value=0)
    sizes = table.groupby(name)["p_ai"].agg(pictures="size", mean_p_ai="mean")
    return sizes.join(shares).sort_values(AI, ascending=False)


def main(pictures, folder, detector="pictures"):
    rule = evaluate.load_rule(path=model.find_detector(detector))
    detector = model.load_detector(detector)
    start = time.perf_counter()
    table = score(detector, rule, pictures)
    each = (time.perf_counter() - start) / len(table)
    photographic = table[table["kind"].isin(["photo", "ai photo"])]
    plain = photographic[photographic["change"] == "as it is"]
    everything = table[table["change"] == "as it is"]
    views = [view.kind for view in model.views_of(detector)]
    tables = {
        "views": pd.DataFrame({view: ranking(plain, view) for view in [*views, "together"]}).T,
        "laundering": photographic.groupby("change", sort=False).apply(ranking),
        "verdicts": pd.DataFrame(
            {
                "photographic": verdicts_given(plain),
                "all": verdicts_given(everything),
                "neither photograph nor generated": verdicts_given(
                    everything[everything["kind"] == "other"]
                ),
            }
        ).T,
        "by_source": by_group(everything[everything["label"] == 0], "source"),
        "by_generator": by_group(everything[everything["label"] == 1], "generator"),
        "by_family": by_group(everything[everything["label"] == 1], "family"),
        "by_kind": by_group(everything, "kind"),
    }
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    table.drop(columns=["part", "view"]).to_csv(target / "pictures.csv", index=False)
    for name, one in tables.items():
        one.to_csv(target / f"{name}.csv")
        print(f"\n{name}\n{one.round(3).to_string()}")
    error = evaluate.expected_calibration_error(plain)
    print(f"\nexpected calibration error {error:.3f}; {1000 * each:.0f} ms a picture")


if __name__ == "__main__":
    main(*sys.argv[1:])
