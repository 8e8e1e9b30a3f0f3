"""A small Hugging Face hub on 127.0.0.1: what downloads and uploads depend on."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

TOKEN = "hf_MayReadGatedRepositories"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
BRANCH = "main"
LARGE = 1024  # bytes from which a file is "LFS": stored and named by its sha256


@dataclass
class Hub:
    """What the hub holds, how it misbehaves and what it was asked.

    Attributes:
        files: Content by (repository, file name).
        gated: Repositories that need the token.
        objects: Large files that were sent and not yet committed, by sha256.
        cut_after: Bytes after which the connection of the next download breaks, once.
        lies: Repositories whose large files are served with one byte changed.
        on_request: Called while a request waits for its answer.
        requests: (method, path, status, Range header) of everything asked about repositories.
    """

    files: dict[tuple[str, str], bytes] = field(default_factory=dict)
    gated: set[str] = field(default_factory=set)
    objects: dict[str, bytes] = field(default_factory=dict)
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

        def do_POST(self) -> None:
            """What `upload_folder` does: make a repository, ask how to send, send, commit."""
            sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            path = unquote(urlsplit(self.path).path)
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                self._send(401, b"", True)
            elif path == "/api/repos/create":
                asked = json.loads(sent)
                name = f"{asked.get('organization') or 'nobody'}/{asked['name']}"
                self._send_json({"url": f"{hub.endpoint}/{name}", "id": name})
            elif path == "/api/validate-yaml":
                self._send_json({"errors": [], "warnings": []})
            elif path.endswith(f"/preupload/{BRANCH}"):
                files = json.loads(sent)["files"]
                modes = [
                    {
                        "path": file["path"],
                        "uploadMode": "lfs" if file["size"] >= LARGE else "regular",
                        "shouldIgnore": False,
                    }
                    for file in files
                ]
                self._send_json({"files": modes})
            elif path.endswith("/info/lfs/objects/batch"):
                objects = [
                    {
                        **item,
                        "actions": {"upload": {"href": f"{hub.endpoint}/lfs/{item['oid']}"}},
                    }
                    for item in json.loads(sent)["objects"]
                ]
                self._send_json({"transfer": "basic", "objects": objects})
            elif commit := re.fullmatch(rf"/api/models/(.+)/commit/{BRANCH}", path):
                self._commit(commit[1], [json.loads(line) for line in sent.splitlines()])
            else:
                self.send_error(404)

        def do_PUT(self) -> None:
            sent = self.rfile.read(int(self.headers["Content-Length"]))
            oid = urlsplit(self.path).path.rsplit("/", 1)[1]
            assert hashlib.sha256(sent).hexdigest() == oid
            hub.objects[oid] = sent
            self._send(200, b"", True)

        def _commit(self, repository: str, lines: list[dict]) -> None:
            for line in lines:
                value = line["value"]
                if line["key"] == "file":
                    content = base64.b64decode(value["content"])
                    hub.files[repository, value["path"]] = content
                elif line["key"] == "lfsFile":
                    hub.files[repository, value["path"]] = hub.objects[value["oid"]]
            url = f"{hub.endpoint}/{repository}/commit/{COMMIT}"
            self._send_json({"commitUrl": url, "commitOid": COMMIT})

        def _send_json(self, content: object) -> None:
            body = json.dumps(content).encode()
            self._send(200, body, True, {"Content-Type": "application/json"})

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
            if asked := re.fullmatch(r"/api/models/([^/]+/[^/]+)(/(revision|tree)/([^/]+))?", path):
                self._describe(asked[1], asked[4] or BRANCH, with_tree=asked[3] == "tree")
                return
            if "/resolve/" not in path:  # what huggingface_hub asks on its own account
                self.send_error(404)
                return
            owner, name, _, revision, filename = path.removeprefix("/").split("/", 4)
            repository = f"{owner}/{name}"
            if self._refuse_strangers(repository):
                return
            if revision not in (BRANCH, COMMIT):
                self._send(404, b"", with_body, {"X-Error-Code": "RevisionNotFound"})
                return
            content = hub.files.get((repository, filename))
            if content is None:
                self._send(404, b"", with_body, {"X-Error-Code": "EntryNotFound"})
                return
            self._send_file(repository, content, with_body)

        def _describe(self, repository: str, revision: str, with_tree: bool) -> None:
            if self._refuse_strangers(repository):
                return
            if revision not in (BRANCH, COMMIT):
                self._send(404, b"", True, {"X-Error-Code": "RevisionNotFound"})
                return
            files = {name: data for (known, name), data in hub.files.items() if known == repository}
            if with_tree:
                self._send_json(
                    [
                        {"type": "file", "path": name, "size": len(data), "oid": COMMIT}
                        for name, data in files.items()
                    ]
                )
            else:
                siblings = [{"rfilename": name} for name in files]
                self._send_json({"id": repository, "sha": COMMIT, "siblings": siblings})

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
