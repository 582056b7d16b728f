"""The images that the emulated Cog servers run: Replicate's community models, one server each."""

from collections.abc import Mapping

from emulators.vendors import replicate_community
from emulators.vendors.replicate_parts import ReplicateModel

IMAGES: Mapping[str, ReplicateModel] = {model.name.rpartition("/")[2]: model for model in replicate_community.MODELS}
"""Short name, as it stands in the path, to the image; Cog is what Replicate itself runs them with."""
