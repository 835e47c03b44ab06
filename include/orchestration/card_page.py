"""The page inside the Airflow UI on which a version's card is read, with its pictures.

Airflow mounts a plugin's app as it is: nothing of Airflow's own protection reaches it. Every route
therefore depends on Airflow's check of who is asking and on the right to read the DAG.
"""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Callable
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from churn.core.names import TRAINING_DAG

if TYPE_CHECKING:
    from collections.abc import Awaitable, MutableMapping

    from fastapi import FastAPI, Request, Response

    from churn.registry.store import ModelStore, Version

    Scope = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Scope]]
    Send = Callable[[Scope], Awaitable[None]]


def _headers() -> dict[str, str]:
    digest = base64.b64encode(hashlib.sha256(_asset("js").encode()).digest()).decode()
    return {
        "Content-Security-Policy": "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'; frame-ancestors 'self'",
        "X-Content-Type-Options": "nosniff",
    }


class LazyApp:
    """An ASGI app that is built by its first request.

    Plugins are imported by every process of Airflow; only the api-server ever answers with this.
    """

    def __init__(self, build: Callable[[], FastAPI]) -> None:
        self.build = cache(build)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        await self.build()(scope, receive, send)


def create_app(store: Callable[[], ModelStore]) -> FastAPI:
    """Return the app: the card of the live version, of any other, and their pictures."""
    from fastapi.responses import HTMLResponse, RedirectResponse, Response

    from churn.core.errors import NoModelError
    from churn.registry.store import CARD
    from churn.training.report.names import FOLDER

    app = _guarded()

    @app.get("/")
    def newest() -> Response:
        return RedirectResponse(f"versions/{store().current()}/")

    @app.get("/versions/{version}/")
    def card(version: str) -> Response:
        content = _read(store(), version).files[CARD].decode()
        return HTMLResponse(_page(_rendered(content), _links(store(), version)), headers=_headers())

    @app.get(f"/versions/{{version}}/{FOLDER}/{{picture}}")
    def plot(version: str, picture: str) -> Response:
        found = _read(store(), version).files.get(f"{FOLDER}/{picture}")
        if found is None or not picture.endswith(".png"):
            raise NoModelError(f"{version} has no picture {picture}")
        return Response(found, media_type="image/png", headers=_headers())

    return app


def _guarded() -> FastAPI:
    """Return an app of which no route can be reached without the right to read the DAG."""
    from airflow.api_fastapi.core_api.security import get_user, requires_access_dag
    from fastapi import Depends, FastAPI

    from churn.core.errors import ChurnError

    return FastAPI(
        openapi_url=None,  # which would be a route without the checks
        dependencies=[
            Depends(get_user),
            Depends(requires_access_dag("GET", param_dag_id=TRAINING_DAG)),
        ],
        exception_handlers={ChurnError: _refused},
    )


async def _refused(_: Request, error: Exception) -> Response:
    from fastapi.responses import HTMLResponse

    from churn.core.errors import NoModelError

    status = 404 if isinstance(error, NoModelError) else 409
    return HTMLResponse(_page(f"<p>{html.escape(str(error))}</p>"), status, _headers())


def _read(store: ModelStore, version: str) -> Version:
    from churn.core.errors import NoModelError

    if not store.published(version).exists():
        raise NoModelError(f"there is no version {version}; it may have been retired")
    return store.read(version)


def _rendered(card: str) -> str:
    """Return the card as HTML; HTML inside it is shown and not followed."""
    from markdown_it import MarkdownIt

    return str(MarkdownIt("commonmark", {"html": False}).enable("table").render(card))


def _links(store: ModelStore, shown: str) -> str:
    current = store.current()
    items = [
        f"<li><a href='../{name}/'>{name}</a>{' (live)' if name == current else ''}</li>"
        if name != shown
        else f"<li><b>{name}</b>{' (live)' if name == current else ''}</li>"
        for name in reversed(store.versions())
    ]
    return f"<nav><h2>Versions</h2><ul>{''.join(items)}</ul></nav>"


def _page(body: str, navigation: str = "") -> str:
    return (
        "<!doctype html><html lang='en'><meta charset='utf-8'><title>Churn model</title>"
        f"<style>{_asset('css')}</style><script>{_asset('js')}</script><body><main>{body}</main>{navigation}</body></html>"
    )


@cache
def _asset(kind: str) -> str:
    return files("orchestration").joinpath(f"card_page.{kind}").read_text(encoding="utf-8")
