"""`prompt quantify`, `prompt regenerate`, `prompt script`."""

import sys
from typing import Annotated, Any

import typer
from filmgate.v1 import prompt_pb2
from filmgate_client import FilmgateClient

from clients.commands import connection, output, prompt_output
from clients.commands.generate import source
from clients.commands.watch import follow

app = typer.Typer(help="Better prompts: read a text, rewrite it after feedback, write a script.", no_args_is_help=True)
Creative = Annotated[str, typer.Option(help="What it is for; `lineage` shows it there.", show_default=False)]
Model = Annotated[str, typer.Option(help="What it is fitted to: id, alias, or `auto`.", show_default=False)]
MaxCost = Annotated[
    str | None, typer.Option(help="Refuse if it could cost more, in USD; 0: rules only.", show_default=False)
]
RequestId = Annotated[str, typer.Option(help="To repeat a call safely.", show_default=False)]


@app.command("quantify")
def quantify(
    text: Annotated[str, typer.Argument(help="What the video shall show, in your own words; `-` reads it from stdin.")],
    creative: Creative = "",
    model: Model = "",
    max_cost: MaxCost = None,
    request_id: RequestId = "",
    as_json: connection.AsJson = False,
    target: connection.Target = connection.TARGET,
    tenant: connection.Tenant = connection.TENANT,
    api_key: connection.ApiKey = "",
    insecure: connection.Insecure = False,
) -> None:
    """Read a free text: what to send to which model, and which words say so."""
    asked = _asked(creative, model, max_cost, request_id)
    with connection.connect(target, tenant, api_key, insecure) as client:
        prompt = client.quantify_prompt(_read(text), **asked)
    (output.print_json if as_json else prompt_output.print_prompt)(prompt)


@app.command("regenerate")
def regenerate(
    previous: Annotated[str, typer.Argument(help="`prompt_…` or `job_…`; none with --text.", show_default=False)] = "",
    text: Annotated[str, typer.Option(help="A prompt to start from; `-` reads stdin.", show_default=False)] = "",
    feedback: Annotated[str, typer.Option(help="What shall be different.")] = "",
    generate: Annotated[bool, typer.Option("--generate", help="Make the video, and follow it.")] = False,
    creative: Creative = "",
    model: Model = "",
    max_cost: MaxCost = None,
    request_id: RequestId = "",
    as_json: connection.AsJson = False,
    target: connection.Target = connection.TARGET,
    tenant: connection.Tenant = connection.TENANT,
    api_key: connection.ApiKey = "",
    insecure: connection.Insecure = False,
) -> None:
    """Make a better prompt from an earlier one, or a job's, and what was said about it."""
    asked = _asked(creative, model, max_cost, request_id) | _from(previous, text)
    with connection.connect(target, tenant, api_key, insecure) as client:
        prompt = client.regenerate_prompt(feedback, **asked)
        (output.print_json if as_json else prompt_output.print_prompt)(prompt)
        if generate:
            _generate(client, prompt, as_json)


@app.command("script")
def script(
    product: Annotated[str, typer.Option(help="Its name.")],
    style: Annotated[str, typer.Option(help="luxury, energetic, minimal, bold, or the operator's own.")],
    cta: Annotated[str, typer.Option(help="The call to action.")],
    brief: Annotated[str, typer.Option(help="What the product is or does; `-` reads stdin.", show_default=False)] = "",
    image: Annotated[
        str | None, typer.Option(help="Of the product: image file, https address or asset id.", show_default=False)
    ] = None,
    duration: Annotated[float | None, typer.Option(help="Seconds of all scenes.", show_default=False)] = None,
    scenes: Annotated[int | None, typer.Option(help="Clips, the card not counted.", show_default=False)] = None,
    ratio: Annotated[str | None, typer.Option(help="`W:H`, such as `9:16`.", show_default=False)] = None,
    creative: Creative = "",
    model: Model = "",
    max_cost: MaxCost = None,
    request_id: RequestId = "",
    as_json: connection.AsJson = False,
    target: connection.Target = connection.TARGET,
    tenant: connection.Tenant = connection.TENANT,
    api_key: connection.ApiKey = "",
    insecure: connection.Insecure = False,
) -> None:
    """Tell a product in scenes: clips with narration, and a card with the call to action."""
    fields = _asked(creative, model, max_cost, request_id) | {"duration": duration, "scenes": scenes}
    fields |= {"aspect_ratio": ratio, "brief": _read(brief), "product_image": source(image) if image else None}
    with connection.connect(target, tenant, api_key, insecure) as client:
        written = client.write_script(product, style=style, cta_text=cta, **fields)
    (output.print_json if as_json else prompt_output.print_script)(written)


def lineage(
    creative: Annotated[str, typer.Argument(help="What the videos are for.")],
    limit: Annotated[int, typer.Option(min=1, help="Most iterations to show.")] = 50,
    as_json: connection.AsJson = False,
    target: connection.Target = connection.TARGET,
    tenant: connection.Tenant = connection.TENANT,
    api_key: connection.ApiKey = "",
    insecure: connection.Insecure = False,
) -> None:
    """How a creative's videos came about: prompt, feedback, what has changed, video and cost, step by step."""
    with connection.connect(target, tenant, api_key, insecure) as client:
        found = client.lineage(creative, limit=limit)
    if as_json:
        output.print_json(found)
    else:
        prompt_output.print_lineage(creative, found)


def _asked(creative: str, model: str, max_cost: str | None, request_id: str) -> Any:
    """What all of them may say, by the client's names."""
    given = {"creative_id": creative, "model": model, "max_cost": max_cost, "request_id": request_id}
    return {name: value for name, value in given.items() if value}


def _from(previous: str, text: str) -> dict[str, str]:
    if bool(previous) == bool(text):
        raise typer.BadParameter("give a prompt's or a job's id, or --text")
    if text:
        return {"text": _read(text)}
    return {"job_id" if previous.startswith("job_") else "prompt_id": previous}


def _read(text: str) -> str:
    """The text, or with `-` what stands on standard input."""
    return sys.stdin.read() if text == "-" else text


def _generate(client: FilmgateClient, prompt: prompt_pb2.Prompt, as_json: bool) -> None:
    creative = prompt.creative_id or "video"
    job = client.generate("", creative_id=creative, model=prompt.model, prompt_id=prompt.id)
    if as_json:
        output.print_json(job)
        return
    output.print_warnings(job.warnings)
    follow(client, job.id)
