"""Rebuild ``data/sample/``: crops of free photographs, and the same crops redrawn by generators.

    python data/make_sample.py            # writes the three parquet files, then measures them
    python data/make_sample.py measure    # only measures the files that are there

Nothing is downloaded: the photographs come inside scikit-image, scikit-learn and matplotlib, the
generators' weights from ``data/generators/``. The same versions of the packages give the same
files.
"""

import io
import os
import sys
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import cv2
import datasets
import generators
import keras
import numpy as np
from matplotlib import cbook
from PIL import Image
from skimage import data as skimage_data
from sklearn.datasets import load_sample_image
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

SAMPLE = Path(__file__).parent / "sample"
SEED = 0
# Sides of the squares that are cut out, in pixels: they show texture, parts, whole things.
SIDES = (32, 48, 64, 96, 128, 192, 256)
LEAST_CONTRAST = 10.0  # grey levels (standard deviation); a flatter crop shows nothing

# How many crops each photograph gives to its split. No photograph is in two splits. The two of the
# finest texture (china, hubble) are for training: a detector that has never seen such texture takes
# it for a generator's.
PHOTOGRAPHS = {
    "train": {"astronaut": 350, "china": 350, "coffee": 350, "hubble": 175, "retina": 175},
    "validation": {"hopper": 200, "rocket": 100},
    "test": {"chelsea": 150, "flower": 150},
}
OPEN = {
    "astronaut": skimage_data.astronaut,
    "chelsea": skimage_data.chelsea,
    "coffee": skimage_data.coffee,
    "hubble": skimage_data.hubble_deep_field,
    "retina": skimage_data.retina,
    "rocket": skimage_data.rocket,
    "hopper": lambda: np.asarray(
        Image.open(cbook.get_sample_data("grace_hopper.jpg")).convert("RGB")
    ),
    "china": lambda: load_sample_image("china.jpg"),
    "flower": lambda: load_sample_image("flower.jpg"),
}
FEATURES = datasets.Features(
    {
        "image": datasets.Image(),
        "label": datasets.ClassLabel(names=["FAKE", "REAL"]),
        "generator": datasets.Value("string"),
        "photograph": datasets.Value("string"),
    }
)


# ── making it ─────────────────────────────────────────────────────────────────────────────────────


def crop(photograph, count, random):
    """``count`` squares of a uint8 (h, w, 3) photograph, area-averaged to (count, 32, 32, 3).

    The sides take turns; places are drawn at random until enough squares show something.
    """
    kept = []
    height, width = photograph.shape[:2]
    while len(kept) < count:
        side = SIDES[len(kept) % len(SIDES)]
        top, left = random.integers(height - side + 1), random.integers(width - side + 1)
        square = photograph[top : top + side, left : left + side]
        small = cv2.resize(square, (32, 32), interpolation=cv2.INTER_AREA)
        if small.mean(axis=2).std() >= LEAST_CONTRAST:
            kept.append(small)
    return np.stack(kept)


def jpeg(image):
    """Encode an image as CIFAKE does: quality 75, colour halved (4:2:0).

    Both classes pass through this one encoder, once.
    """
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=75, subsampling="4:2:0")
    return buffer.getvalue()


def make_split(counts, models, random):
    """Rows of one split: each crop as it is, and redrawn by one of the generators in turn."""
    rows = []
    for photograph, count in counts.items():
        crops = crop(np.ascontiguousarray(OPEN[photograph]()), count, random)
        for turn, (name, parts) in enumerate(models.items()):
            chosen = np.arange(turn, count, len(models))
            seed = int(random.integers(2**31))
            redrawn = generators.regenerate(name, parts, crops[chosen], seed)
            for i, fake in zip(chosen, redrawn, strict=True):
                number = f"{photograph}_{i:04d}"
                rows.append((jpeg(crops[i]), f"REAL/{number}.jpg", "REAL", "camera", photograph))
                rows.append((jpeg(fake), f"FAKE/{number}_{name}.jpg", "FAKE", name, photograph))
    # In random order, so that the first few rows show everything.
    return [rows[i] for i in random.permutation(len(rows))]


def write_split(split, rows):
    """Rows to ``sample/<split>.parquet``, in the layout of CIFAKE's hub copies."""
    table = {
        "image": [{"bytes": content, "path": path} for content, path, *_ in rows],
        "label": [row[2] for row in rows],
        "generator": [row[3] for row in rows],
        "photograph": [row[4] for row in rows],
    }
    temporary = SAMPLE / f"{split}.parquet.part"
    datasets.Dataset.from_dict(table, features=FEATURES).to_parquet(temporary)
    temporary.replace(SAMPLE / f"{split}.parquet")


def make():
    """All three splits."""
    SAMPLE.mkdir(exist_ok=True)
    keras.utils.set_random_seed(SEED)
    random = np.random.default_rng(SEED)
    models = {name: generators.load(name) for name in generators.BUILD}
    for split, counts in PHOTOGRAPHS.items():
        write_split(split, make_split(counts, models, random))


# ── measuring it ──────────────────────────────────────────────────────────────────────────────────


def read_split(split):
    """Read images uint8 (n, 32, 32, 3), labels (n,), generator names (n,) and crop numbers (n,).

    Label 1 is AI-generated.
    """
    rows = datasets.Dataset.from_parquet(str(SAMPLE / f"{split}.parquet"))
    rows = rows.cast_column("image", datasets.Image(decode=False))
    images = np.stack([np.asarray(Image.open(io.BytesIO(cell["bytes"]))) for cell in rows["image"]])
    labels = np.asarray(rows["label"]) == rows.features["label"].str2int("FAKE")
    numbers = ["_".join(Path(cell["path"]).stem.split("_")[:2]) for cell in rows["image"]]
    return images, labels.astype(int), np.asarray(rows["generator"]), np.asarray(numbers)


def high_frequency_energy(images):
    """Mean energy of each grey image above half the Nyquist frequency, (n,), in grey levels²."""
    spectrum = np.abs(np.fft.fft2(images.mean(axis=3), norm="ortho")) ** 2
    frequency = np.fft.fftfreq(32)
    radius = np.hypot(frequency[:, None], frequency[None, :])  # cycles a pixel; 0.5 is Nyquist
    return spectrum[:, radius > 0.25].mean(axis=1)


def moments(images):
    """Per-channel means and variances, (n, 6).

    A detector could read these off without looking at any structure.
    """
    return np.hstack([images.mean(axis=(1, 2)), images.var(axis=(1, 2))])


def small_cnn(images, labels):
    """Train three convolutions from scratch, in about a minute.

    This is a floor for any detector worth its name.
    """
    keras.utils.set_random_seed(SEED)
    layers = keras.layers
    model = keras.Sequential(
        [keras.Input((32, 32, 3)), layers.Rescaling(1 / 127.5, -1), layers.RandomFlip("horizontal")]
    )
    for filters, stride in ((32, 1), (48, 2), (64, 2)):
        model.add(layers.Conv2D(filters, 3, stride, "same"))
        model.add(layers.BatchNormalization())
        model.add(layers.ReLU())
    for layer in (layers.GlobalAveragePooling2D(), layers.Dropout(0.3), layers.Dense(1, "sigmoid")):
        model.add(layer)
    rate = keras.optimizers.schedules.CosineDecay(2e-3, 30 * len(images) // 32)
    model.compile(keras.optimizers.Adam(rate), "binary_crossentropy")
    model.fit(images, labels, batch_size=32, epochs=30, verbose=0)
    return model


def accuracies(title, said, labels, names):
    """Print a classifier's accuracy, over all and on each generator's images (and the camera's)."""
    right = said == labels
    parts = ", ".join(f"{name} {right[names == name].mean():.1%}" for name in np.unique(names))
    print(f"{title}: accuracy {right.mean():.1%} ({parts})")


def measure():
    """Print every figure of the data card that does not need the course's detector."""
    splits = {split: read_split(split) for split in PHOTOGRAPHS}
    for split, (_, labels, names, _) in splits.items():
        counts = ", ".join(f"{name} {np.sum(names == name)}" for name in np.unique(names))
        print(f"{split}: {np.sum(labels == 0)} real + {np.sum(labels == 1)} AI ({counts})")

    images, labels, names, numbers = (
        np.concatenate(column) for column in zip(*splits.values(), strict=True)
    )
    camera = {number: i for i, number in enumerate(numbers) if names[i] == "camera"}
    energy = high_frequency_energy(images)
    for name in generators.BUILD:
        fake = np.flatnonzero(names == name)
        real = [camera[numbers[i]] for i in fake]
        error = ((images[fake].astype(float) - images[real]) ** 2).mean(axis=(1, 2, 3))
        psnr = 10 * np.log10(255**2 / np.maximum(error, 1e-9)).mean()
        ratio = np.exp(np.mean(np.log(energy[fake] + 1) - np.log(energy[real] + 1)))
        print(f"{name}: PSNR to its photograph {psnr:.1f} dB, ", end="")
        print(f"high-frequency energy {ratio:.2f} of the photograph's")

    train_images, train_labels, *_ = splits["train"]
    logistic = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    logistic.fit(moments(train_images), train_labels)
    energy_only = make_pipeline(StandardScaler(), LogisticRegression())
    energy_only.fit(np.log(high_frequency_energy(train_images) + 1)[:, None], train_labels)
    cnn = small_cnn(train_images, train_labels)
    for split in ("validation", "test"):
        images, labels, names, _ = splits[split]
        sharpness = np.log(high_frequency_energy(images) + 1)[:, None]
        answers = {
            "means and variances": logistic.predict(moments(images)),
            "high-frequency energy": energy_only.predict(sharpness),
            "small CNN": (cnn.predict(images, verbose=0)[:, 0] > 0.5).astype(int),
        }
        for way, said in answers.items():
            accuracies(f"{split}, {way}", said, labels, names)


if __name__ == "__main__":
    if sys.argv[1:] != ["measure"]:
        make()
    measure()
