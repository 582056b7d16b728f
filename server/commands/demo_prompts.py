"""The demo's prompts: one that somebody typed, what was read from it, and what feedback made of it."""

from filmgate.v1 import prompt_pb2
from filmgate_client import FilmgateClient
from rich.console import Console

from clients.commands import prompt_output

CREATIVE = "demo-kite"
TYPED = "please make me a video of a red kite over a grey sea, five seconds, horizontal, no people"
FEEDBACK = "warmer light, slower, vertical"
MODEL = "replicate/kling-v2.5-turbo-pro"


def improve(client: FilmgateClient, console: Console) -> prompt_pb2.Prompt:
    """Read a text, make it better, and show both: by the rules, because the demo has no key of a language model."""
    console.print(f"\n[bold]Before:[/] {TYPED}")
    before = client.quantify_prompt(TYPED, creative_id=CREATIVE, model=MODEL)
    prompt_output.print_prompt(before)
    console.print(f"\n[bold]Feedback:[/] {FEEDBACK}")
    after = client.regenerate_prompt(FEEDBACK, prompt_id=before.id)
    prompt_output.print_prompt(after)
    console.print()
    return after


def history(client: FilmgateClient) -> None:
    """Show what led to the video that was made from it."""
    prompt_output.print_lineage(CREATIVE, client.lineage(CREATIVE))
