"""Make a detector's files in this folder from the output folder that it was made in.

    python truthpixel_utils/pretrained/ship_detector.py cifake outputs   # by `truthpixel course`
    python truthpixel_utils/pretrained/ship_detector.py pictures FOLDER  # by fit_picture_detector

Kernels keep some of their mantissa's 23 bits; the others are 0 and cost nothing once compressed.
CIFAKE's keep 16: two thirds of the size, and no probability moves by a thousandth. (As float16 it
was less than half, and some moved by a hundredth.) The detector of pictures is two networks in one,
is less sure of anything, and keeps 11. What has one axis (biases, batch normalisation's statistics)
stays as it is.
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
BITS = {"cifake": 16, "pictures": 11}  # of a kernel's mantissa


def main(detector, output):
    name, models = f"truthpixel_{detector}", output / "models"
    shorten(models / "truthpixel_final.keras", HERE / f"{name}.keras", BITS[detector])
    shutil.copyfile(models / "truthpixel_final.json", HERE / f"{name}.json")
    for history in output.glob("training_history_phase?.csv"):  # of one that was trained
        phase = history.stem.removeprefix("training_history")
        shutil.copyfile(history, HERE / f"{name}_history{phase}.csv")
    shipped = sorted(p for p in HERE.glob("truthpixel_*") if p.suffix in (".keras", ".json"))
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in shipped]
    (HERE / "SHA256SUMS").write_text("".join(sums))


def shorten(source, target, bits):
    """Copy a ``.keras`` file (a zip with its weights in HDF5) with kernels rounded."""
    with (
        zipfile.ZipFile(source) as whole,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as short,
    ):
        for entry in whole.namelist():
            content = whole.read(entry)
            if entry.endswith(".h5"):
                content = _with_round_kernels(content, bits)
            short.writestr(entry, content)


def _with_round_kernels(content, bits):
    buffer, compact = io.BytesIO(content), io.BytesIO()
    with h5py.File(buffer, "r+") as file:
        names = []
        file.visit(names.append)
        for name in names:
            if getattr(file[name], "ndim", 0) < 2:  # a group, a vector or a scalar
                continue
            values, attributes = rounded(file[name][()], bits), dict(file[name].attrs)
            del file[name]
            # Bytes of the same place lie together: those of the exponents are alike, those of the
            # last bits are 0.
            options = {"chunks": values.shape, "shuffle": True, "compression": 9}
            packed = file.create_dataset(name, data=values, **options)
            packed.attrs.update(attributes)
        # HDF5 does not give back the room of what was deleted.
        with h5py.File(compact, "w") as copy:
            for name in file:
                file.copy(name, copy)
            copy.attrs.update(dict(file.attrs))
    return compact.getvalue()


def rounded(values, bits):
    """float32 values, to the nearest that has so many bits of mantissa."""
    spare = 23 - bits
    half, kept = np.uint32(1 << spare >> 1), np.uint32(0xFFFFFFFF << spare & 0xFFFFFFFF)
    return ((values.view(np.uint32) + half) & kept).view(np.float32)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
