"""`python -m bench [SECTION ...] [--write]`: measure, print, and put the page where it is kept."""

import argparse
import shlex
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import grpc

from bench import flow, peers, soak, speed, telling, waiting, weight
from bench.processes import CannotMeasure
from bench.report import Section, machine, merged, page

_SECTIONS: Mapping[str, Callable[[Path], Section]] = {
    "accept": speed.accept,
    "getjob": speed.get_job,
    "models": speed.list_models,
    "idle": weight.idle,
    "collect": weight.collect,
    "waiting": waiting.waiting,
    "recovery": waiting.recovery,
    "overload": flow.overload,
    "neighbour": flow.neighbour,
    "told": telling.tell,
    "peers": peers.peers,
    "soak": soak.soak,
}
_USUAL = [name for name in _SECTIONS if name != "soak"]
"""What runs when no section is named: all but the one that takes an hour."""
_SIZES: Mapping[str, str] = {
    "overload": "seconds",
    "neighbour": "seconds",
    "peers": "seconds",
    "waiting": "clips",
    "recovery": "clips",
    "told": "clips",
    "soak": "minutes",
}
"""What can be chosen of a section; each has a size of its own where nothing is."""
_RESULTS = Path(__file__).with_name("RESULTS.md")


def main() -> int:
    """Run the sections asked for; 1 when one of them could not be measured. A missed goal is no failure."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(143))  # so that the servers end with us
    with tempfile.TemporaryDirectory(prefix="filmgate-bench-", dir=options.folder) as name:
        folder = Path(name)
        lines = machine(folder)
        sections = [_measured(name, _sized(name, options), folder / name) for name in options.sections or _USUAL]
    sizes = [f"--{size}={chosen:g}" for size in dict.fromkeys(_SIZES.values()) if (chosen := getattr(options, size))]
    text = page(shlex.join(["python", "-m", "bench", *options.sections, *sizes]), lines, sections)
    print(text)
    if options.write:
        _RESULTS.write_text(merged(_RESULTS.read_text(encoding="utf-8"), text), encoding="utf-8")
    return 1 if any(not section.figures for section in sections) else 0


def _sized(name: str, options: argparse.Namespace) -> Callable[[Path], Section]:
    size = _SIZES.get(name, "")
    chosen = getattr(options, size, None)
    return _SECTIONS[name] if chosen is None else partial(_SECTIONS[name], **{size: chosen})


def _taken(what: str, size: str) -> str:
    return f"{what}, in {', '.join(name for name, taken in _SIZES.items() if taken == size)}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("sections", nargs="*", choices=[*_SECTIONS, []], metavar="SECTION", help=", ".join(_SECTIONS))
    parser.add_argument("--write", action="store_true", help=f"also put the sections into {_RESULTS.name}")
    parser.add_argument("--folder", type=Path, help="where the databases lie meanwhile; default the system's temporary")
    parser.add_argument("--seconds", type=float, help=_taken("how long the storm, or a round of it, lasts", "seconds"))
    parser.add_argument("--clips", type=int, help=_taken("how many clips there are", "clips"))
    parser.add_argument("--minutes", type=float, help=_taken("how many minutes it lasts", "minutes"))
    return parser.parse_args()


def _measured(name: str, measure: Callable[[Path], Section], folder: Path) -> Section:
    folder.mkdir()
    begin = time.monotonic()
    try:
        section = measure(folder)
    except (CannotMeasure, grpc.RpcError) as error:
        section = Section(title=name, remark=f"Not measured: {error}", figures=())
    print(f"{name}: {time.monotonic() - begin:.0f} s", file=sys.stderr)
    return section


if __name__ == "__main__":
    sys.exit(main())
