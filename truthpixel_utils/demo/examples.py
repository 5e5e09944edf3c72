"""Images to try the demo on, chosen so that a click shows it right, wrong, and at a loss."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from truthpixel_utils.data import SAMPLE, Source, encoded_images, read_source

REAL, GENERATED = "test/REAL/horse_0027.jpg", "test/FAKE/redpanda_0020_vae.jpg"
# What a program that generates pictures should write into them: IPTC's term for a trained model.
LABEL = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description
xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" Iptc4xmpExt:DigitalSourceType=
"http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"/></rdf:RDF></x:xmpmeta>"""


def load_examples() -> list[tuple[str, bytes]]:
    """Make the examples.

    Returns
    -------
    list of (name, bytes)
        JPEG files: a photograph at its own size, which comes with scikit-learn (a temple in China,
        by danielbuechele, CC BY 2.0); a real thumbnail of the sample; one of its generated ones;
        and the same one with a label that says so.
    """
    from sklearn.datasets import load_sample_image

    rows = read_source(Source("the sample", SAMPLE))
    ids = np.array(rows["id"][:])
    chosen = [int(np.flatnonzero(ids == name)[0]) for name in (REAL, GENERATED)]
    [(real, generated)] = encoded_images(rows.select(chosen))
    photograph, labelled = io.BytesIO(), io.BytesIO()
    Image.fromarray(load_sample_image("china.jpg")).save(photograph, "JPEG", quality=90)
    Image.open(io.BytesIO(generated)).save(labelled, "JPEG", quality=95, xmp=LABEL)
    return [
        ("photograph.jpg", photograph.getvalue()),
        ("real_thumbnail.jpg", real),
        ("generated_thumbnail.jpg", generated),
        ("labelled_thumbnail.jpg", labelled.getvalue()),
    ]
