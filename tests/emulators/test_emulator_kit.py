"""What every vendor gets from the kit, seen on the example of `docs/emulators.md`, which is run as it stands there."""

import base64
import io
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image
from starlette.requests import Request

from emulators import signing
from emulators.clips import ClipStore
from emulators.discovery import checked, discovered
from emulators.jobs import Clip, Job
from emulators.schema import PYDANTIC_1, Field, check, fastapi_detail
from emulators.server import EmulatorServer
from emulators.spelling import iso, moment_of, page, whole
from emulators.vendor import Vendor, header_key, scheme_key
from emulators.webhooks import Letter
from emulators.world import Options, World
from media.pool import MediaPool
from tests.emulators.driving import NO_TLS, Inbox, Start, look, until

KEY = {"Authorization": "Bearer any"}


def example() -> Vendor:
    """The vendor of the documentation."""
    text = (Path(__file__).parents[2] / "docs" / "emulators.md").read_text(encoding="utf-8")
    block = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    assert block is not None
    names: dict[str, Any] = {}
    exec(compile(block[1], "docs/emulators.md", "exec"), names)  # noqa: S102 - our own documentation
    vendor = names["VENDOR"]
    assert isinstance(vendor, Vendor)
    return vendor


SKETCH = example()


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    server = EmulatorServer(options=Options(speed=6000, allow_prompt_faults=True), vendors=(SKETCH,))
    url = await server.start(data_dir=tmp_path)
    async with httpx.AsyncClient(base_url=url, trust_env=False, verify=NO_TLS, headers=KEY, timeout=20) as opened:
        yield opened
    await server.stop()


async def sold(client: httpx.AsyncClient, prompt: str, **more: Any) -> dict[str, Any]:
    """A job, once it has ended."""
    made = (await client.post("/sketch/v1/videos", json={"prompt": prompt, **more})).raise_for_status().json()
    reply = await until(
        lambda: client.get(f"/sketch/v1/videos/{made['id']}"),
        lambda reply: reply.json()["status"] in ("done", "failed"),
    )
    shown: dict[str, Any] = reply.json()
    return shown


async def test_the_example_sells_a_clip(client: httpx.AsyncClient) -> None:
    shown = await sold(client, "a cat", seconds=10)
    data = (await client.get(shown["video"])).content
    assert (look(data).seconds, look(data).size) == (10.0, (640, 360))
    assert (await client.get(f"/sketch/v1/videos/{shown['id']}/content")).content == data
    [row] = (await client.get("/control/ledger")).json()["posts"]
    assert (row["vendor"], row["status"], row["price_micros"], row["billed_micros"]) == (
        "sketch",
        201,
        500_000,
        500_000,
    )
    page = (await client.get("/")).text
    assert "Sketch" in page
    assert "sketch-1" in page
    assert "/sketch/v1/videos" in page


async def test_refusals_of_the_example(client: httpx.AsyncClient) -> None:
    wrong = await client.post("/sketch/v1/videos", json={"prompt": "x" * 501, "seconds": 7, "fps": 3})
    text = wrong.json()["error"]["message"]
    assert wrong.status_code == 422
    assert all(part in text for part in ("prompt: Length", "seconds must be one of", "property fps"))
    assert (await client.post("/sketch/v1/videos", content=b"{")).status_code == 400
    assert (await client.get("/sketch/v1/nothing")).json() == {"error": {"code": 404, "message": ""}}
    assert (await client.get("/sketch/v1/videos/none/content")).status_code == 404
    assert (await client.post("/sketch/v1/videos/none/cancel")).status_code == 404
    client.headers.pop("authorization")
    assert (await client.get("/sketch/v1/videos/none")).status_code == 401


async def test_a_vendors_own_faults(client: httpx.AsyncClient) -> None:
    failed = await sold(client, "[[fault:fail-unsafe]]")
    assert (failed["status"], failed["error"]) == ("failed", "The prompt is not allowed.")
    assert "video" not in await sold(client, "[[fault:text-only]]")
    gone = await client.post("/sketch/v1/videos", json={"prompt": "[[fault:retired]]"})
    assert (gone.status_code, gone.json()["error"]["message"]) == (410, "sketch-1 was retired.")
    told = (await client.get("/control/faults")).json()["faults"]
    assert {each["name"] for each in told if each["vendors"] == ["sketch"]} >= {"text-only", "fail-crash"}


async def test_faults_strike_a_download_behind_the_key(client: httpx.AsyncClient) -> None:
    job = (await sold(client, "x"))["id"]
    await client.post("/control/script", json={"fault": "wrong-content", "job": job})
    assert (await client.get(f"/sketch/v1/videos/{job}/content")).content.startswith(b"<!DOCTYPE")
    await client.post("/control/expire", json={"job": job, "data": True})
    assert (await client.get(f"/sketch/v1/videos/{job}/content")).status_code == 404


async def test_a_cancel_stops_the_job(client: httpx.AsyncClient) -> None:
    made = await client.post("/sketch/v1/videos", json={"prompt": "[[fault:stuck]]"})
    stopped = await client.post(f"/sketch/v1/videos/{made.json()['id']}/cancel")
    assert stopped.json()["status"] == "failed"


async def test_a_fault_passes_by_the_vendor_that_does_not_play_it(tmp_path: Path) -> None:
    other = replace(SKETCH, name="other", failures={}, faults=(), webhooks=None)
    server = EmulatorServer(options=Options(speed=6000, allow_prompt_faults=True), vendors=(other, SKETCH))
    url = await server.start(data_dir=tmp_path)
    async with httpx.AsyncClient(base_url=url, trust_env=False, verify=NO_TLS, headers=KEY, timeout=20) as client:
        refused = await client.post("/control/script", json={"fault": "retired", "vendor": "other"})
        assert (refused.status_code, "at other" in refused.json()["error"]) == (422, True)
        await client.post("/control/script", json={"fault": "webhook-never", "vendor": "sketch"})
        await client.post("/control/script", json={"fault": "retired"})
        body = {"prompt": "[[fault:fail-crash]]"}
        assert (await client.post("/other/v1/videos", json=body)).status_code == 201
        assert (await client.post("/sketch/v1/videos", json=body)).status_code == 410
        assert [job["failure"] for job in (await client.get("/control/jobs")).json()["jobs"]] == [""]
    await server.stop()


def test_every_vendor_in_the_folder_is_found() -> None:
    names = [vendor.name for vendor in discovered()]
    assert names == sorted(names)
    assert {"replicate", "runway"} <= set(names)


def test_vendors_that_do_not_fit_together() -> None:
    with pytest.raises(ValueError, match="sketch"):
        checked((SKETCH, SKETCH))
    with pytest.raises(ValueError, match="taken: files"):
        checked((replace(SKETCH, name="files"),))
    with pytest.raises(ValueError, match="fail-two words"):
        checked((replace(SKETCH, failures={"two words": ""}),))


def test_unsigned_and_single_webhooks_offer_less() -> None:
    assert SKETCH.webhooks is not None
    unsigned = replace(SKETCH, webhooks=replace(SKETCH.webhooks, sign=None))
    assert SKETCH.played().keys() - unsigned.played().keys() == {"webhook-bad-signature", "webhook-stale"}
    single = replace(SKETCH.webhooks, events={"completed": SKETCH.webhooks.events["completed"]})
    assert SKETCH.played().keys() - replace(SKETCH, webhooks=single).played().keys() == {"webhook-reordered"}
    assert not [name for name in replace(SKETCH, webhooks=None).played() if name.startswith("webhook-")]


async def test_unsigned_webhooks_are_repeated_as_the_vendor_does(start: Start, inbox: Inbox) -> None:
    assert SKETCH.webhooks is not None
    hooks = replace(SKETCH.webhooks, sign=None, pauses=(0.01,))
    server = await start(vendors=(replace(SKETCH, webhooks=hooks),), speed=6000)
    inbox.statuses = [500, 500]
    async with httpx.AsyncClient(base_url=server.base_url, trust_env=False, verify=NO_TLS, headers=KEY) as client:
        await client.post("/sketch/v1/videos", json={"prompt": "x", "callback": inbox.url})
        assert [body["status"] for body in await inbox.until(3)] == ["drawing", "drawing", "done"]
        assert not any(name.startswith("webhook") for _, headers, _ in inbox.mail for name in headers)
        reply = await until(
            lambda: client.get("/control/deliveries"),
            lambda reply: [row["state"] for row in reply.json()["deliveries"]] == ["failed", "delivered"],
        )
        assert [row["attempts"] for row in reply.json()["deliveries"]] == [2, 1]


def test_keys_are_read_where_the_vendor_wants_them() -> None:
    def request(name: str, value: str) -> Request:
        return Request({"type": "http", "headers": [(name.encode(), value.encode())]})

    assert scheme_key("Key")(request("authorization", "Key abc")) == "abc"
    assert scheme_key("Key")(request("authorization", "Bearer abc")) == ""
    assert header_key("x-goog-api-key")(request("x-goog-api-key", "abc")) == "abc"


FORMATS = [("gif", "GIF", 8, (128, 96)), ("webp", "WEBP", 1, (128, 96)), ("jpg", "JPEG", 1, (128, 96))]
JOB = Job(
    id="../odd id",
    vendor="v",
    model="m",
    credential="",
    created=0,
    prompt="p",
    input={},
    clip=Clip(seconds=1, width=128, height=96, fps=8),
    price_micros=0,
)


@pytest.mark.parametrize(("ending", "kind", "frames", "size"), FORMATS)
async def test_files_that_are_no_videos(tmp_path: Path, ending: str, kind: str, frames: int, size: Any) -> None:
    async with MediaPool() as pool:
        store = ClipStore(tmp_path / "clips", pool)
        data = await store.data(replace(JOB, clip=replace(JOB.clip, format=ending)))
        await store.close()
    with Image.open(io.BytesIO(data)) as image:
        assert (image.format, getattr(image, "n_frames", 1), image.size) == (kind, frames, size)
        assert kind != "GIF" or image.info["duration"] == 120  # of 125: a GIF counts in hundredths of a second


async def test_a_lying_mp4_inline_bytes_and_several_outputs(tmp_path: Path) -> None:
    async with MediaPool() as pool:
        store = ClipStore(tmp_path / "clips", pool)
        lying = await store.data(replace(JOB, id="lying", clip=replace(JOB.clip, played_fps=125)))
        uri = await store.data_uri(JOB)
        other = await store.data(JOB, 1)
        paths = [(await store.path(JOB, index))[0] for index in (0, 1)]
        store.forget(JOB)
        await store.close()
    assert (look(lying).frames, look(lying).fps, look(lying).seconds) == (8, 125.0, 0.064)
    first = base64.b64decode(uri.removeprefix("data:video/mp4;base64,"))
    assert look(first).seconds == look(other).seconds == 1.0
    assert first != other
    assert {path.parent for path in paths} == {tmp_path / "clips"}  # whatever the job's id says
    assert not any(path.exists() for path in paths)


async def test_keys_of_signatures_survive_and_verify(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
    from cryptography.hazmat.primitives.hashes import SHA256

    def plain(text: str) -> bytes:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

    async with MediaPool() as pool:
        world = World(tmp_path, Options(), pool, (SKETCH,))
        await world.load()
        seed = signing.ed25519_seed(world, "a")
        public = Ed25519PublicKey.from_public_bytes(plain(signing.ed25519_jwk(seed, "k")["x"]))
        public.verify(signing.ed25519_signature(seed, b"text"), b"text")
        assert signing.ed25519_seed(world, "a", forged=True) != seed
        key = await signing.rsa_key(world, "b")
        assert (await signing.rsa_key(world, "b")).private_numbers() == key.private_numbers()
        token, jwk = signing.rs256_token(key, "k", {"sub": "x"}), signing.rsa_jwk(key, "k")
        numbers = [int.from_bytes(plain(jwk[name]), "big") for name in ("e", "n")]
        text, _, signature = token.rpartition(".")
        RSAPublicNumbers(*numbers).public_key().verify(plain(signature), text.encode(), PKCS1v15(), SHA256())
        letter = Letter(job=JOB, event="e", webhook_id="i", timestamp=1, body=b"{}")
        honest = await signing.standard_webhooks("c")(world, letter)
        forged = await signing.standard_webhooks("c")(world, replace(letter, forged=True))
        assert honest["webhook-signature"] != forged["webhook-signature"]
        await world.close()


def test_violations_as_fastapi_tells_them() -> None:
    fields = {"seconds": Field(kind="integer", choices=(5, 10)), "images": Field(kind="array", shortest=2)}
    wrong = check({**fields, "prompt": Field(kind="string", required=True)}, {"seconds": 7, "images": ["x"]})
    told = fastapi_detail(wrong, ("body", "input"))
    assert [(each["type"], each["loc"][-1]) for each in told] == [
        ("literal_error", "seconds"),
        ("string_too_short", "images"),
        ("missing", "prompt"),
    ]
    assert [each["type"] for each in fastapi_detail(wrong, types=PYDANTIC_1)][2] == "value_error.missing"
    assert [each["type"] for each in fastapi_detail(check(fields, {"seconds": "5"}))] == ["int_type"]


def test_spellings() -> None:
    assert iso(0) == "1970-01-01T00:00:00.000Z"
    assert moment_of("1970-01-01T00:00:01Z") == moment_of("1970-01-01T00:00:01") == 1
    assert page([1, 2, 3], 2) == ([1, 2], True)
    assert page([1, 2, 3], 2, 1) == ([2, 3], False)
    assert [whole(text, 9, 1, 50) for text in (None, "5", "0", "x", "-1")] == [9, 5, None, None, None]
