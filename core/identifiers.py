"""Identifiers and names: ULIDs with a kind prefix, tenant and creative grammars, object keys."""

import re
from datetime import datetime

from ulid import ULID

TENANT = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
CREATIVE = re.compile(r"(?!\.)(?!.*\.\.)[A-Za-z0-9_.-]{1,128}")
_ULID_LENGTH = 26
_IDENTIFIER = re.compile(r"[a-z]+_[0-9A-HJKMNP-TV-Z]{26}")


def new_id(kind: str) -> str:
    """A fresh identifier such as `job_01J…`, sortable by creation time."""
    return f"{kind}_{ULID()}"


def is_id(kind: str, value: str) -> bool:
    """Whether `value` is a well-formed identifier of this kind."""
    return value.startswith(f"{kind}_") and _IDENTIFIER.fullmatch(value) is not None


def is_tenant(value: str) -> bool:
    """Whether `value` is a valid tenant name: `[a-z0-9][a-z0-9-]{0,62}`."""
    return TENANT.fullmatch(value) is not None


def is_creative(value: str) -> bool:
    """Whether `value` is a valid creative id: letters, digits, `-_.`; 1-128; no `..`, no leading dot."""
    return CREATIVE.fullmatch(value) is not None


def video_key(prefix: str, tenant: str, created: datetime, creative_id: str, iteration: int) -> str:
    """`{prefix}/{tenant}/{YYYYMMDD_HHMMSS}-{creative_id}-{iteration:03d}.mp4`, time in UTC (brief A5)."""
    return f"{prefix}/{tenant}/{created:%Y%m%d_%H%M%S}-{creative_id}-{iteration:03d}.mp4"


def derived_key(prefix: str, tenant: str, job_id: str, name: str) -> str:
    """Key of a file derived from a job's videos (thumbnail, scene clip, sheet); never listed as a video."""
    return f"{prefix}/{tenant}/_derived/{job_id}/{name}"
