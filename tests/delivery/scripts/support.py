# SPDX-License-Identifier: Apache-2.0
"""The scripts as a deployment calls them, and a proxy that spoils some of the service's replies."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from harness import SOURCE

# (status, body) of the real reply in, of the spoiled one out.
Fault = Callable[[int, bytes], tuple[int, bytes]]
needs_server = pytest.mark.skipif("CATDOG_SERVER" not in os.environ, reason="needs CATDOG_SERVER, a built server")


def run_script(name: str, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The script in a process of its own; without SERVICE_URL and PYTHONPATH unless given."""
    inherited = {key: value for key, value in os.environ.items() if key not in ("SERVICE_URL", "PYTHONPATH")}
    return subprocess.run(
        [sys.executable, str(SOURCE / "scripts" / name), *map(str, arguments)],
        env=inherited | environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


@contextmanager
def faulty(url: str, faults: dict[str, Fault], seen: list[tuple[str, str]] | None = None) -> Iterator[str]:
    """The URL of a proxy before the service that spoils the replies of the paths named. `seen` gets the path and the
    deadline of each request."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.forward(None)

        def do_POST(self) -> None:
            self.forward(self.rfile.read(int(self.headers["Content-Length"])))

        def forward(self, body: bytes | None) -> None:
            if seen is not None:
                seen.append((self.path, self.headers.get("X-Request-Timeout-Ms", "")))
            headers = {"Content-Type": self.headers["Content-Type"]} if body is not None else {}
            try:
                reply = urllib.request.urlopen(urllib.request.Request(url + self.path, body, headers), timeout=60)
            except urllib.error.HTTPError as refusal:
                reply = refusal
            with reply:
                status, content = reply.status, reply.read()
                kind = reply.headers["Content-Type"] or ""
            fault = faults.get(self.path)
            if fault is not None:
                status, content = fault(status, content)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            with suppress(BrokenPipeError, ConnectionResetError):  # a client that has waited long enough
                self.end_headers()
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{proxy.server_address[1]}"
        finally:
            proxy.shutdown()
            thread.join()


@contextmanager
def silent() -> Iterator[str]:
    """The URL of one who takes connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def nobody() -> str:
    """A URL where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    return f"http://127.0.0.1:{port}"
