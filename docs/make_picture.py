"""Make the README's picture: thumbnails that the package's detector is right, wrong, unsure about.

    python docs/make_picture.py

It is asked about photographs of scikit-image, scaled down to 32 × 32, and about the AI-generated
images of the sample's test part. For either class the picture shows the first image that it is
right about and the first that it is wrong about, if there is one, and last the first of which it
says that it cannot tell. Nothing is picked by hand: another detector or another sample gives
another picture.
"""

import io
from collections.abc import Iterator
from itertools import chain

import numpy as np
import skimage.data
from PIL import Image

from truthpixel_utils import data, demo, evaluate, model, plots
from truthpixel_utils.demo.analysis import Report
from truthpixel_utils.labels import AI, CANNOT_TELL, CLASSES, REAL

PICTURE = "docs/answers.png"
# All in the public domain or CC0, in the order in which they are asked about.
PHOTOGRAPHS = {"chelsea": "a cat", "astronaut": "a woman", "camera": "a man", "coffee": "a cup"}
SIDE = 32  # pixels, as of the thumbnails that the detector was trained on
RIGHT, WRONG = "right", "wrong"


def photographs() -> Iterator[tuple[str, bytes]]:
    """Yield what each photograph shows, and its centre, scaled down, as PNG."""
    for name, words in PHOTOGRAPHS.items():
        image = Image.fromarray(getattr(skimage.data, name)()).convert("RGB")
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        square = image.crop((left, top, left + side, top + side))
        png = io.BytesIO()
        square.resize((SIDE, SIDE), Image.Resampling.BOX).save(png, "PNG")
        yield f"photograph of {words}", png.getvalue()


def generated() -> Iterator[tuple[str, bytes]]:
    """Yield what made each AI-generated test image of the sample, and its JPEG.

    Only those that the detector leans to one side about: without them the demo, which looks longer
    at each image, would be asked about hundreds.
    """
    rows = data.load_splits("sample")["test"]
    rows = rows.select(np.flatnonzero(np.array(rows["label"]) == CLASSES.index(AI)))
    detector = model.load_detector(model.SHIPPED)
    rule = evaluate.load_rule(path=model.SHIPPED)
    pixels, _ = evaluate.images_for(detector, rows)
    _, p_ai = evaluate.predict_images(detector, pixels)
    far = evaluate.ood_distances(detector, pixels, rule["out_of_distribution"])
    near = far <= rule["out_of_distribution"]["limit"]
    said = np.where(near, evaluate.verdicts(p_ai, rule), CANNOT_TELL)
    likely = np.concatenate([np.flatnonzero(said == verdict)[:20] for verdict in CLASSES])
    images = chain.from_iterable(data.encoded_images(rows.select(likely)))
    for i, content in zip(likely, images, strict=True):
        yield f"AI image ({rows['generator'][i]})", content


def answers() -> dict[tuple[str, str], tuple[str, Report]]:
    """Ask the detector; return the first (words, report) of each class and outcome."""
    analyze = demo.load_analyzer()
    first: dict[tuple[str, str], tuple[str, Report]] = {}
    for truth, images in zip(CLASSES, (photographs(), generated()), strict=True):
        for words, content in images:
            report = analyze(content, words)
            outcome = {truth: RIGHT, CANNOT_TELL: CANNOT_TELL}.get(report.verdict, WRONG)
            first.setdefault((truth, outcome), (words, report))
            if {(truth, RIGHT), (truth, WRONG)} <= first.keys() and truth == AI:
                break
    return first


def panels() -> list[tuple[str, str, Report]]:
    """Choose what the picture shows, as (outcome, words, report)."""
    first = answers()
    wanted = [(REAL, RIGHT), (AI, RIGHT), (REAL, WRONG), (AI, WRONG), (REAL, CANNOT_TELL)]
    return [(kind[1], *first[kind]) for kind in wanted if kind in first]


def main() -> None:
    shown = panels()
    figure, axes = plots.new_figure(1, len(shown), (2.4 * len(shown), 3.7))
    for axis, (outcome, words, report) in zip(axes, shown, strict=True):
        axis.imshow(report.image, interpolation="nearest")
        axis.set_axis_off()
        axis.set_title(outcome.capitalize(), loc="center", fontsize=16)
        colour = plots.VERDICT_COLOURS[report.verdict]
        said = f"“{report.verdict}”"
        below = {"transform": axis.transAxes, "ha": "center", "va": "top", "fontsize": 12}
        axis.text(0.5, -0.05, words, **below)
        axis.text(0.5, -0.17, said, color=colour, fontweight="bold", **below)
        print(f"{outcome}: {words}, {said}, p_ai {report.p_ai:.2f}")
    plots.save_figure(figure, PICTURE)


if __name__ == "__main__":
    main()
