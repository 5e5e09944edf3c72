"""How much the sample's figures depend on which photographs are held out.

    python benchmarks/leave_one_photograph_out.py [image_size]

For each of the nine photographs: a logistic regression on the frozen backbone's features of the
other eight, tested on this one. Prints accuracy and, by generator, the share called AI-generated.
About a minute on two cores.
"""

import sys

import keras
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from truthpixel_utils import data, model

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
table = {}
for name in sorted(photograph.unique()):
    out = (photograph == name).to_numpy()
    linear = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=300))
    linear.fit(features[~out], labels[~out])
    called = linear.predict(features[out])
    shares = pd.Series(called).groupby(rows["generator"][out].to_numpy()).mean()
    table[name] = {"images": out.sum(), "accuracy": (called == labels[out]).mean(), **shares}
print(pd.DataFrame(table).T.round(3).to_string())
