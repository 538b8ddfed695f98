"""The server's own part: it warms up while it starts, and ``/ready`` says when a visitor will be answered.

``/ready`` answers 200 with ``{"ready": true, …}`` when catalog and model are loaded, 503 while they are being loaded and
500 where they cannot be, with the reason in words.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from data.errors import ModelError, ResourceError
from pages.ui.resources import catalog

_LOG = logging.getLogger("tideline.server")


@dataclass
class _Readiness:
    status: int = 503
    message: str = "opening the catalog and loading the model"


_READINESS = _Readiness()


@asynccontextmanager
async def lifespan(app: object) -> AsyncIterator[None]:
    """Starts the warm-up beside the server, so that ``/ready`` can be asked from the first second."""
    threading.Thread(target=warm_up, name="warm-up", daemon=True).start()
    yield


def warm_up() -> None:
    """Loads what every visit needs; a missing catalog or model is a state that the pages explain, not a failure."""
    try:
        catalog.prewarm()
        _READINESS.status, _READINESS.message = 200, "the catalog is open and the model is loaded"
    except (ResourceError, ModelError) as error:
        _READINESS.status, _READINESS.message = 200, f"the pages are up: {error}"
    except Exception as error:
        _LOG.exception("The warm-up failed")
        _READINESS.status, _READINESS.message = 500, f"{type(error).__name__}: {error}"


def ready(request: Request) -> JSONResponse:
    """The readiness route."""
    body = {"ready": _READINESS.status == 200, "message": _READINESS.message}
    return JSONResponse(body, _READINESS.status)


routes = [Route("/ready", ready)]
