"""Files that say something of their origin, made on the spot, and what our code hears."""

import datetime
import io
import json

import c2pa
import numpy as np
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from PIL import ExifTags, Image, PngImagePlugin

from truthpixel_utils.demo import provenance

PIXELS = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8))
TERMS = "http://cv.iptc.org/newscodes/digitalsourcetype/"
PEM = serialization.Encoding.PEM


def encoded(kind, **options):
    buffer = io.BytesIO()
    PIXELS.save(buffer, kind, **options)
    return buffer.getvalue()


def said_by(content):
    return list(provenance.look_into(Image.open(io.BytesIO(content)), content).statements)


def png_with(**texts):
    info = PngImagePlugin.PngInfo()
    for key, value in texts.items():
        info.add_text(key, value)
    return encoded("PNG", pnginfo=info)


def exif_with(photo=None, **tags):
    """EXIF with tags of the image by name, and of its photo directory by number."""
    exif = Image.Exif()
    for name, value in tags.items():
        exif[_number(name)] = value
    exif.get_ifd(0x8769).update(photo or {})
    return exif


def _number(name):
    return next(number for number, known in ExifTags.TAGS.items() if known == name)


def xmp_with(properties, namespaces=""):
    """An XMP packet whose description holds some elements."""
    return f"""<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta
xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
xmlns:dc="http://purl.org/dc/elements/1.1/" {namespaces}>{properties}</rdf:Description>
</rdf:RDF></x:xmpmeta>""".encode()


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


class Authority:
    """Signs with certificates that it makes, of which its root is the trust list."""

    def __init__(self):
        key = ec.generate_private_key(ec.SECP256R1())
        root_key = ec.generate_private_key(ec.SECP256R1())
        root = certificate("Testing Root", root_key)
        leaf = certificate("Testing Signer", key, root, root_key)
        self.trust_list = root.public_bytes(PEM)
        secret = key.private_bytes(
            PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        chain = leaf.public_bytes(PEM) + self.trust_list
        info = c2pa.C2paSignerInfo(c2pa.C2paSigningAlg.ES256, chain, secret, None)
        self.signer = c2pa.Signer.from_info(info)

    def sign(self, content, program, assertions=(), intent=None, **fields):
        """Sign a JPEG; `fields` are more of the manifest's."""
        manifest = {
            "claim_generator_info": [{"name": program}],
            "format": "image/jpeg",
            "assertions": list(assertions),
            **fields,
        }
        out = io.BytesIO()
        with c2pa.Builder(json.dumps(manifest)) as builder:
            if intent:
                builder.set_intent(intent)
            builder.sign(self.signer, "image/jpeg", io.BytesIO(content), out)
        return out.getvalue()


def action(name, term, **fields):
    """An assertion that something was done to a picture, with a source type."""
    done = {"action": name, "digitalSourceType": TERMS + term, **fields}
    return {"label": "c2pa.actions", "data": {"actions": [done]}}
