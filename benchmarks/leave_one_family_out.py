"""How the detector of pictures fares on every family and source that is left out of its fit.

    python truthpixel_utils/pretrained/fit_picture_detector.py PICTURES FOLDER
    python benchmarks/leave_one_family_out.py FOLDER

The first command leaves ``cross_fitted.parquet`` in FOLDER: what a fit says of each picture that
has seen no picture of its source and none of its generator's family. The second prints the figures
of the card and writes ``leave_one_family_out.csv`` beside this script, which notebook 5 shows.
"""

import json
import sys
from pathlib import Path

import pandas as pd
from detector_of_pictures import ranking, verdicts_given

from truthpixel_utils import evaluate
from truthpixel_utils.files import atomic_write, project_path

SCORES = {"whole": "whole", "windows": "windows", "whole, windows": "logit"}
PHOTOGRAPHIC = ["photo", "ai photo"]
# Of photographs accused and of generated pictures called real, in a new source.
RATES = ((0.02, 0.02), (0.02, 0.05), (0.02, 0.1), (0.05, 0.05), (0.1, 0.1))


def by_group(table):
    """How each score parts a family of generators, or takes a source of real pictures: a row each.

    ROC-AUC is against all photographs; *called AI-generated at 2 %* is the share above the score
    that 2 % of the photographs exceed.
    """
    photographs = table[table["kind"] == "photo"]
    group = table["source"].where(table["label"] == 0, table["family"])
    rows = []
    for (label, name), own in table.groupby([table["label"], group]):
        row = {"left_out": "family" if label else "source", "name": name}
        row |= {"kind": own["kind"].mode()[0], "pictures": len(own)}
        for score, column in SCORES.items():
            if label:
                above = own[column].to_numpy()[:, None] > photographs[column].to_numpy()
                row[f"{score}: ROC-AUC"] = above.mean()
            for share in (2, 5):
                limit = photographs[column].quantile(1 - share / 100)
                row[f"{score}: called AI-generated at {share} %"] = (own[column] > limit).mean()
        rows.append(row)
    order = {"by": ["left_out", "pictures", "name"], "ascending": [True, False, True]}
    found = pd.DataFrame(rows).sort_values(**order, ignore_index=True)
    are_sources = found["left_out"] == "source"  # many are somebody's own: a number will do
    found.loc[are_sources, "name"] = [str(number + 1) for number in range(are_sources.sum())]
    return found


def trade_off(table):
    """What would be answered, and how well, with thresholds for other rates of errors."""
    rows = {}
    for accused, missed in RATES:
        evaluate.calibration.MAX_FALSE_POSITIVE_RATE_OF_SOURCES = accused
        evaluate.calibration.MAX_FALSE_NEGATIVE_RATE_OF_SOURCES = missed
        rule = evaluate.choose_thresholds(table)
        verdict = evaluate.verdicts(table["p_ai"].to_numpy(), rule)
        photographic = table.assign(verdict=verdict)[table["kind"].isin(PHOTOGRAPHIC)]
        name = f"{accused:.0%} accused, {missed:.0%} missed"
        rows[name] = pd.concat([pd.Series(rule), verdicts_given(photographic)])
    return pd.DataFrame(rows).T.rename_axis("in a new source, at most")


def main(folder):
    folder = project_path(folder)
    table = pd.read_parquet(folder / "cross_fitted.parquet")
    rule = json.loads((folder / "models" / "truthpixel_final.json").read_text())
    photographic = table[table["kind"].isin(PHOTOGRAPHIC)]
    ranks = {score: ranking(photographic, column) for score, column in SCORES.items()}
    groups = by_group(table).round(3)
    with atomic_write(Path(__file__).with_suffix(".csv")) as part:
        groups.to_csv(part, index=False)
    verdict = evaluate.verdicts(photographic["p_ai"].to_numpy(), rule)
    tables = {
        "ranks": pd.DataFrame(ranks).T,
        "verdicts": verdicts_given(photographic.assign(verdict=verdict)).to_frame("left out").T,
        "trade_off": trade_off(table),
        "groups": groups,
    }
    for name, shown in tables.items():
        print(f"\n{name}\n{shown.round(3).to_string()}")
    error = evaluate.expected_calibration_error(photographic)
    print(f"\nexpected calibration error {error:.3f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
