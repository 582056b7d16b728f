"""`generate`: ask for a video and follow it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from filmgate.v1 import media_pb2, video_service_pb2, webhook_pb2
from filmgate_client import FilmgateClient, GenerateFields, media
from filmgate_client.requests import generate_request, with_request_id

from clients.commands import connection, output
from clients.commands.refusals import plain
from clients.commands.watch import follow

WAIT = 24 * 3600.0
"""Seconds that `--json` waits for the end at most: longer than any job lives."""

_LOOK = "Look and sound"
_INPUT = "Inputs"
_MONEY = "Money and choice of model"


def _option(panel: str, text: str, *names: str) -> Any:
    return typer.Option(*names, help=text, rich_help_panel=panel, show_default=False)


def generate(
    context: typer.Context,
    prompt: Annotated[str, typer.Argument(help="What to show; may be left out with --prompt-id.")] = "",
    creative: Annotated[str, typer.Option(help="What the video is for; becomes part of its key.")] = "video",
    model: Annotated[str, _option(_MONEY, "Id, alias, or `auto`; the server's default if not given.")] = "",
    variations: Annotated[int, typer.Option(min=1, max=8, help="Clips of the same prompt.")] = 1,
    duration: Annotated[float | None, _option(_LOOK, "Seconds.")] = None,
    ratio: Annotated[str | None, _option(_LOOK, "`W:H`, such as `16:9`.")] = None,
    resolution: Annotated[str | None, _option(_LOOK, "Such as `720p`.")] = None,
    fps: Annotated[float | None, _option(_LOOK, "Frames per second.")] = None,
    seed: Annotated[int | None, _option(_LOOK, "Variation i uses seed + i.")] = None,
    negative_prompt: Annotated[str | None, _option(_LOOK, "What shall not be seen.")] = None,
    style: Annotated[str | None, _option(_LOOK, "Such as `luxury`; preferences, not rules.")] = None,
    motion: Annotated[str | None, _option(_LOOK, "low, medium or high.")] = None,
    quality: Annotated[str | None, _option(_LOOK, "draft, standard, high or premium.")] = None,
    audio: Annotated[bool | None, _option(_LOOK, "With or without sound.", "--audio/--no-audio")] = None,
    first_frame: Annotated[str | None, _option(_INPUT, "Image file, https address or asset id.")] = None,
    last_frame: Annotated[str | None, _option(_INPUT, "Image file, https address or asset id.")] = None,
    reference: Annotated[list[str] | None, _option(_INPUT, "`role=image`, repeatable; subject, character, …")] = None,
    source_video: Annotated[str | None, _option(_INPUT, "Video file, https address or asset id.")] = None,
    enhance: Annotated[bool, _option(_LOOK, "Rewrite the prompt first.", "--enhance")] = False,
    fallback: Annotated[list[str] | None, _option(_MONEY, "Model to try next, repeatable.")] = None,
    max_cost: Annotated[str | None, _option(_MONEY, "Refuse if it could cost more, in USD.")] = None,
    strategy: Annotated[str | None, _option(_MONEY, "For `auto`: cheapest, fastest or best.")] = None,
    option: Annotated[list[str] | None, _option(_MONEY, "Vendor option `name=value`, repeatable.")] = None,
    prompt_id: Annotated[str | None, _option(_LOOK, "The kept prompt it is made from, `prompt_…`.")] = None,
    substitute: Annotated[bool, _option(_LOOK, "Allow the nearest thing the model offers.", "--substitute")] = False,
    request_id: Annotated[str | None, typer.Option(help="To repeat a call safely.", show_default=False)] = None,
    label: Annotated[list[str] | None, typer.Option(help="`name=value`, repeatable.", show_default=False)] = None,
    webhook: Annotated[str | None, typer.Option(help="Where to send events.", show_default=False)] = None,
    validate_only: Annotated[bool, typer.Option("--validate-only", help="Only validate and quote.")] = False,
    detach: Annotated[bool, typer.Option("--detach", help="Print the job's id and leave.")] = False,
    as_json: connection.AsJson = False,
    target: connection.Target = connection.TARGET,
    tenant: connection.Tenant = connection.TENANT,
    api_key: connection.ApiKey = "",
    insecure: connection.Insecure = False,
) -> None:
    """Ask for a video and follow it until it ends."""
    # What describes the video reaches the request by name, through the context: see `fields_of`.
    with connection.connect(target, tenant, api_key, insecure) as client:
        fields = client.with_uploads(with_request_id(fields_of(context.params)))
        request = generate_request(tenant, prompt, creative, fields)
        if validate_only:
            _show_quote(client, request, as_json)
            return
        job = client.submit(request).job
        if detach or as_json:
            _show_accepted(client, job.id, detach, as_json)
        else:
            output.print_warnings(job.warnings)
            follow(client, job.id)


_SAME = (
    *("model", "variations", "duration", "resolution", "fps", "seed", "negative_prompt", "style", "motion", "quality"),
    *("audio", "max_cost", "strategy", "request_id", "validate_only", "prompt_id"),
)
_RENAMED = {
    "ratio": "aspect_ratio",
    "enhance": "enhance_prompt",
    "fallback": "fallback_models",
    "substitute": "allow_substitutions",
}
_MEDIA = ("first_frame", "last_frame", "source_video")


def fields_of(options: Mapping[str, Any]) -> GenerateFields:
    """The request's fields from the command's options. Raises ValueError for a malformed `name=value`."""
    given = {name: value for name, value in options.items() if value not in (None, [])}
    fields: dict[str, Any] = {name: given[name] for name in _SAME if name in given}
    fields |= {field: given[name] for name, field in _RENAMED.items() if name in given}
    fields |= {name: source(given[name]) for name in _MEDIA if name in given}
    fields["reference_images"] = [reference_image(text) for text in given.get("reference", ())]
    fields["labels"] = dict(pair(text) for text in given.get("label", ()))
    fields["vendor_options"] = {name: value_of(text) for name, text in map(pair, given.get("option", ()))}
    if "webhook" in given:
        fields["webhook"] = webhook_pb2.Webhook(url=given["webhook"])
    return cast(GenerateFields, fields)


def pair(text: str) -> tuple[str, str]:
    """`name=value` in two."""
    name, sign, value = text.partition("=")
    if not (name and sign):
        raise ValueError(f"{text!r} is not name=value")
    return name, value


def value_of(text: str) -> object:
    """A vendor option's value: JSON where it is (`5`, `true`), else the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def source(text: str) -> str | Path:
    """An address or asset id as it is; anything else is a file."""
    return text if text.startswith(("https://", "http://", "asset_")) else Path(text)


def reference_image(text: str) -> media_pb2.ReferenceImage:
    """`role=image`; the role is a word of the contract in any case."""
    role, image = pair(text)
    return media_pb2.ReferenceImage(media=media(source(image)), role=f"REFERENCE_ROLE_{role.upper()}")


def _show_quote(client: FilmgateClient, request: video_service_pb2.GenerateVideoRequest, as_json: bool) -> None:
    answer = client.submit(request)
    if as_json:
        output.print_json(answer)
        return
    output.console.print(f"Would be bought from {plain(answer.model)}. {plain(answer.model_reason)}")
    output.print_warnings(answer.warnings)
    output.print_quote(answer.quote)


def _show_accepted(client: FilmgateClient, job_id: str, detach: bool, as_json: bool) -> None:
    if not as_json:
        typer.echo(job_id)
        return
    job = client.get_job(job_id) if detach else client.wait_for(job_id, timeout=WAIT)
    output.print_json(job)
    output.exit_with(job)
