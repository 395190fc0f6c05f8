"""A model hub on this machine: what `huggingface_hub` asks of the real one, answered from memory."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

COMMIT = "a" * 40


@contextmanager
def hub(repositories: Mapping[str, Mapping[str, bytes]]) -> Iterator[tuple[str, list[str]]]:
    """Yields its address and the paths asked for so far. `repositories`: id -> files by name; any other id is not found."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path.strip("/")
            asked.append(path)
            name, content = self._content(path)
            self.send_response(200 if content is not None else 404)
            body = content if content is not None else b'{"error": "Repository not found"}'
            if content is None:
                self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("ETag", f'"{hashlib.sha1(body).hexdigest()}"')
            self.send_header("Content-Type", "application/json" if name is None else "application/octet-stream")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET

        def _content(self, path: str) -> tuple[str | None, bytes | None]:
            for repository, files in repositories.items():
                if path.startswith(f"api/models/{repository}/tree/"):
                    rows = [
                        {"type": "file", "path": n, "size": len(b), "oid": hashlib.sha1(b).hexdigest()} for n, b in files.items()
                    ]
                    return None, json.dumps(rows).encode()
                if path.startswith(f"api/models/{repository}"):
                    siblings = [{"rfilename": name} for name in files]
                    return None, json.dumps(
                        {"id": repository, "modelId": repository, "sha": COMMIT, "siblings": siblings}
                    ).encode()
                if path.startswith(f"{repository}/resolve/"):
                    name = path.removeprefix(f"{repository}/resolve/").partition("/")[2]
                    return name, files.get(name)
            return None, None

        def log_message(self, *arguments: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
