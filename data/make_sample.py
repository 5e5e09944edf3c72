"""Rebuild ``data/sample/``: crops of free photographs, and the same crops redrawn by generators.

    python data/make_sample.py            # writes the three parquet files, then measures them
    python data/make_sample.py measure    # only measures the files that are there

Writing needs the photographs (``photographs.py`` says where they come from) and the generators'
weights in ``data/generators/``. The same versions of the packages give the same files.
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
import photographs
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

SAMPLE = Path(__file__).parent / "sample"
SEED = 0
CROPS = {"train": 35, "validation": 30, "test": 30}  # of each photograph
# Most crops have the photograph's subject in them; the others are smaller squares from anywhere.
ANYWHERE = 0.25  # how many of them, 0..1
# Sides of either kind, least and greatest, as shares of the photograph's shorter side.
SIDES_OF_SUBJECT, SIDES_ANYWHERE = (0.55, 1.0), (0.35, 0.6)
SHIFT = 0.15  # how far from the subject's centre a crop's may lie, in sides of the crop
LEAST_CONTRAST = 20.0  # grey levels (standard deviation); a flatter crop shows nothing

FEATURES = datasets.Features(
    {
        "image": datasets.Image(),
        "label": datasets.ClassLabel(names=["FAKE", "REAL"]),
        "generator": datasets.Value("string"),
        "photograph": datasets.Value("string"),
    }
)


# ── making it ─────────────────────────────────────────────────────────────────────────────────────


def square(shape, centre, random):
    """Choose a square in a photograph of ``shape``: its top, left and side, in pixels."""
    height, width = shape[:2]
    shorter = min(height, width)
    if random.random() < ANYWHERE:
        side = int(shorter * random.uniform(*SIDES_ANYWHERE))
        return random.integers(height - side + 1), random.integers(width - side + 1), side
    side = int(shorter * random.uniform(*SIDES_OF_SUBJECT))
    shift = random.uniform(-SHIFT, SHIFT, 2) * side
    left = round(centre[0] * width + shift[0] - side / 2)
    top = round(centre[1] * height + shift[1] - side / 2)
    return min(max(top, 0), height - side), min(max(left, 0), width - side), side


def scale(image, side):
    """Area-average a square image to ``side`` pixels a side."""
    return cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)


def crop(pixels, centre, count, random):
    """``count`` squares of a uint8 (h, w, 3) photograph, as the generators see them.

    Squares are drawn at random until enough of them show something.
    """
    kept = []
    while len(kept) < count:
        top, left, side = square(pixels.shape, centre, random)
        cut = pixels[top : top + side, left : left + side]
        small = scale(cut, generators.SIZE)
        if small.mean(axis=2).std() >= LEAST_CONTRAST:
            kept.append(small)
    return np.stack(kept)


def jpeg(image):
    """Scale an image to 32×32 and encode it as CIFAKE does: quality 75, colour halved (4:2:0).

    Both classes pass through this one function, once.
    """
    buffer = io.BytesIO()
    Image.fromarray(scale(image, 32)).save(buffer, "JPEG", quality=75, subsampling="4:2:0")
    return buffer.getvalue()


def make_split(split, models, random):
    """Rows of one split: each crop as it is, and redrawn by one of the generators in turn."""
    rows, count = [], CROPS[split]
    for photograph in photographs.read_list():
        if photograph["split"] != split:
            continue
        name = photograph["name"]
        centre = float(photograph["across"]), float(photograph["down"])
        crops = crop(photographs.read(photograph), centre, count, random)
        for turn, (generator, parts) in enumerate(models.items()):
            chosen = np.arange(turn, count, len(models))
            seed = int(random.integers(2**31))
            redrawn = generators.regenerate(generator, parts, crops[chosen], seed)
            for i, fake in zip(chosen, redrawn, strict=True):
                number = f"{name}_{i:04d}"
                twin = f"FAKE/{number}_{generator}.jpg"
                rows.append((jpeg(crops[i]), f"REAL/{number}.jpg", "REAL", "camera", name))
                rows.append((jpeg(fake), twin, "FAKE", generator, name))
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
    for split in CROPS:
        write_split(split, make_split(split, models, random))


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
    splits = {split: read_split(split) for split in CROPS}
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
