"""Everything the emulated fal sells, by endpoint. https://fal.ai/models"""

from collections.abc import Mapping

from emulators.vendors.fal_homes import OTHERS
from emulators.vendors.fal_open import OPEN_ENDPOINTS
from emulators.vendors.fal_parts import Endpoint
from emulators.vendors.fal_pika import PIKA_ENDPOINTS

ENDPOINTS: Mapping[str, Endpoint] = {each.id: each for each in (*PIKA_ENDPOINTS, *OPEN_ENDPOINTS, *OTHERS)}
APPS = frozenset(each.app for each in ENDPOINTS.values())
