"""The page that figures are shown on: the machine they were taken on, and a table for each section."""

import datetime
import os
import platform
import re
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.disk import fsync_milliseconds
from bench.figures import Figure

BY_HAND = "Where the time goes"
"""The section that people write."""
_SECTION = re.compile(r"(?m)^(?=## )")
_CPU_INFO = Path("/proc/cpuinfo")


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """What one section measured, and how to read it."""

    title: str
    remark: str
    figures: Sequence[Figure]


def machine(folder: Path) -> list[str]:
    """Lines that say where the figures come from, taken before anything is loaded."""
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg())
    memory = psutil.virtual_memory().total / 1024**3
    where = f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.release()}"
    versions = f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    disk = f"{_filesystem(folder)}, fsync of 4 KiB p50 {fsync_milliseconds(folder):.2f} ms"
    return [
        f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC: {where}",
        f"load average at the start {load}; {versions}; {disk}",
    ]


def _processor() -> str:
    try:
        lines = _CPU_INFO.read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


def _filesystem(folder: Path) -> str:
    """The file system the databases lie on."""
    there = [part for part in psutil.disk_partitions(all=True) if folder.resolve().is_relative_to(part.mountpoint)]
    return max(there, key=lambda part: len(part.mountpoint)).fstype if there else "unknown file system"


def page(command: str, lines: Sequence[str], sections: Iterable[Section]) -> str:
    """The sections in Markdown; each says where its figures come from."""
    origin = "\n".join(f"- {line}" for line in (f"`{command}`, one run", *lines))
    parts = ["# Results"]
    for section in sections:
        parts += [f"## {section.title}", section.remark, origin, "\n".join(_table(section.figures))]
    return "\n\n".join(parts) + "\n"


def merged(old: str, new: str) -> str:
    """An old page with the sections of a new one in their places; what people wrote stays, and stays last."""
    head, *before = _SECTION.split(old)
    taken = {_title(section): section for section in _SECTION.split(new)[1:]}
    kept = [taken.pop(_title(section), section) for section in before]
    place = next((number for number, each in enumerate(kept) if _title(each) == BY_HAND), len(kept))
    parts = [head, *kept[:place], *taken.values(), *kept[place:]]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def _title(section: str) -> str:
    return section.partition("\n")[0].removeprefix("## ")


def _table(figures: Iterable[Figure]) -> list[str]:
    words = {True: "yes", False: "**no**", None: ""}
    return [
        "| what | got | goal | ratio to its peer | met |",
        "| --- | --- | --- | --- | --- |",
        *(f"| {one.name} | {one.got} | {one.goal} | {one.ratio} | {words[one.met]} |" for one in figures),
    ]
