"""A one-process OpenStack Swift with its S3 API: `python swift_server.py DIRECTORY` prints its address as JSON.

The real server code on loopback, one replica on one directory. It checks every signature and every expiry.
"""

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

ACCESS_KEY = "test:tester"
SECRET_KEY = "swift-loopback-secret"

PROXY = """[DEFAULT]
swift_dir = {root}
log_level = CRITICAL
[pipeline:main]
pipeline = catch_errors gatekeeper listing_formats s3api tempauth bulk copy slo dlo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
allow_account_management = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = {secret} .admin
[filter:bulk]
use = egg:swift#bulk
[filter:copy]
use = egg:swift#copy
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
"""
STORAGE = """[DEFAULT]
swift_dir = {root}
devices = {root}/devices
mount_check = false
disable_fallocate = true
log_level = CRITICAL
[pipeline:main]
pipeline = {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
"""
SWIFT = """[swift-hash]
swift_hash_path_prefix = filmgate
swift_hash_path_suffix = tests
"""


def configure(root: Path, ports: dict[str, int]) -> None:
    """Write swift.conf, one device, three rings of one replica, and the four servers' files."""
    (root / "devices" / "disk").mkdir(parents=True)
    (root / "swift.conf").write_text(SWIFT)
    (root / "proxy.conf").write_text(PROXY.format(root=root, secret=SECRET_KEY))
    builder_class = importlib.import_module("swift.common.ring").RingBuilder
    for kind, port in ports.items():
        (root / f"{kind}.conf").write_text(STORAGE.format(root=root, kind=kind))
        builder = builder_class(1, 1, 0)
        builder.add_dev({"region": 1, "zone": 1, "ip": "127.0.0.1", "port": port, "device": "disk", "weight": 1})
        builder.rebalance()
        builder.get_ring().save(str(root / f"{kind}.ring.gz"))


class Cache(dict[str, Any]):
    """As much of memcache as keeps the proxy from asking for the bucket's facts at every request."""

    def get(self, key: str, *_: Any, **__: Any) -> Any:
        """What was set, or None."""
        return super().get(key)

    def set(self, key: str, value: Any, **_: Any) -> None:
        """Keep it; this run is shorter than any lifetime."""
        self[key] = value

    def delete(self, key: str, **_: Any) -> None:
        """Forget it."""
        self.pop(key, None)


def with_cache(app: Any) -> Any:
    """The WSGI app with the cache in its environment."""
    cache = Cache()
    return lambda environ, start: app({**environ, "swift.cache": cache}, start)


def serve(root: Path) -> None:
    """Run the three storage servers and the proxy in this process, for ever."""
    eventlet: Any = importlib.import_module("eventlet.wsgi") and importlib.import_module("eventlet")
    utils: Any = importlib.import_module("swift.common.utils")
    utils.monkey_patch()
    kinds = ("account", "container", "object")
    # Bound here and kept: no second bind can lose the port to somebody else.
    sockets = {kind: eventlet.listen(("127.0.0.1", 0)) for kind in (*kinds, "proxy")}
    configure(root, {kind: sockets[kind].getsockname()[1] for kind in kinds})
    utils.set_swift_dir(str(root))
    wsgi: Any = importlib.import_module("swift.common.wsgi")
    protocol = importlib.import_module("swift.common.http_protocol").SwiftHttpProtocol
    for kind, listener in sockets.items():
        app = with_cache(wsgi.loadapp(str(root / f"{kind}.conf"), global_conf={"log_name": kind}))
        # "ETag" keeps its spelling only without capitalising, and S3 clients insist on it.
        options = {"protocol": protocol, "capitalize_response_headers": False, "log_output": False}
        eventlet.spawn(eventlet.wsgi.server, listener, app, **options)
    address = f"http://127.0.0.1:{sockets['proxy'].getsockname()[1]}"
    print(json.dumps({"endpoint": address, "access_key": ACCESS_KEY, "secret_key": SECRET_KEY}), flush=True)
    while os.getppid() != 1:  # a test run that died must not leave the server behind
        eventlet.sleep(1)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
