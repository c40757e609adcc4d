"""Serve the browser chat page: `/` and its static files under `/page/`.

The files are read from this folder at each request, so an edit shows on reload; only files of the kinds in
`KINDS` are served. Every answer carries a Content-Security-Policy that allows this origin alone: a page that
shows other people's text must not be able to run it, nor to load anything from another host.
"""

from pathlib import Path

from aiohttp import web

FOLDER = Path(__file__).parent

KINDS = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}

HEADERS = {
    "Content-Security-Policy": "; ".join(
        [
            "default-src 'self'",
            "img-src 'self' data: blob:",
            "media-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ]
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def add_routes(app: web.Application) -> None:
    """Add `GET /` (the page) and `GET /page/{name}` (its scripts, styles and pictures) to `app`."""
    app.router.add_get("/", index)
    app.router.add_get("/page/{name}", asset)


async def index(request: web.Request) -> web.StreamResponse:
    return answer("index.html")


async def asset(request: web.Request) -> web.StreamResponse:
    return answer(request.match_info["name"])


def answer(name: str) -> web.Response:
    """One file of this folder by its bare name; 404 for anything else, also for names with a path in them."""
    path = FOLDER / name
    if path.parent != FOLDER or path.suffix not in KINDS or not path.is_file():
        raise web.HTTPNotFound(headers=HEADERS)
    return web.Response(body=path.read_bytes(), headers={**HEADERS, "Content-Type": KINDS[path.suffix]})
