"""Everything the emulated Replicate runs: each model's true inputs, its output, its price and its run time.

It does not run openai/sora-2(-pro): what Replicate answers since their upstream ended on 2026-09-24 is not known.
"""

from collections.abc import Mapping

from emulators.vendors import (
    replicate_bytedance,
    replicate_community,
    replicate_google,
    replicate_kling,
    replicate_minimax,
    replicate_others,
    replicate_wan,
)
from emulators.vendors.replicate_community import svd_size
from emulators.vendors.replicate_parts import ReplicateModel

__all__ = ["REPLICATE_MODELS", "svd_size"]

REPLICATE_MODELS: Mapping[str, ReplicateModel] = {
    model.name: model
    for module in (
        replicate_bytedance,
        replicate_community,
        replicate_google,
        replicate_kling,
        replicate_minimax,
        replicate_others,
        replicate_wan,
    )
    for model in module.MODELS
}
"""By `owner/name`."""
