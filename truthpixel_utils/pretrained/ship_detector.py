"""Makes the files of the detector in this folder from an output folder in which `truthpixel course` has run.

    python truthpixel_utils/pretrained/ship_detector.py outputs

Kernels are stored as float16, which halves the file; Keras casts them to float32 when it loads them. Everything with
one axis (biases, and batch normalisation's statistics, which float16 is too narrow for) stays as it is.
"""

import hashlib
import io
import shutil
import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np

HERE = Path(__file__).resolve().parent
NAME = "truthpixel_cifake"


def main(output):
    models = output / "models"
    halve(models / "truthpixel_final.keras", HERE / f"{NAME}.keras")
    shutil.copyfile(models / "truthpixel_final.json", HERE / f"{NAME}.json")
    for phase in (1, 2):
        shutil.copyfile(output / f"training_history_phase{phase}.csv", HERE / f"{NAME}_history_phase{phase}.csv")
    shipped = [HERE / f"{NAME}.keras", HERE / f"{NAME}.json"]
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in shipped]
    (HERE / "SHA256SUMS").write_text("".join(sums))


def halve(source, target):
    """Copy a ``.keras`` file (a zip with its weights in HDF5) with kernels as float16."""
    with zipfile.ZipFile(source) as whole, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as half:
        for entry in whole.namelist():
            content = whole.read(entry)
            half.writestr(entry, _with_half_kernels(content) if entry.endswith(".h5") else content)


def _with_half_kernels(content):
    buffer = io.BytesIO(content)
    with h5py.File(buffer, "r+") as file:
        kernels = []
        file.visititems(lambda name, item: kernels.append(name) if getattr(item, "ndim", 0) > 1 else None)
        for name in kernels:
            values, attributes = file[name][()], dict(file[name].attrs)
            del file[name]
            file.create_dataset(name, data=values.astype(np.float16)).attrs.update(attributes)
        compact = io.BytesIO()
        with h5py.File(compact, "w") as copy:  # HDF5 does not give back the room of what was deleted
            for name in file:
                file.copy(name, copy)
            copy.attrs.update(dict(file.attrs))
    return compact.getvalue()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
