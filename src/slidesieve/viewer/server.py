"""The viewer's web server: this machine only, and only for who has the address.

The address holds a token, without which nothing is answered. The header Host must name this
machine, so that no page of another host can reach the viewer through a name that it points here.
"""

from __future__ import annotations

import logging
import secrets
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from slidesieve.errors import SlideSieveError
from slidesieve.viewer.routes import NotFoundError, Response, Routes

log = logging.getLogger(__name__)

_LOOPBACK = "127.0.0.1"
_OWN_NAMES = (_LOOPBACK, "localhost")
_IDLE_SECONDS = 60
# The style sheet that OpenSeadragon adds to the page by itself.
_OWN_STYLE = "'sha256-9xTiqzfwFaL2SGb1rmr8gysEwVVjIvqWAgmZgqFqpEE='"
_HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; script-src 'self'; style-src 'self' {_OWN_STYLE}; "
        "img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class ViewerServer(ThreadingHTTPServer):
    """Serves the addresses of a study on loopback.

    Args:
        routes: Answers the addresses.
        port: 0 means any free one.

    Attributes:
        routes: As given.
        token: First part of every address.
    """

    daemon_threads = True

    def __init__(self, routes: Routes, port: int = 0) -> None:
        super().__init__((_LOOPBACK, port), _Handler)
        self.routes = routes
        self.token = secrets.token_urlsafe(24)

    def handle_error(self, request: object, client_address: object) -> None:
        """Pass over browsers that went away before they had their answer."""
        if not isinstance(sys.exc_info()[1], OSError):
            log.exception("a request failed")

    @property
    def address(self) -> str:
        """The address to open in a browser."""
        return f"http://{_LOOPBACK}:{self.server_port}/{self.token}/"


class _Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    server: ViewerServer
    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS

    def do_GET(self) -> None:
        """Answer, or refuse without a word on what there is."""
        if not self._names_this_machine():
            self._refuse(HTTPStatus.FORBIDDEN, "the viewer answers to 127.0.0.1 and localhost")
            return
        token, *parts = (unquote(part) for part in urlsplit(self.path).path[1:].split("/"))
        if not secrets.compare_digest(token.encode(), self.server.token.encode()):
            self._refuse(HTTPStatus.FORBIDDEN, "open the address that `slidesieve view` printed")
            return
        try:
            self._send(HTTPStatus.OK, self.server.routes.answer(parts))
        except NotFoundError as error:
            self._refuse(HTTPStatus.NOT_FOUND, str(error))
        except SlideSieveError as error:
            self._refuse(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
        except ConnectionError:
            raise
        except Exception:
            log.exception("%s cannot be answered", "/".join(parts))
            self._refuse(
                HTTPStatus.INTERNAL_SERVER_ERROR, "the viewer failed; its terminal says why"
            )

    def version_string(self) -> str:
        """Name the server, and no versions."""
        return "SlideSieve"

    def log_message(self, format: str, *args: object) -> None:
        """Log without the address, which holds the token."""
        log.debug("%s answered", self.command)

    def _names_this_machine(self) -> bool:
        host = self.headers.get("Host", "")
        # Whatever port: one may be forwarded to another.
        return host.rsplit(":", 1)[0] in _OWN_NAMES

    def _refuse(self, status: HTTPStatus, why: str) -> None:
        self._send(status, Response(why.encode(), "text/plain; charset=utf-8"))

    def _send(self, status: HTTPStatus, response: Response) -> None:
        self.send_response(status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        kept = "private, max-age=3600" if response.kept else "no-store"
        self.send_header("Cache-Control", kept)
        self.send_header("Content-Type", response.media_type)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        self.wfile.write(response.body)
