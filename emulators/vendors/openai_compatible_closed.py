"""OpenAI's own address, emulated at `/openai` as it may be since 2026-09-24: nothing is sold there any more.

What it really answers since the Videos API was shut down is not known; this is OpenAI's usual 404.
"""

from starlette.responses import Response

from emulators.exchange import Exchange
from emulators.faults import Stage
from emulators.vendor import At, Vendor
from emulators.vendors.openai_compatible import NO_CREDIT, THROTTLED, error_body
from emulators.vendors.openai_compatible_checks import told

GONE = "The Videos API is no longer available."


async def closed(exchange: Exchange) -> Response:
    """A witnessed 404."""
    return await exchange.refuse(404, body=told(GONE, code="model_not_found"))


VENDOR = Vendor(
    name="openai",
    title="OpenAI (Videos API shut down)",
    models=(),
    example="curl {base}/v1/videos -H 'Authorization: Bearer any' -F model=sora-2 -F prompt='a cat'",
    routes=(At("POST", "/videos", closed, Stage.SUBMIT), At("POST", "/v1/videos", closed, Stage.SUBMIT)),
    error_body=error_body,
    not_found=(404, GONE),
    no_credit=(429, NO_CREDIT),
    throttled=THROTTLED,
    first={"status": "queued", "progress": 0},
    success={"status": "completed", "progress": 100},
)
