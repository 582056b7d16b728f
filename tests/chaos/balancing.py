"""What stands before the replicas: one address for vendors and browsers, whoever lives behind it."""

import random
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_CHUNK = 65_536


class Balancer:
    """Forwards each connection to any of the servers that were named and take it; a frozen one takes it, too."""

    def __init__(self, port: int) -> None:
        """Listen on this port of loopback."""
        self.port = port
        self._targets: dict[int, tuple[str, int]] = {}
        self._listener = socket.create_server(("127.0.0.1", port), backlog=128)
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @contextmanager
    def to(self, number: int, target: str) -> Iterator[None]:
        """Forward to `host:port`, too, until the block ends."""
        host, _, port = target.rpartition(":")
        self._targets[number] = host, int(port)
        try:
            yield
        finally:
            del self._targets[number]

    def stop(self) -> None:
        """Take no more connections."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                inside, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._forward, args=(inside,), daemon=True).start()

    def _forward(self, caller: socket.socket) -> None:
        with caller:
            for target in random.sample(list(self._targets.values()), len(self._targets)):
                with suppress(OSError), socket.create_connection(target, timeout=5) as server:
                    server.settimeout(60)
                    back = threading.Thread(target=_pump, args=(server, caller), daemon=True)
                    back.start()
                    _pump(caller, server)
                    back.join()
                    return


def _pump(source: socket.socket, sink: socket.socket) -> None:
    """Until one side has said all, or is gone."""
    with suppress(OSError):
        while data := source.recv(_CHUNK):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
