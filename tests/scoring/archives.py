"""The same pictures in every place that pictures are scored in."""

import io
import json
import tarfile
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq


def write_zip(path, files):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def write_tar(path, files):
    with tarfile.open(path, "w:gz" if path.suffix == ".tgz" else "w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def write_webdataset(path, files):
    """A shard whose samples are a picture and a text that names its class."""
    together = {}
    for number, (name, content) in enumerate(files.items()):
        label = name.split("/")[-2]
        facts = {"label": label, "generator": "vae" if label == "FAKE" else None}
        together[f"{number:05d}.json"] = json.dumps(facts).encode()
        together[f"{number:05d}.png"] = content
    return write_tar(path, together)


def write_parquet(path, files, **columns):
    images = [{"bytes": content, "path": name} for name, content in files.items()]
    pq.write_table(pa.table({"image": images, **columns}), path, row_group_size=7)
    return path
