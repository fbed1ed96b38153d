# SPDX-License-Identifier: Apache-2.0
"""A keep-alive connection to the service."""

from __future__ import annotations

import http.client
import json
import select
import urllib.parse
from typing import Any, NamedTuple


class Reply(NamedTuple):
    status: int
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Connection:
    """Connects when needed; what the service closed while it was idle is opened anew before anything is sent."""

    def __init__(self, url: str, timeout: float) -> None:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"'{url}' is no URL such as http://127.0.0.1:8000")
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.hostname, parts.port, timeout=timeout)
        self._prefix = parts.path.rstrip("/")
        self.opened = 0

    def ask(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Reply:
        """Raises OSError or http.client.HTTPException when there is no reply. Nothing is sent twice."""
        if self._closed_by_the_service():
            self.close()
        self.opened += self._connection.sock is None
        try:
            self._connection.request(method, self._prefix + path, body, headers or {})
            reply = self._connection.getresponse()
            return Reply(reply.status, reply.read())
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._connection.close()

    def _closed_by_the_service(self) -> bool:
        # Between two requests nothing is to be read, unless it is the end.
        if self._connection.sock is None:
            return False
        poll = select.poll()
        poll.register(self._connection.sock, select.POLLIN)
        return bool(poll.poll(0))
