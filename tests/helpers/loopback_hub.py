"""A small Hugging Face hub on 127.0.0.1, with the behaviour that downloads depend on."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

TOKEN = "hf_MayReadGatedRepositories"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE = 1024  # bytes from which a file is "LFS": stored and named by its sha256


@dataclass
class Hub:
    """What the hub holds, how it misbehaves and what it was asked.

    Attributes:
        files: Content by (repository, file name).
        gated: Repositories that need the token.
        cut_after: Bytes after which the connection of the next download breaks, once.
        lies: Repositories whose large files are served with one byte changed.
        on_request: Called while a request waits for its answer.
        requests: (method, path, status, Range header) of everything asked about repositories.
    """

    files: dict[tuple[str, str], bytes] = field(default_factory=dict)
    gated: set[str] = field(default_factory=set)
    cut_after: int | None = None
    lies: set[str] = field(default_factory=set)
    on_request: Callable[[], None] = lambda: None
    requests: list[tuple[str, str, int, str | None]] = field(default_factory=list)
    endpoint: str = ""


@contextmanager
def running_hub() -> Iterator[Hub]:
    """A hub that answers until the block ends."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(hub))
    hub.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def do_GET(self) -> None:
            self._answer(with_body=True)

        def log_message(self, *_: object) -> None:
            pass

        def _answer(self, with_body: bool) -> None:
            hub.on_request()
            path = unquote(urlsplit(self.path).path)
            if path.startswith("/api/models/") and path.endswith("/auth-check"):
                repository = path.removeprefix("/api/models/").removesuffix("/auth-check")
                self._refuse_strangers(repository) or self._send(200, b"", with_body)
                return
            if "/resolve/" not in path:  # what huggingface_hub asks on its own account
                self.send_error(404)
                return
            owner, name, _, revision, filename = path.removeprefix("/").split("/", 4)
            repository = f"{owner}/{name}"
            if self._refuse_strangers(repository):
                return
            if revision not in ("main", COMMIT):
                self._send(404, b"", with_body, {"X-Error-Code": "RevisionNotFound"})
                return
            content = hub.files.get((repository, filename))
            if content is None:
                self._send(404, b"", with_body, {"X-Error-Code": "EntryNotFound"})
                return
            self._send_file(repository, content, with_body)

        def _refuse_strangers(self, repository: str) -> bool:
            if not any(known == repository for known, _ in hub.files):
                self._send(404, b"", True, {"X-Error-Code": "RepoNotFound"})
            elif repository in hub.gated and not self.headers.get("Authorization"):
                self._send(401, b"", True, {"X-Error-Code": "GatedRepo"})
            elif repository in hub.gated and self.headers["Authorization"] != f"Bearer {TOKEN}":
                self._send(403, b"", True, {"X-Error-Code": "GatedRepo"})
            else:
                return False
            return True

        def _send_file(self, repository: str, content: bytes, with_body: bool) -> None:
            digest = hashlib.sha256 if len(content) >= LARGE else hashlib.sha1
            headers = {
                "ETag": f'"{digest(content).hexdigest()}"',
                "X-Repo-Commit": COMMIT,
                "Accept-Ranges": "bytes",
            }
            if repository in hub.lies and len(content) >= LARGE:
                content = content[:-1] + bytes([content[-1] ^ 1])
            start = 0
            if asked := self.headers.get("Range"):
                start = int(asked.removeprefix("bytes=").partition("-")[0])
                headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
            self._send(206 if asked else 200, content[start:], with_body, headers)

        def _send(
            self, status: int, body: bytes, with_body: bool, headers: dict[str, str] | None = None
        ) -> None:
            hub.requests.append((self.command, self.path, status, self.headers.get("Range")))
            self.send_response(status)
            for key, value in (headers or {}).items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if not with_body or self.command == "HEAD":
                return
            if hub.cut_after is not None and len(body) > hub.cut_after:
                body, hub.cut_after = body[: hub.cut_after], None
                self.close_connection = True
            self.wfile.write(body)

    return Handler
