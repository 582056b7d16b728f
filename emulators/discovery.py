"""Finds the emulated vendors: every module in `emulators/vendors/` that defines `VENDOR`."""

import functools
import importlib
import pkgutil
import re
from collections.abc import Sequence

from emulators import vendors
from emulators.vendor import Vendor

RESERVED = frozenset({"control", "files", "elsewhere"})


@functools.cache
def discovered() -> tuple[Vendor, ...]:
    """Every vendor, sorted by name. Raises ValueError when two of them do not fit together."""
    names = sorted(module.name for module in pkgutil.iter_modules(vendors.__path__))
    modules = [importlib.import_module(f"{vendors.__name__}.{name}") for name in names]
    found = [vendor for module in modules if isinstance(vendor := getattr(module, "VENDOR", None), Vendor)]
    return checked(sorted(found, key=lambda vendor: vendor.name))


def checked(found: Sequence[Vendor]) -> tuple[Vendor, ...]:
    """The vendors, if each has addresses of its own and faults that a prompt can name. Raises ValueError."""
    mounted = [f"{vendor.name}-{host}" if host else vendor.name for vendor in found for host in ("", *vendor.hosts)]
    twice = sorted({name for name in mounted if mounted.count(name) > 1 or name in RESERVED})
    if twice:
        raise ValueError(f"addresses of emulated vendors that are taken: {', '.join(twice)}")
    odd = [name for vendor in found for name in vendor.played() if not re.fullmatch(r"[A-Za-z0-9._-]+", name)]
    if odd:
        raise ValueError(f"names of faults that no prompt can ask for: {', '.join(odd)}")
    return tuple(found)
