"""All metadata of a file as rows, and what damaged or hostile files do to that."""

import io
import json
import struct
import time
import zlib

import pytest
from PIL import Image, ImageCms
from speaking_files import Authority, action, encoded, exif_with, png_with, said_by, xmp_with

from truthpixel_utils.demo import metadata
from truthpixel_utils.demo.provenance import look_into

SOON = 6  # seconds of this process; what is quadratic in the file's size takes minutes


def rows(content):
    opened = Image.open(io.BytesIO(content))
    opened.load()
    return look_into(opened, content).metadata


def values(content):
    return {(row.where, row.key): row.value for row in rows(content)}


def test_every_kind_of_metadata_has_its_rows():
    exif = exif_with({37510: b"ASCII\0\0\0hello", 33434: 0.5}, Make="Leica", XPComment=b"h\0i\0")
    exif.get_ifd(0x8825)[1] = "N"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    packet = xmp_with("<dc:title><rdf:Alt><rdf:li>A fox</rdf:li></rdf:Alt></dc:title>")
    found = values(
        encoded("JPEG", exif=exif, icc_profile=profile, xmp=packet, comment="péché".encode())
    )
    assert found["EXIF (image)", "Make"] == "Leica"
    assert found["EXIF (image)", "XPComment"] == "hi"
    assert found["EXIF (photo)", "UserComment"] == "hello"
    assert found["EXIF (photo)", "ExposureTime"] == "0.5"
    assert found["EXIF (GPS)", "GPSLatitudeRef"] == "N"
    assert found["XMP", "dc:title"] == "A fox"
    assert found["JPEG comment", "comment"] == "péché"
    assert "sRGB" in found["ICC profile", "description"]
    assert values(png_with(Author="Ada"))["PNG text", "Author"] == "Ada"


def test_content_credentials_have_a_row_for_each_value():
    created = action("c2pa.created", "digitalCapture")
    signed = Authority().sign(encoded("JPEG"), "Some Camera", [created])
    found = [row for row in rows(signed) if row.where == "Content Credentials"]
    assert any(row.value == "Some Camera" and "claim_generator_info" in row.key for row in found)
    assert any("digitalCapture" in row.value for row in found)


def test_bytes_that_are_no_text_are_counted():
    found = values(encoded("JPEG", exif=exif_with({37500: bytes(range(200))})))
    assert found["EXIF (photo)", "MakerNote"] == "200 bytes"


def test_a_table_has_bounds_and_says_so():
    found = rows(png_with(**{f"key{i}": "x" * 3000 for i in range(3000)}))
    assert len(found) <= metadata.MAX_ROWS + 1
    assert sum(len(row.value) for row in found) <= 1.1 * metadata.MAX_TOTAL
    assert "more metadata" in found[-1].value


def test_of_damaged_xmp_what_came_before_the_damage_is_kept():
    packet = xmp_with("<dc:title>A fox</dc:title><dc:broken></dc:title>")
    assert values(encoded("JPEG", xmp=packet))["XMP", "dc:title"] == "A fox"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_xmp_is_read_in_any_encoding(encoding):
    packet = xmp_with("<dc:title>A fox</dc:title>").decode().encode(encoding)
    assert values(encoded("JPEG", xmp=packet + b"\0"))["XMP", "dc:title"] == "A fox"


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {new} "{f"&{old};" * 10}">' for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
HOSTILE_XMP = {
    "entities": f"{BOMB}]><x>&i;</x>".encode(),
    "deep": b"<a>" * 20_000,
    "deep with text": b"<a>t" * 15_000,
    "attributes": b"<a " + b" ".join(b"b%d='1'" % i for i in range(5_000)) + b"/>",
    "one tag without an end": b"<a" + b" " * 60_000,
    "null bytes": b"\0" * 60_000,
    "no XML": bytes(range(256)) * 200,
}
HOSTILE_EXIF = {
    "beyond the end": b"Exif\0\0II*\0\xff\xff\xff\xff",
    "too long a value": b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x31\0\x02\xff\xff\xff\xff\0\0\0\0",
    "a directory that holds itself": b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x87\x69\0\x04\0\0\0\x01"
    b"\0\0\0\x08\0\0\0\x08",
    "a pointer to nothing": b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x88\x25\0\x04\0\0\0\x01\xff\0\0\x08",
    "rubbish": b"Exif\0\0" + bytes(range(256)) * 40,
}


@pytest.mark.parametrize("packet", HOSTILE_XMP.values(), ids=HOSTILE_XMP.keys())
def test_hostile_xmp_is_read_soon_and_says_nothing(packet):
    start = time.process_time()
    assert said_by(encoded("JPEG", xmp=packet)) == []
    assert said_by(encoded("WEBP", xmp=packet * 200)) == []
    rows(encoded("WEBP", xmp=packet * 200))
    assert time.process_time() - start < SOON


@pytest.mark.parametrize("exif", HOSTILE_EXIF.values(), ids=HOSTILE_EXIF.keys())
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_damaged_exif_is_no_statement(exif, kind):
    assert said_by(encoded(kind, exif=exif)) == []
    rows(encoded(kind, exif=exif))


def png_with_text(key, text):
    """A PNG with a text of any size, before its pixels."""
    plain = encoded("PNG")
    chunk = b"tEXt" + key + b"\0" + text
    chunk = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return plain[:33] + chunk + plain[33:]


MANY = 50_000_000
HOSTILE_TEXTS = {
    "letters": b"x" * MANY,
    "spaces": b" " * MANY,
    "steps": b"Steps: 1" * (MANY // 8),
    "dashes": b" --v" * (MANY // 4),
    "options": b"-s 1 " * (MANY // 5),
    "labels": b"'Label' : " * (MANY // 10),
    "null bytes": b"\0" * MANY,
    "an open object": b'{"a":' * (MANY // 5),
    "deep lists": b'{"prompt":' + b"[" * 3_000_000,
    "deep objects": b'{"a":' * 700_000 + b"1" + b"}" * 700_000,
    "numbers": b'{"a":' + b"9" * 3_000_000 + b"}",
    "names": b"made with " * (MANY // 10),
}


@pytest.mark.parametrize("text", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS.keys())
def test_a_text_of_any_size_is_looked_at_soon(text):
    start = time.process_time()
    for key in (b"parameters", b"Software", b"AIGC"):
        content = png_with_text(key, text)
        assert not any(one.origin for one in said_by(content))
        assert sum(len(row.value) for row in rows(content)) <= metadata.MAX_TOTAL
    assert time.process_time() - start < SOON


def test_many_short_texts_are_looked_at_soon():
    start = time.process_time()
    said_by(png_with(**{f"Comment{i}": "Steps: 1, --v a Job ID: {" for i in range(30_000)}))
    assert time.process_time() - start < SOON


def test_a_file_stuffed_with_openings_of_xmp_takes_no_time():
    start = time.process_time()
    said_by(encoded("JPEG") + b"<x:xmpmeta" * 100_000)
    assert time.process_time() - start < SOON


def test_rows_can_be_written_as_json_whatever_they_hold():
    odd = json.dumps({"prompt": "\ud800", "steps": 1, "sampler": "\0"})
    found = rows(png_with(parameters=odd, Title="\x00\x01\x7f"))
    assert json.dumps([row._asdict() for row in found]).encode()
    assert all(row.value.encode() or True for row in found)
