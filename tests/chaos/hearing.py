"""The fourth witness: a receiver of webhooks that writes down whatever it is told (N7 of the invariants)."""

import json
import threading
from collections import defaultdict
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver:
    """Listens on loopback and answers 204; `told` is delivery id -> every body that came with it."""

    def __init__(self) -> None:
        self.told: defaultdict[str, list[bytes]] = defaultdict(list)
        self.letters: list[tuple[str, dict[str, str], bytes]] = []
        """Path, headers by their names in lower case, and body of each, as they came."""
        told, letters = self.told, self.letters

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["content-length"])
                body = self.rfile.read(length)
                if len(body) < length:
                    self.close_connection = True
                    return  # its sender was killed: nothing was told
                told[self.headers["webhook-id"]].append(body)
                letters.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_arguments: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    @property
    def origin(self) -> str:
        """What the server must be allowed to call."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def ended(self) -> set[str]:
        """The jobs whose end was told."""
        messages = [json.loads(bodies[0]) for bodies in list(self.told.values())]
        return {message["data"]["job_id"] for message in messages if message["type"] == "job.ended"}

    def faults(self, ended_jobs: Iterable[str]) -> list[str]:
        """Ends that were never told, and deliveries whose body changed from try to try."""
        missing = sorted(set(ended_jobs) - self.ended())
        changed = [name for name, bodies in list(self.told.items()) if len(set(bodies)) > 1]
        told = [f"{job}: its end was told to nobody" for job in missing]
        return told + [f"{name}: its body changed from one try to the next" for name in changed]

    def stop(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
