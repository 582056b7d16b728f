"""The emulated Runway's ephemeral uploads: our own adapter speaks to them, and what the storage behind them refuses."""

from typing import Any

import httpx
import pytest

from core.outcome import Reply, Slot
from core.spec import MediaInput
from providers.catalogue import CATALOGUE
from providers.runway import RunwayProvider
from tests.emulators.driving import NO_TLS, RUNWAY, Start

_ADAPTER = RunwayProvider()
_ROW = CATALOGUE.rows["runway/gen4_turbo"]


def _slot(http: httpx.Client, png: bytes) -> Slot:
    """A place for a picture, asked for and read by our adapter."""
    request = _ADAPTER.upload(MediaInput(mime_type="image/png", size=len(png), name="first"), _ROW)
    assert request is not None
    answer = http.request(request.method, f"/runway{request.path}", headers=RUNWAY, json=request.json)
    slot = _ADAPTER.slot(Reply(status=answer.status_code, body=answer.content))
    assert slot is not None
    return slot


def _order(uri: str) -> dict[str, Any]:
    return {"model": "gen4_turbo", "promptImage": uri, "ratio": "1280:720", "duration": 2}


def _buy(http: httpx.Client, uri: str) -> httpx.Response:
    return http.post("/runway/v1/image_to_video", headers=RUNWAY, json=_order(uri))


def test_our_slot_takes_the_file_without_a_key(http: httpx.Client, png: bytes) -> None:
    slot = _slot(http, png)
    sent = http.post(slot.url, data=dict(slot.fields), files={"file": ("first.png", png, "image/png")})
    assert sent.status_code == 204
    assert _buy(http, slot.uri).status_code == 200


def test_an_unfilled_slot_is_no_input(http: httpx.Client, png: bytes) -> None:
    answer = _buy(http, _slot(http, png).uri)
    assert answer.status_code == 400
    (issue,) = answer.json()["issues"]
    assert (issue["path"], issue["message"]) == (["promptImage"], "The upload does not exist or has expired")


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [({"policy": "forged"}, 403, "AccessDenied"), ({"policy": None}, 403, "AccessDenied")],
    ids=["forged", "missing"],
)
def test_the_storage_wants_the_fields(
    http: httpx.Client, png: bytes, changed: dict[str, Any], status: int, code: str
) -> None:
    slot = _slot(http, png)
    fields = {name: value for name, value in {**slot.fields, **changed}.items() if value is not None}
    answer = http.post(slot.url, data=fields, files={"file": ("first.png", png, "image/png")})
    assert (answer.status_code, code in answer.text) == (status, True)
    assert _buy(http, slot.uri).status_code == 400


def test_the_storage_wants_a_file(http: httpx.Client, png: bytes) -> None:
    slot = _slot(http, png)
    assert http.post(slot.url, files={name: (None, value) for name, value in slot.fields.items()}).status_code == 400
    elsewhere = slot.url.rpartition("/")[0] + "/00000000-0000-0000-0000-000000000000"
    lost = http.post(elsewhere, data=dict(slot.fields), files={"file": ("a.png", png, "image/png")})
    assert (lost.status_code, "MalformedPOSTRequest" in lost.text) == (400, True)


@pytest.mark.parametrize("body", [{}, {"filename": 7}, {"filename": "a.png", "type": "forever"}])
def test_what_an_upload_must_say(http: httpx.Client, body: dict[str, Any]) -> None:
    assert http.post("/runway/v1/uploads", headers=RUNWAY, json=body).status_code == 400


def test_an_upload_needs_the_key(http: httpx.Client) -> None:
    headers = {"X-Runway-Version": "2024-11-06"}
    assert http.post("/runway/v1/uploads", headers=headers, json={"filename": "a.png"}).status_code == 401


async def test_an_upload_is_good_for_a_day(start: Start, png: bytes) -> None:
    server = await start(speed=1)
    async with httpx.AsyncClient(base_url=server.base_url, trust_env=False, verify=NO_TLS, headers=RUNWAY) as client:
        place = (await client.post("/runway/v1/uploads", json={"filename": "a.png", "type": "ephemeral"})).json()
        await client.post(place["uploadUrl"], data=place["fields"], files={"file": ("a.png", png, "image/png")})
        statuses = []
        for seconds in (86_000, 500):
            await client.post("/control/advance", json={"seconds": seconds})
            answer = await client.post("/runway/v1/image_to_video", json=_order(place["runwayUri"]))
            statuses.append(answer.status_code)
    assert statuses == [200, 400]
