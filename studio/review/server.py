"""The review page over HTTP, to 127.0.0.1 alone, by the standard library.

A client names pictures by token only, so no path ever comes from it. Requests for another host (DNS rebinding) and changes that
another site asks for (cross-site requests) are refused.
"""

from __future__ import annotations

import json
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from rapsr_core.curation.decisions import ReviewError
from rapsr_core.images import ImageError
from studio.review.desk import Content, Desk, RequestError

HOST = "127.0.0.1"
MAX_BODY = 65_536
PAGE_FOLDER = Path(__file__).with_name("page")

FILES = {
    "/": ("page.html", "text/html; charset=utf-8"),
    "/review.css": ("review.css", "text/css; charset=utf-8"),
    "/review.js": ("review.js", "text/javascript; charset=utf-8"),
    "/zoom.js": ("zoom.js", "text/javascript; charset=utf-8"),
    "/grid.js": ("grid.js", "text/javascript; charset=utf-8"),
}
"""The page's own files."""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def serve(desk: Desk, port: int) -> None:
    """Serve until interrupted; prints the address. Raises OSError when the port is taken."""
    with build(desk, port) as server:
        print(f"Review: http://{HOST}:{server.server_port}   (Ctrl+C stops; every decision is already saved)", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()


def build(desk: Desk, port: int) -> ThreadingHTTPServer:
    """The server, bound and not yet serving; port 0 takes a free one."""

    return ThreadingHTTPServer((HOST, port), type("DeskHandler", (Handler,), {"desk": desk}))


class Handler(BaseHTTPRequestHandler):
    """One request. GET: the page's files, /state, /picture/TOKEN, /thumbnail/TOKEN. POST, JSON: /decide, /undo."""

    desk: Desk
    protocol_version = "HTTP/1.1"
    server_version = "review"
    sys_version = ""

    def do_GET(self) -> None:
        self._answer(self._get)

    def do_POST(self) -> None:
        self._answer(self._post)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing: the terminal shows the address and errors."""

    def _get(self) -> Content:
        if self.path in FILES:
            name, kind = FILES[self.path]
            return Content(kind, (PAGE_FOLDER / name).read_bytes())
        if self.path == "/state":
            return _json(self.desk.state())
        kind, _, token = self.path[1:].partition("/")
        if kind == "picture":
            return self.desk.picture(token)
        if kind == "thumbnail":
            return self.desk.thumbnail(token)
        raise RequestError(HTTPStatus.NOT_FOUND, "there is nothing at this address")

    def _post(self) -> Content:
        body = self._body()
        if self.path == "/decide":
            return _json(self.desk.decide(body.get("tokens"), body.get("verdict"), body.get("seconds"), body.get("reason")))
        if self.path == "/undo":
            return _json(self.desk.undo())
        raise RequestError(HTTPStatus.NOT_FOUND, "there is nothing at this address")

    def _body(self) -> dict[str, Any]:
        own = f"http://{self.headers['Host']}"
        if self.headers.get("Content-Type") != "application/json" or self.headers.get("Origin", own) != own:
            raise RequestError(HTTPStatus.FORBIDDEN, "only the review page itself may change anything")
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MAX_BODY:
            raise RequestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a request has a length, of at most {MAX_BODY} bytes")
        try:
            found = json.loads(self.rfile.read(int(length)))
        except ValueError as error:
            raise RequestError(HTTPStatus.BAD_REQUEST, f"the request is no JSON ({error})") from error
        if not isinstance(found, dict):
            raise RequestError(HTTPStatus.BAD_REQUEST, "the request must be a JSON object")
        return found

    def _answer(self, make: Any) -> None:
        try:
            self._check_host()
            status, content = HTTPStatus.OK, make()
        except RequestError as error:
            status, content = HTTPStatus(error.status), _json({"error": str(error)})
            self.close_connection = True  # a body may be left unread
        except ImageError as error:
            status, content = HTTPStatus.UNPROCESSABLE_ENTITY, _json({"error": str(error)})
        except (ReviewError, OSError) as error:
            self.log_error("%s", error)
            status, content = HTTPStatus.INTERNAL_SERVER_ERROR, _json({"error": str(error)})
        self._send(status, content)

    def _check_host(self) -> None:
        port = self.connection.getsockname()[1]
        if self.headers.get("Host") not in (f"{HOST}:{port}", f"localhost:{port}"):
            raise RequestError(HTTPStatus.FORBIDDEN, f"open http://{HOST}:{port}")

    def _send(self, status: HTTPStatus, content: Content) -> None:
        picture = status == HTTPStatus.OK and content.type.startswith("image/")
        self.send_response(status)
        self.send_header("Content-Type", content.type)
        self.send_header("Content-Length", str(len(content.body)))
        self.send_header("Cache-Control", "private, max-age=86400, immutable" if picture else "no-store")
        for name, value in HEADERS.items():
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(content.body)


def _json(value: Any) -> Content:
    return Content("application/json", json.dumps(value).encode())
