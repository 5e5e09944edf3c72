"""Make the detector's files in this folder from an output folder of `truthpixel course`.

    python truthpixel_utils/pretrained/ship_detector.py outputs

Kernels keep 16 of their mantissa's 23 bits; the others are 0 and cost nothing once compressed: two
thirds of the size, and no probability moves by a thousandth. (As float16 it was less than half, and
some moved by a hundredth.) What has one axis (biases, batch normalisation's statistics) stays as it
is.
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
        history = output / f"training_history_phase{phase}.csv"
        shutil.copyfile(history, HERE / f"{NAME}_history_phase{phase}.csv")
    shipped = [HERE / f"{NAME}.keras", HERE / f"{NAME}.json"]
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in shipped]
    (HERE / "SHA256SUMS").write_text("".join(sums))


def shorten(source, target):
    """Copy a ``.keras`` file (a zip with its weights in HDF5) with kernels rounded."""
    with (
        zipfile.ZipFile(source) as whole,
        zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as short,
    ):
        for entry in whole.namelist():
            content = whole.read(entry)
            if entry.endswith(".h5"):
                content = _with_round_kernels(content)
            short.writestr(entry, content)


def _with_round_kernels(content):
    buffer, compact = io.BytesIO(content), io.BytesIO()
    with h5py.File(buffer, "r+") as file:
        names = []
        file.visit(names.append)
        for name in names:
            if getattr(file[name], "ndim", 0) < 2:  # a group, a vector or a scalar
                continue
            values, attributes = rounded(file[name][()]), dict(file[name].attrs)
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


def rounded(values):
    """float32 values, to the nearest that has 16 bits of mantissa."""
    return ((values.view(np.uint32) + 0x40) & 0xFFFFFF80).view(np.float32)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
