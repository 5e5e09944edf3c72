"""Content Credentials (C2PA): who signed what about a picture, and whether it holds.

Nothing is fetched from anywhere. A certificate says who signed if it leads to one on a trust list,
and a trust list is a file with certificates in PEM, as the C2PA publishes it: the environment
variable ``TRUTHPIXEL_TRUST_LIST`` names it.
"""

from __future__ import annotations

import io
import json
import os
from collections import deque
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truthpixel_utils.demo import generators
from truthpixel_utils.demo.origin import (
    AI,
    PARTLY_AI,
    Statement,
    last_part,
    maker,
    short,
    strongest,
)
from truthpixel_utils.errors import TruthPixelError

if TYPE_CHECKING:
    import c2pa

WHERE = "Content Credentials"
TRUST_LIST = "TRUTHPIXEL_TRUST_LIST"
JPEG = b"\xff\xd8\xff"  # how such a file begins
MAX_INGREDIENTS = 10
MAX_NODES = 100_000  # of a manifest's assertions that are looked at
# What codes of validation begin with that say nothing of whether the picture is as it was signed.
_ASIDE = ("signingCredential.", "timeStamp.", "claimSignature.outsideValidity", "cawg.")
_ASIDE += ("ingredient.", "assertion.action.")
_LINKS = {"componentOf": "put together with", "inputTo": "made with the help of"}


def read(content: bytes) -> tuple[dict[str, Any], str]:
    """Read and validate the manifests in a file.

    Parameters
    ----------
    content : bytes
        The file.

    Returns
    -------
    store : dict
        The manifests and what their validation found, as c2pa gives them; empty if there are none.
    problem : str
        Why they could not be read, if they could not.

    Raises
    ------
    TruthPixelError
        If the trust list cannot be read.
    """
    if _is_plain_jpeg(content):
        return {}, ""
    import c2pa

    context = _offline(os.environ.get(TRUST_LIST, ""))
    try:
        reader = c2pa.Reader.try_create("", io.BytesIO(content), context=context)
        if reader is None:
            return {}, ""
        with reader:
            return json.loads(reader.json()), ""
    except c2pa.C2paError as error:
        elsewhere = str(error).startswith("Remote")
        return {}, "kept elsewhere; not fetched" if elsewhere else f"could not be read: {error}"
    except (ValueError, RecursionError):
        return {}, "could not be read: they are nested too deeply"


def statements(store: dict[str, Any], problem: str) -> list[Statement]:
    """Say what the manifests of a file claim, of the picture and of what it was made from.

    Parameters
    ----------
    store : dict
        What `read` returned.
    problem : str
        The same.

    Returns
    -------
    list of Statement
        The picture's own first; of the pictures that it was made from, those that name a maker.
    """
    if problem:
        return [Statement(WHERE, short(problem), standing="not validated")]
    manifests = _dict(store.get("manifests"))
    active = _dict(manifests.get(store.get("active_manifest")))
    if not active:
        return []
    failures = _failures(_dict(store.get("validation_results")).get("activeManifest"))
    failures = failures or _codes(store.get("validation_status"))
    intact = not _about_the_picture(failures)
    signer = short(str(_dict(active.get("signature_info")).get("issuer") or "nobody"), 60)
    origin, terms, by = _origin(active)
    condition, brief = _condition(failures)
    words = [
        f"by {_author(active)}, signed as {signer}, {condition}",
        _certificate(failures),
        f"source: {', '.join(terms)}" if terms else "",
    ]
    said = short("; ".join(word for word in words if word))
    own = Statement(WHERE, said, origin, by, intact, f"signed as {signer}, {brief}")
    return [own, *_of_ingredients(active, store, own)]


def _is_plain_jpeg(content: bytes) -> bool:
    """Tell a JPEG that names neither a manifest nor where one is kept: most do not.

    c2pa takes as long to find that out as a thumbnail takes to decode. Other formats may compress
    what they hold, and are left to it.
    """
    return content[:3] == JPEG and b"c2pa" not in content and b"provenance" not in content


@lru_cache
def _offline(trust_list: str) -> c2pa.Context:
    """Return settings under which c2pa fetches nothing, and trusts who is on the list."""
    import c2pa

    settings: dict[str, Any] = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}}
    if not trust_list:
        return c2pa.Context(c2pa.Settings.from_dict(settings))
    try:
        settings["trust"] = {"trust_anchors": Path(trust_list).expanduser().read_text()}
        return c2pa.Context(c2pa.Settings.from_dict(settings))
    except (OSError, UnicodeDecodeError, c2pa.C2paError) as error:
        raise TruthPixelError(
            f"The trust list {trust_list}, which {TRUST_LIST} names, cannot be read: name a file "
            "of certificates in PEM."
        ) from error


def _condition(failures: set[str]) -> tuple[str, str]:
    """Say whether the picture is as it was signed, in full and for a heading."""
    if any(map(_is_mismatch, _about_the_picture(failures))):
        return "changed since, or damaged", "but changed since"
    if others := _about_the_picture(failures):
        return f"not validated ({', '.join(sorted(others))})", "but not validated"
    return "unchanged since", "unchanged"


def _is_mismatch(code: str) -> bool:
    """Tell a hash that does not match, or a claim whose signature does not: a change."""
    return code.endswith(".mismatch") and not code.startswith("timeStamp.")


def _about_the_picture(codes: set[str]) -> set[str]:
    """Leave out what validation found amiss with who signed and when, or with other pictures."""
    return {code for code in codes if not code.startswith(_ASIDE)}


def _certificate(failures: set[str]) -> str:
    """Say what is known of the signer's certificate."""
    said = []
    if failures & {"signingCredential.expired", "claimSignature.outsideValidity"}:
        said.append("has expired")
    if "signingCredential.revoked" in failures:
        said.append("was revoked")
    if "signingCredential.invalid" in failures:
        said.append("is not fit for signing pictures")
    if "signingCredential.untrusted" in failures:
        given = os.environ.get(TRUST_LIST)
        said.append(
            "is not on the trust list" if given else "is not on a trust list: none was given"
        )
    elif not said:
        said.append("is on the trust list")
    return f"the certificate {' and '.join(said)}"


def _failures(results: object) -> set[str]:
    return _codes(_dict(results).get("failure"))


def _codes(entries: object) -> set[str]:
    return {str(entry.get("code")) for entry in _dicts(entries)}


def _author(manifest: dict[str, Any]) -> str:
    return ", ".join(_programs(manifest)[:5]) or "an unnamed program"


def _programs(manifest: dict[str, Any]) -> list[str]:
    """Name the programs that made a manifest; older ones do in one text."""
    names = [info.get("name") for info in _dicts(manifest.get("claim_generator_info"))]
    names = [short(name, 80) for name in names if isinstance(name, str) and name]
    older = manifest.get("claim_generator")
    if not names and isinstance(older, str) and older:
        names = [short(older.replace("_", " "), 80)]
    return names


def _origin(manifest: dict[str, Any]) -> tuple[str, list[str], str]:
    """Find whom a manifest names as the picture's maker, in which terms, and by which name."""
    terms, makers, agents, camera = [], [], [], {}
    for node in _nodes(manifest.get("assertions")):
        created = node.get("action", "c2pa.created") == "c2pa.created"
        for key, value in node.items():
            name = str(key).rpartition(":")[2].lower()
            if name == "digitalsourcetype" and isinstance(value, str):
                terms.append(short(last_part(value), 60))
                makers.append(_maker_by_action(maker(last_part(value)), created))
            elif name == "softwareagent":
                agent = value.get("name") if isinstance(value, dict) else value
                agents.append((short(str(agent or ""), 80), created))
            elif name in ("make", "model") and isinstance(value, str):
                camera.setdefault(name, short(value, 60))
    programs = [(name, True) for name in _programs(manifest)]
    named = [(generators.named_in(name), created) for name, created in [*agents, *programs]]
    if not terms:
        makers = [_maker_by_action(AI, created) for name, created in named if name is not None]
    origin = strongest(makers)
    if origin in (AI, PARTLY_AI):
        by = next((name for name, _ in named if name), "")
    else:
        make, model = camera.get("make", ""), camera.get("model", "")
        by = model if model.startswith(make) else f"{make} {model}".strip()
        by = by or next((name.partition("/")[0].strip() for name, _ in programs), "")
    return origin, sorted(set(terms)), by if origin else ""


def _maker_by_action(made: str, created: bool) -> str:
    """Take a source type for the picture's only where it was created so, and not edited later."""
    if created:
        return made
    return PARTLY_AI if made in (AI, PARTLY_AI) else ""


def _of_ingredients(
    active: dict[str, Any], store: dict[str, Any], own: Statement
) -> list[Statement]:
    """Say what the manifests of those pictures claim that this one was made from."""
    manifests = _dict(store.get("manifests"))
    deltas = _dicts(_dict(store.get("validation_results")).get("ingredientDeltas"))
    changed = any(
        _is_mismatch(code) for one in deltas for code in _failures(one.get("validationDeltas"))
    )
    found, seen = [], set()
    waiting = deque((one, "") for one in _dicts(active.get("ingredients")))
    while waiting and len(found) < MAX_INGREDIENTS:
        ingredient, link = waiting.popleft()
        label = str(ingredient.get("active_manifest"))
        manifest = _dict(manifests.get(label))
        if not manifest or label in seen:
            continue
        seen.add(label)
        link = link or _LINKS.get(str(ingredient.get("relationship")), "made from")
        waiting += [(one, link) for one in _dicts(manifest.get("ingredients"))]
        origin, terms, by = _origin(manifest)
        if not origin:
            continue
        results = _dict(ingredient.get("validation_results"))
        codes = _failures(results.get("activeManifest"))
        codes |= _codes(ingredient.get("validation_status"))
        broken = changed or any(map(_is_mismatch, codes))
        words = f"{link} a picture by {_author(manifest)}"
        words += "; that one had been changed after it was signed" if broken else ""
        words += f"; source: {', '.join(terms)}" if terms else ""
        standing = f"{own.standing}; what it holds had been changed" if broken else own.standing
        intact = own.validated and not broken
        found.append(Statement(WHERE, short(words), origin, by, intact, standing, link))
    return found


def _nodes(tree: object) -> Iterator[dict[str, Any]]:
    """Yield every dict in a tree of dicts and lists."""
    waiting, count = [tree], 0
    while waiting and count < MAX_NODES:
        node, count = waiting.pop(), count + 1
        if isinstance(node, dict):
            yield node
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _dicts(value: object) -> list[dict[str, Any]]:
    values = value if isinstance(value, list) else []
    return [one for one in values if isinstance(one, dict)]
