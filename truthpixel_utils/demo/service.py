"""The demo's report as JSON, over HTTP, which ``pip install -e ".[serve]"`` brings.

Start it by ``uvicorn --factory truthpixel_utils.demo.service:build_service --limit-concurrency 16``
and ask it by ``curl --data-binary @holiday.jpg 'http://127.0.0.1:8000/explain?name=holiday.jpg'``.
"""

from __future__ import annotations

import os
from pathlib import Path

from anyio import CapacityLimiter, to_thread
from fastapi import FastAPI, HTTPException, Request, Response

from truthpixel_utils import __version__
from truthpixel_utils.demo import exports
from truthpixel_utils.demo.analysis import load_analyzer
from truthpixel_utils.demo.uploads import MAX_BYTES
from truthpixel_utils.errors import TruthPixelError

AT_ONCE = 2  # images analyzed at the same time: each takes up to a gigabyte of memory
_BODY = {"content": {"application/octet-stream": {"schema": {"format": "binary"}}}}


def build_service(model_file: str | Path | None = None) -> FastAPI:
    """Build a service that analyzes an uploaded image and keeps nothing of it.

    Parameters
    ----------
    model_file : str or Path, optional
        The detector that answers, as for ``truthpixel explain``; by default what the environment
        variable ``TRUTHPIXEL_MODEL`` names, else those of the package that are on.

    Returns
    -------
    fastapi.FastAPI
        ``POST /explain?name=NAME``, with an image file as the body, answers with what
        ``truthpixel explain --json`` writes of it. A file above 50 MB gets the status 413, and what
        is no image that can be read gets 422 and a sentence as its ``detail``.

    Raises
    ------
    TruthPixelError
        If there is no such detector.
    """
    analyze = load_analyzer(model_file or os.environ.get("TRUTHPIXEL_MODEL"))
    turns = CapacityLimiter(AT_ONCE)
    service = FastAPI(title="TruthPixel", version=__version__)

    @service.post("/explain", openapi_extra={"requestBody": _BODY})
    async def explain(request: Request, name: str = "upload") -> Response:
        """Give a verdict on an image, and say what its file says of its origin."""
        content = await _read(request)
        try:
            report = await to_thread.run_sync(analyze, content, name, limiter=turns)
        except TruthPixelError as error:
            raise HTTPException(422, str(error)) from None
        return Response(exports.as_json(report), media_type="application/json")

    return service


async def _read(request: Request) -> bytes:
    """Read an upload into memory, and no more of it than a file may have."""
    too_much = HTTPException(413, f"Files up to {MAX_BYTES / 1e6:.0f} MB are read.")
    if int(request.headers.get("content-length", 0)) > MAX_BYTES:
        raise too_much
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > MAX_BYTES:  # who sends in chunks need not say how much it is
            raise too_much
    return bytes(content)
