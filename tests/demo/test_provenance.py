import datetime
import io
import json
import time
import zlib

import c2pa
import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from PIL import Image, PngImagePlugin

from truthpixel_utils.demo import provenance

PIXELS = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8))
XMP = """<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description
xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/{}"/></rdf:RDF></x:xmpmeta>"""


def encoded(kind, **options):
    buffer = io.BytesIO()
    PIXELS.save(buffer, kind, **options)
    return buffer.getvalue()


def said_by(content):
    return provenance.statements(Image.open(io.BytesIO(content)), content)


def png_with(**texts):
    info = PngImagePlugin.PngInfo()
    for key, value in texts.items():
        info.add_text(key, value)
    return encoded("PNG", pnginfo=info)


def certificate(name, key, issuer=None, issuer_key=None):
    """An X.509 certificate; without an issuer its own, as a root."""
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, name),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )
    now = datetime.datetime.now(datetime.timezone.utc)
    usage = dict.fromkeys(
        (
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                key_cert_sign=issuer is None,
                crl_sign=issuer is None,
                **usage,
            ),
            True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key((issuer_key or key).public_key()),
            critical=False,
        )
    )
    if issuer:
        builder = builder.add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False
        )
    return builder.sign(issuer_key or key, hashes.SHA256())


@pytest.fixture(scope="module")
def signer():
    """Signs with a certificate that is made on the spot."""
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = certificate("Testing Root", root_key)
    leaf = certificate("Testing Signer", key, root, root_key)
    pem = serialization.Encoding.PEM
    chain = leaf.public_bytes(pem) + root.public_bytes(pem)
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    with c2pa.Signer.from_info(
        c2pa.C2paSignerInfo(c2pa.C2paSigningAlg.ES256, chain, secret, None)
    ) as signer:
        yield signer


def sign(signer, content, program, assertions, intent=None):
    manifest = {
        "claim_generator_info": [{"name": program}],
        "format": "image/jpeg",
        "assertions": assertions,
    }
    out = io.BytesIO()
    with c2pa.Builder(json.dumps(manifest)) as builder:
        if intent:
            builder.set_intent(intent)
        builder.sign(signer, "image/jpeg", io.BytesIO(content), out)
    return out.getvalue()


@pytest.fixture(scope="module")
def signed(signer):
    """A JPEG whose Content Credentials say that a trained model made it."""
    source = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
    created = {"action": "c2pa.created", "digitalSourceType": source}
    return sign(
        signer,
        encoded("JPEG"),
        "Painting Machine",
        [{"label": "c2pa.actions", "data": {"actions": [created]}}],
    )


def test_content_credentials_are_quoted_with_signer_and_source(signed):
    [statement] = said_by(signed)
    assert statement.where == "Content Credentials" and statement.made_by_ai
    for words in (
        "Painting Machine",
        "signed as Testing Signer",
        "not checked",
        "unchanged",
        "trainedAlgorithmicMedia",
    ):
        assert words in statement.says


def test_credentials_of_changed_pixels_are_invalid(signed):
    changed = bytearray(signed)
    changed[-40] ^= 0x55  # within the compressed pixels
    statements = said_by(bytes(changed))
    assert (
        "changed since, or damaged" in statements[0].says and "unchanged" not in statements[0].says
    )


def test_an_edited_image_still_says_what_it_was_made_from(signer, signed):
    edited = sign(signer, signed, "Photo Editor", [], c2pa.C2paBuilderIntent.EDIT)
    [statement] = said_by(edited)
    assert "by Photo Editor" in statement.says and statement.made_by_ai


def test_credentials_kept_elsewhere_are_not_fetched():
    xmp = XMP.format("digitalCapture").replace(
        "Iptc4xmpExt:DigitalSourceType",
        'xmlns:dcterms="http://purl.org/dc/terms/" '
        'dcterms:provenance="http://localhost:9/x.c2pa" Iptc4xmpExt:DigitalSourceType',
    )
    statements = said_by(encoded("JPEG", xmp=xmp.encode()))
    assert any("kept elsewhere; not fetched" in statement.says for statement in statements)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    ("term", "made_by_ai"),
    [
        ("trainedAlgorithmicMedia", True),
        ("compositeWithTrainedAlgorithmicMedia", True),
        ("digitalCapture", False),
    ],
)
def test_iptcs_digital_source_type_is_read_from_xmp(kind, term, made_by_ai):
    if kind == "PNG":
        info = PngImagePlugin.PngInfo()
        info.add_itxt("XML:com.adobe.xmp", XMP.format(term), zip=True)
        content = encoded(kind, pnginfo=info)
    else:
        content = encoded(kind, xmp=XMP.format(term).encode())
    assert said_by(content) == [provenance.Statement("IPTC digital source type", term, made_by_ai)]


def test_texts_of_stable_diffusions_interfaces_are_quoted():
    a1111 = "a castle <b>at night</b>\nSteps: 20, Sampler: Euler a, Seed: 7"
    [found] = said_by(png_with(parameters=a1111))
    assert (
        found.made_by_ai
        and "Steps: 20, Sampler: Euler a" in found.says
        and "AUTOMATIC1111" in found.where
    )
    found = said_by(png_with(prompt='{"3": {}}', workflow="{}"))
    assert [statement.made_by_ai for statement in found] == [True, True]
    assert "ComfyUI" in found[0].where
    [found] = said_by(png_with(parameters="x" * 100_000))
    assert len(found.says) <= provenance.LONGEST


def test_exif_names_generators_and_editors():
    exif = Image.Exif()
    exif[provenance.SOFTWARE] = "Midjourney v6"
    assert said_by(encoded("JPEG", exif=exif)) == [
        provenance.Statement("EXIF software", "Midjourney v6", True)
    ]
    exif[provenance.SOFTWARE] = "GIMP 2.10"
    assert not said_by(encoded("JPEG", exif=exif))[0].made_by_ai
    comment = Image.Exif()
    comment.get_ifd(0x8769)[provenance.USER_COMMENT] = (
        b"UNICODE\0" + "a castle, Steps: 20, Sampler: Euler".encode("utf-16-be")
    )
    [found] = said_by(encoded("JPEG", exif=comment))
    assert found.made_by_ai and "a castle, Steps: 20" in found.says


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_plain_image_says_nothing(kind):
    assert said_by(encoded(kind)) == []


def test_text_behind_the_pixels_of_a_png_is_read():
    chunk = b"tEXtparameters\0a castle, Steps: 20, Sampler: Euler"
    length, check = (len(chunk) - 4).to_bytes(4, "big"), zlib.crc32(chunk).to_bytes(4, "big")
    plain, end = encoded("PNG")[:-12], encoded("PNG")[-12:]
    [found] = said_by(plain + length + chunk + check + end)
    assert "a castle" in found.says


@pytest.mark.parametrize(
    "name", ["Imagenomic Noiseware", "Centro de Imagen HP", "Hawkeye Firefly 8SE", "Kendall Editor"]
)
def test_other_programs_with_like_names_are_no_generators(name):
    exif = Image.Exif()
    exif[provenance.SOFTWARE] = name
    assert not said_by(encoded("JPEG", exif=exif))[0].made_by_ai


@pytest.mark.parametrize(
    "exif",
    [
        b"Exif\0\0II*\0\xff\xff\xff\xff",
        b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x31\0\x02\xff\xff\xff\xff\0\0\0\0",
    ],
)
def test_damaged_exif_is_no_statement(exif):
    assert said_by(encoded("JPEG", exif=exif)) == []


def test_a_file_stuffed_with_openings_of_xmp_takes_no_time():
    start = time.process_time()
    said_by(encoded("JPEG") + b"<x:xmpmeta" * 100_000)
    # A search that is quadratic in the file's size takes minutes.
    assert time.process_time() - start < 5
