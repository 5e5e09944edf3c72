"""Makes the files of the detector in this folder from an output folder in which `truthpixel course` has run.

    python truthpixel_utils/pretrained/ship_detector.py outputs

Kernels keep 16 of their mantissa's 23 bits; the others are 0 and cost nothing once compressed: two thirds of the size,
and no probability moves by a thousandth. (As float16 it was less than half, and some moved by a hundredth.) What has one
axis (biases, batch normalisation's statistics) stays as it is.
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
    shorten(models / "truthpixel_final.keras", HERE / f"{NAME}.keras")
    shutil.copyfile(models / "truthpixel_final.json", HERE / f"{NAME}.json")
    for phase in (1, 2):
        shutil.copyfile(output / f"training_history_phase{phase}.csv", HERE / f"{NAME}_history_phase{phase}.csv")
    shipped = [HERE / f"{NAME}.keras", HERE / f"{NAME}.json"]
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in shipped]
    (HERE / "SHA256SUMS").write_text("".join(sums))


def shorten(source, target):
    """Copy a ``.keras`` file (a zip with its weights in HDF5) with kernels rounded."""
    with zipfile.ZipFile(source) as whole, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as short:
        for entry in whole.namelist():
            content = whole.read(entry)
            short.writestr(entry, _with_round_kernels(content) if entry.endswith(".h5") else content)


def _with_round_kernels(content):
    buffer, compact = io.BytesIO(content), io.BytesIO()
    with h5py.File(buffer, "r+") as file:
        kernels = []
        file.visititems(lambda name, item: kernels.append(name) if getattr(item, "ndim", 0) > 1 else None)
        for name in kernels:
            values, attributes = rounded(file[name][()]), dict(file[name].attrs)
            del file[name]
            # Bytes of the same place lie together: those of the exponents are alike, those of the last bits are 0.
            packed = file.create_dataset(name, data=values, chunks=values.shape, shuffle=True, compression=9)
            packed.attrs.update(attributes)
        with h5py.File(compact, "w") as copy:  # HDF5 does not give back the room of what was deleted
            for name in file:
                file.copy(name, copy)
            copy.attrs.update(dict(file.attrs))
    return compact.getvalue()


def rounded(values):
    """float32 values, to the nearest that has 16 bits of mantissa."""
    return ((values.view(np.uint32) + 0x40) & 0xFFFFFF80).view(np.float32)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
