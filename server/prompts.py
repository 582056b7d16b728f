"""The rpcs of `filmgate.v1.PromptService`: read, ask the jobs room, answer."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import grpc
from filmgate.v1 import prompt_service_pb2 as pb
from filmgate.v1 import prompt_service_pb2_grpc

from core.errors import InvalidRequest, NotFound, Precondition, Violation
from core.spec import Wish
from jobs.life import Jobs
from jobs.orders import Order
from jobs.previous import Previous
from jobs.prompting import PromptOrder
from jobs.requests import RequestKey
from prompts import scripts
from prompts.rules import read
from prompts.words import Brief, Draft, Target
from server import prompt_convert as convert
from server import prompt_validation as validation
from server.checks import Refusals
from server.prompt_models import Models, wish_of
from server.prompt_validation import Caller

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"  # generic in the stubs only


class PromptService(prompt_service_pb2_grpc.PromptServiceServicer):
    """One instance per server."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._prompting = jobs.prompting
        self._models = Models(jobs)

    async def QuantifyPrompt(  # noqa: N802 - the contract's name
        self, request: pb.QuantifyPromptRequest, context: Context
    ) -> pb.QuantifyPromptResponse:
        """Read a text."""
        asked = validation.quantify(request)
        key = _key("QuantifyPrompt", asked.caller)
        earlier = await self._admit(key, context)
        if earlier:
            return pb.QuantifyPromptResponse(prompt=convert.prompt(await self._prompting.prompt(earlier)))
        refusals = Refusals(asked.findings)
        wanted = Wish(prompt="-")
        if self._models.is_auto(asked.caller.model):
            wanted = _wish(await asyncio.to_thread(read, asked.text))  # a dense text takes a tenth of a second
        target = self._target(asked, asked.caller.model, wanted, refusals)
        refusals.raise_if_any()
        view = await self._prompting.quantify(_order(asked.caller, target), asked.text, key)
        return pb.QuantifyPromptResponse(prompt=convert.prompt(view))

    async def RegeneratePrompt(  # noqa: N802 - the contract's name
        self, request: pb.RegeneratePromptRequest, context: Context
    ) -> pb.RegeneratePromptResponse:
        """Make a prompt better."""
        asked = validation.regenerate(request)
        key = _key("RegeneratePrompt", asked.caller)
        earlier = await self._admit(key, context)
        if earlier:
            return pb.RegeneratePromptResponse(prompt=convert.prompt(await self._prompting.prompt(earlier)))
        refusals = Refusals(asked.findings)
        previous = await self._previous(asked, refusals)
        target = self._target(asked, asked.caller.model or previous.model, _wish(previous.draft), refusals)
        refusals.raise_if_any()
        caller = replace(asked.caller, creative_id=asked.caller.creative_id or previous.creative_id)
        view = await self._prompting.regenerate(_order(caller, target), previous, asked.feedback, key)
        return pb.RegeneratePromptResponse(prompt=convert.prompt(view))

    async def WriteScript(  # noqa: N802 - the contract's name
        self, request: pb.WriteScriptRequest, context: Context
    ) -> pb.WriteScriptResponse:
        """Tell a product."""
        asked = validation.write(request)
        key = _key("WriteScript", asked.caller)
        earlier = await self._admit(key, context)
        if earlier:
            return pb.WriteScriptResponse(script=convert.script(await self._prompting.script(earlier)))
        refusals = Refusals(asked.findings)
        await self._look(asked)
        wanted = wish_of(None, asked.aspect_ratio, asked.product_image)
        target = self._target(asked, asked.caller.model, wanted, refusals)
        brief = _brief(asked, has_image=request.HasField("product_image"))
        asked.findings.merge(_faults(brief, target))
        refusals.raise_if_any()
        view = await self._prompting.write_script(_order(asked.caller, target), brief, key)
        return pb.WriteScriptResponse(script=convert.script(view))

    async def _admit(self, key: RequestKey, context: Context) -> str:
        """Let the call in, as one that writes and may spend; what an equal request before it has made, or nothing.

        It holds no place while a language model thinks. Raises Exhausted, Unavailable and Conflict.
        """
        async with self._jobs.admission.accepting(key.tenant, left=context.time_remaining()) as entry:
            if not (key.tenant and key.request_id):
                return ""
            earlier = await self._jobs.repeated(key.tenant, key.rpc, key.request_id, key.hash)
            if earlier:
                entry.give_back()
            return earlier[0] if earlier else ""

    def _target(self, asked: validation.Asked, name: str, wanted: Wish, refusals: Refusals) -> Target:
        try:
            return self._models.target(name, wanted)
        except (NotFound, Precondition) as error:
            refusals.add(asked.findings, "model", error)
            return _NO_TARGET

    async def _previous(self, asked: validation.Regenerate, refusals: Refusals) -> Previous:
        """What it starts from; of another tenant it is as unknown as one that never was."""
        ids = {"prompt_id": asked.prompt_id, "job_id": asked.job_id}
        try:
            if asked.caller.tenant and (asked.text or any(ids.values())):
                return await self._prompting.previous(asked.caller.tenant, text=asked.text, **ids)
        except NotFound as error:
            refusals.add(asked.findings, "prompt_id" if asked.prompt_id else "job_id", error)
        return Previous(draft=Draft(prompt=""), text="")

    async def _look(self, asked: validation.Write) -> None:
        """What the checks of a video's first frame say of the product's image."""
        wish = Wish(prompt="", first_frame=asked.product_image)
        order = Order(tenant=asked.caller.tenant, creative_id="", model="", wish=wish)
        _, found = await self._jobs.assets.resolve(order)
        found = [*found, *await self._jobs.check_urls(order), *await self._jobs.check_media(order)]
        named = (replace(each, field=each.field.replace("first_frame", "product_image", 1)) for each in found)
        asked.findings.merge(named)


_NO_TARGET = Target(model="", family="", vendor="", prompt_limit=8000)
"""In place of a model that was not found: whatever else is wrong is found all the same."""


def _key(rpc: str, caller: Caller) -> RequestKey:
    return RequestKey(tenant=caller.tenant, rpc=rpc, request_id=caller.request_id, hash=caller.request_hash)


def _order(caller: Caller, target: Target) -> PromptOrder:
    return PromptOrder(tenant=caller.tenant, creative_id=caller.creative_id, target=target, max_cost=caller.max_cost)


def _wish(draft: Draft) -> Wish:
    return wish_of(draft.duration, draft.aspect_ratio)


def _faults(brief: Brief, target: Target) -> Sequence[Violation]:
    """Whatever the rules would refuse in a brief."""
    try:
        scripts.write(brief, target)
    except InvalidRequest as error:
        return error.violations
    return ()


def _brief(asked: validation.Write, *, has_image: bool) -> Brief:
    return Brief(
        product_name=asked.product_name,
        style=asked.style,
        cta_text=asked.cta_text,
        has_image=has_image,
        about=asked.brief,
        duration=asked.duration,
        scenes=asked.scenes,
        aspect_ratio=asked.aspect_ratio,
    )
