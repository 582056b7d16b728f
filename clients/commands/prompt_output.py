"""Prompts, scripts and lineages on standard output."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from filmgate.v1 import prompt_pb2, quote_pb2, video_service_pb2
from rich.tree import Tree

from clients.commands import words
from clients.commands.output import console, print_table, print_warnings
from clients.commands.refusals import plain

_LONGEST = 160
"""Characters of a prompt inside a tree."""
Written = prompt_pb2.Prompt | prompt_pb2.Script


def print_prompt(prompt: prompt_pb2.Prompt) -> None:
    """A prompt, what it was read from, what has changed and why."""
    console.print(f"{_head(prompt)}, fitted to {plain(prompt.model)}")
    console.print(plain(prompt.prompt))
    if prompt.parameters.negative_prompt:
        console.print(f"[bold]not:[/] {plain(prompt.parameters.negative_prompt)}")
    if prompt.readings:
        print_table(("field", "value", "confidence", "from the words"), map(_reading, prompt.readings))
    for change in prompt.changes:
        console.print("\n".join(_change(change)))
    print_warnings(prompt.warnings)


def print_script(script: prompt_pb2.Script) -> None:
    """A script scene by scene."""
    made = f"{plain(script.product_name)}, {plain(script.style)}, {words.length(script.duration)}"
    console.print(f"{_head(script)}, fitted to {plain(script.model)}: {made}, {plain(script.aspect_ratio)}")
    print_table(("scene", "length", "what is seen", "narration"), map(_scene, script.scenes))
    print_warnings(script.warnings)


def print_lineage(creative: str, found: video_service_pb2.GetLineageResponse) -> None:
    """What led to what, as a tree: prompts with feedback and changes, the clips made from them, what each cost."""
    tree = Tree(f"[bold]{plain(creative)}[/]")
    _Lineage(found).grow(tree)
    console.print(tree)
    for entry in found.costs:
        stage = words.enum_word(quote_pb2.CostStage, entry.stage, "COST_STAGE_").lower()
        console.print(f"{stage}: {words.amount_text(entry.cost)}{_UNKNOWN if entry.cost_unknown else ''}")
    if found.next_page_token:
        console.print("There are older ones: see --limit.")


_UNKNOWN = " [yellow]and what nobody knows[/]"


class _Lineage:
    """Prompts and iterations by what they came from."""

    def __init__(self, found: video_service_pb2.GetLineageResponse) -> None:
        self._prompts = {prompt.id: prompt for prompt in found.prompts}
        self._iterations = sorted(found.iterations, key=lambda each: each.iteration)
        self._first = {each.job_id: each.iteration for each in reversed(self._iterations)}
        self._children: dict[object, list[prompt_pb2.Prompt | prompt_pb2.LineageIteration]] = defaultdict(list)
        for prompt in found.prompts:
            self._children[self._origin(prompt)].append(prompt)
        for each in self._iterations:
            self._children[each.prompt_id if each.prompt_id in self._prompts else None].append(each)

    def grow(self, tree: Tree, parent: object = None) -> None:
        """Hang everything that came from the parent under it, the oldest first."""
        for each in sorted(self._children.pop(parent, ()), key=lambda one: one.create_time.ToNanoseconds()):
            if isinstance(each, prompt_pb2.LineageIteration):
                self.grow(tree.add("\n".join(self._made(each))), each.iteration)
            else:
                self.grow(tree.add("\n".join(_asked(each))), each.id)

    def _origin(self, prompt: prompt_pb2.Prompt) -> object:
        """The iteration whose job it was made from, or else the prompt."""
        if prompt.kind != prompt_pb2.PROMPT_KIND_ENHANCE and prompt.job_id in self._first:
            return self._first[prompt.job_id]
        return prompt.parent_prompt_id if prompt.parent_prompt_id in self._prompts else None

    def _made(self, each: prompt_pb2.LineageIteration) -> Iterator[str]:
        cost = words.amount_text(each.cost) + (_UNKNOWN if each.cost_unknown else "")
        head = f"[bold]video {each.iteration:03d}[/] {words.colored(plain(each.state))} {plain(each.model)}, {cost}"
        yield f"{head} {plain(each.video_id or each.job_id)}"
        prompt = self._prompts.get(each.prompt_id)
        if prompt is None or each.prompt_final != prompt.prompt:
            yield plain(_short(each.prompt_final))


def _asked(prompt: prompt_pb2.Prompt) -> Iterator[str]:
    yield _head(prompt)
    if prompt.feedback:
        yield f"[italic]“{plain(_short(prompt.feedback))}”[/]"
    yield plain(_short(prompt.prompt))
    for change in prompt.changes:
        yield from _change(change)


def _head(made: Written) -> str:
    """Id, who wrote it, and what that has cost."""
    writer = plain(made.llm_model or words.enum_word(prompt_pb2.PromptSource, made.source, "PROMPT_SOURCE_").lower())
    mock = " [cyan]MOCK[/]" if made.mock else ""
    parts = [f"[bold]{plain(made.id)}[/] by {writer}{mock}"]
    if isinstance(made, prompt_pb2.Prompt) and made.iteration > 1:
        parts.append(f"version {made.iteration}")
    if made.input_tokens or made.output_tokens:
        parts.append(f"{made.input_tokens} tokens read, {made.output_tokens} written")
    if made.HasField("cost") and not made.cost_unknown:
        parts.append(f"cost {words.amount_text(made.cost)}")
    elif made.cost_unknown:
        parts.append("cost [yellow]unknown[/]")
    return ", ".join(parts)


def _reading(reading: prompt_pb2.PromptReading) -> tuple[str, ...]:
    said = ", ".join(f"“{plain(each.text)}”" for each in reading.words)
    guess = " [yellow]guessed[/]" if reading.confidence < 0.5 else ""
    return plain(reading.field), plain(reading.value), f"{reading.confidence:.0%}{guess}", said


def _change(change: prompt_pb2.PromptChange) -> Iterable[str]:
    """A difference as a diff, and why."""
    if change.before:
        yield f"[red]- {plain(change.field)}: {plain(change.before)}[/]"
    if change.after:
        yield f"[green]+ {plain(change.field)}: {plain(change.after)}[/]"
    yield f"[dim]  {plain(change.why)}[/]"


def _scene(scene: prompt_pb2.ScriptScene) -> tuple[str, ...]:
    image = " (from the product's image)" if scene.use_product_image else ""
    return (
        plain(scene.id),
        words.length(scene.duration),
        plain(scene.video_prompt or scene.text) + image,
        plain(scene.narration),
    )


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
