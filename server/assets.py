"""The rpcs about uploaded files: read, ask the jobs room, answer."""

import asyncio
import re
from collections.abc import AsyncIterator

from filmgate.v1 import video_service_pb2 as pb

from jobs.assets import Assets
from jobs.orders import Page
from jobs.uploads import IDLE_SECONDS, Declared, check_declared, refuse
from server import convert, queries
from server.checks import Findings
from server.convert import Presigner
from server.pages import PageTokens

LARGEST_CHUNK = 1024 * 1024
LONGEST_FILENAME = 255
_SHA256 = re.compile(r"[0-9a-f]{64}")


class AssetAnswers:
    """UploadAsset, GetAsset, ListAssets and DeleteAsset."""

    def __init__(self, assets: Assets, presigner: Presigner, pages: PageTokens) -> None:
        self._assets = assets
        self._presigner = presigner
        self._pages = pages

    async def upload(self, messages: AsyncIterator[pb.UploadAssetRequest]) -> pb.UploadAssetResponse:
        """Take a file."""
        declared = metadata(await _first(messages))
        return pb.UploadAssetResponse(asset=convert.asset(await self._assets.upload(declared, _chunks(messages))))

    async def get(self, request: pb.GetAssetRequest) -> pb.GetAssetResponse:
        """Read an asset, with a fresh address where one is asked for."""
        tenant, asset_id, ttl = queries.get_asset(request)
        row = await self._assets.get(asset_id, tenant)
        message = convert.asset(row)
        if ttl is not None:
            await self._presigner.address(message, row, ttl)
        return pb.GetAssetResponse(asset=message)

    async def page(self, request: pb.ListAssetsRequest) -> pb.ListAssetsResponse:
        """Read a page of assets."""
        wanted = queries.list_assets(request)
        page = Page(size=wanted.size + 1, before=self._pages.read(wanted.fingerprint, wanted.token))
        rows = await self._assets.listed(wanted.tenant, wanted.kind, page)
        shown = rows[: wanted.size]
        token = self._pages.make(wanted.fingerprint, shown[-1].id) if len(rows) > wanted.size else ""
        return pb.ListAssetsResponse(assets=[convert.asset(row) for row in shown], next_page_token=token)

    async def delete(self, request: pb.DeleteAssetRequest) -> pb.DeleteAssetResponse:
        """Remove an asset."""
        tenant, asset_id = queries.delete_asset(request)
        await self._assets.delete(asset_id, tenant)
        return pb.DeleteAssetResponse()


_METADATA_FIRST = "is required: the first message carries it, and it alone"


async def _first(messages: AsyncIterator[pb.UploadAssetRequest]) -> pb.UploadAssetRequest:
    try:
        async with asyncio.timeout(IDLE_SECONDS):
            return await anext(messages)
    except (StopAsyncIteration, TimeoutError):
        refuse("metadata", _METADATA_FIRST)


def metadata(first: pb.UploadAssetRequest) -> Declared:
    """What the first message says of the file. Raises InvalidRequest with everything that is wrong with it."""
    if first.WhichOneof("content") != "metadata":
        refuse("metadata", _METADATA_FIRST)
    said = first.metadata
    findings = Findings()
    part = findings.under("metadata")
    tenant = part.tenant(said.tenant_name)
    if len(said.filename) > LONGEST_FILENAME or not said.filename.isprintable() or "/" in said.filename:
        part.add("filename", f"must be at most {LONGEST_FILENAME} printable characters without `/`")
    if said.size < 0:
        part.add("size", "may not be negative; 0 means that it is not known")
    if said.sha256 and not _SHA256.fullmatch(said.sha256):
        part.add("sha256", "must be 64 lower-case hex digits")
    declared = Declared(
        tenant=tenant, filename=said.filename, mime_type=said.mime_type, size=max(0, said.size), sha256=said.sha256
    )
    findings.merge(check_declared(declared))
    findings.raise_if_any()
    return declared


async def _chunks(messages: AsyncIterator[pb.UploadAssetRequest]) -> AsyncIterator[bytes]:
    async for message in messages:
        kind = message.WhichOneof("content")
        if kind == "metadata":
            refuse("metadata", "may come once only, in the first message")
        if kind is None or not 1 <= len(message.chunk) <= LARGEST_CHUNK:
            refuse("chunk", "must be 1 byte to 1 MiB")
        yield message.chunk
