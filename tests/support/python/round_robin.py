# SPDX-License-Identifier: Apache-2.0
"""A Kubernetes Service and its readiness probes, on 127.0.0.1: each connection goes to the next ready instance."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass, field


@dataclass
class Instance:
    port: int
    ready: bool = False
    connections: int = 0
    # Ready or not, as it changed: seconds of time.monotonic().
    history: list[tuple[float, bool]] = field(default_factory=list)


class RoundRobin:
    """`with RoundRobin() as service:` forwards service.port. It retries nothing: what an instance loses is lost."""

    def __init__(self, period: float = 0.5, path: str = "/health/ready") -> None:
        self.period = period
        self.path = path
        self.instances: list[Instance] = []
        self.turn = 0
        self.port = 0
        self.refused = 0
        self.tasks: set[asyncio.Task[None]] = set()

    def __enter__(self) -> RoundRobin:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self._call(self._start())
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    def _call(self, coroutine: object) -> object:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(60)  # type: ignore

    async def _start(self) -> None:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        self._begin(self._probe())

    async def _stop(self) -> None:
        self.server.close()
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    def _begin(self, coroutine: object) -> None:
        task = self.loop.create_task(coroutine)  # type: ignore
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def add(self, port: int, seconds: float = 60) -> Instance:
        """Returns when it is ready."""
        instance = Instance(port)
        self.instances.append(instance)
        limit = time.monotonic() + seconds
        while not instance.ready:
            if time.monotonic() > limit:
                raise RuntimeError(f"the instance on port {port} doesn't get ready")
            time.sleep(0.02)
        return instance

    async def _ask(self, port: int) -> bool:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(f"GET {self.path} HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n\r\n".encode())
            return b" 200 " in await reader.readline()
        finally:
            writer.close()

    async def _probe(self) -> None:
        while True:
            for instance in list(self.instances):
                try:
                    ready = await asyncio.wait_for(self._ask(instance.port), 5)
                except (OSError, asyncio.TimeoutError):
                    ready = False
                if ready != instance.ready:
                    instance.history.append((time.monotonic(), ready))
                    instance.ready = ready
            await asyncio.sleep(self.period)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ready = [instance for instance in self.instances if instance.ready]
        if not ready:
            self.refused += 1
            writer.close()
            return
        self.turn += 1
        instance = ready[self.turn % len(ready)]
        try:
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", instance.port)
        except OSError:
            self.refused += 1
            writer.close()
            return
        instance.connections += 1
        self._begin(self._forward(reader, inner_writer))
        self._begin(self._forward(inner_reader, writer))

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()
