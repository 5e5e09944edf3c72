"""How much the sample's figures depend on which photographs are held out.

    python benchmarks/leave_one_photograph_out.py [image_size]

The sixty photographs form ten groups of six. For each group: a logistic regression on the frozen
backbone's features of the other nine, tested on this one. Prints the accuracy on each group, then
for each photograph its accuracy and, by generator, the share called AI-generated. About a minute on
two cores.
"""

import sys

import keras
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from truthpixel_utils import data, model

GROUPS = 10
size = int(sys.argv[1]) if len(sys.argv) > 1 else 96
detector = model.build_detector("lite0", size)
backbone = keras.Model(detector.input, detector.get_layer(model.POOLED).output)
features, labels, rows = [], [], []
for part in data.load_splits("sample").values():
    images, truth = data.thumbnails(part)
    features.append(backbone.predict(images, verbose=0))
    labels.append(truth)
    rows.append(part.select_columns(["id", "generator"]).to_pandas())
features, labels = np.concatenate(features), np.concatenate(labels)
rows = pd.concat(rows, ignore_index=True)
photograph = rows["id"].str.extract(r"/([a-z]+)_\d+", expand=False)
names = sorted(photograph.unique())
group = photograph.map({name: i % GROUPS for i, name in enumerate(names)}).to_numpy()
called = np.empty(len(labels), int)
for held_out in range(GROUPS):
    out = group == held_out
    linear = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=300))
    linear.fit(features[~out], labels[~out])
    called[out] = linear.predict(features[out])
answers = rows.assign(photograph=photograph, called=called, right=called == labels)
print("accuracy on each group:", *answers["right"].groupby(group).mean().round(3))
table = answers.pivot_table(index="photograph", columns="generator", values="called")
table["accuracy"] = answers.groupby("photograph")["right"].mean()
print(table.sort_values("accuracy").round(3).to_string())
print("mean of the photographs:", table.mean().round(3).to_dict())
