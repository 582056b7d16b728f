"""A row against its model's live input schema: the only alarm there is when a model at Replicate changes.

The schema is `latest_version.openapi_schema.components.schemas.Input` of `GET /v1/models/{owner}/{name}`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from core.outcome import Auth, Json, Request
from core.spec import ClipSpec, MediaInput, ModeName, Wish
from providers import durations
from providers.base import readable
from providers.model import Durations, LifecycleState, Mode, Option, Span, VideoModel
from providers.replicate import ReplicateProvider
from providers.replicate_models import NOT_OFFERED
from providers.resolve import resolve

_FILE = MediaInput(uri="https://example.com/file")
_INPUTS: Mapping[ModeName, ClipSpec] = {
    ModeName.TEXT: ClipSpec(prompt="x"),
    ModeName.IMAGE: ClipSpec(prompt="x", first_frame=_FILE),
    ModeName.REFERENCE: ClipSpec(prompt="x", references=(_FILE,)),
    ModeName.VIDEO: ClipSpec(prompt="x", source_video=_FILE),
}
_LISTED = ("duration", "aspect_ratio", "resolution", "fps", "size")
"""Words whose every value a row lists: one that only the model has is worth telling."""
_DEFAULTED = ("duration", "resolution", "fps", "motion", "audio")
"""Words whose untyped value is the model's own by our rows; an untyped ratio is 16:9 where offered, by our contract."""
_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "array": (list,),
}
_KINDS: Mapping[type, str] = {bool: "boolean", int: "integer", float: "number", str: "string"}


def question(row: VideoModel) -> Request:
    """The request whose answer `model_differences` reads."""
    return Request(method="GET", path=f"/v1/models/{row.wire_name}", auth=Auth())


def model_differences(row: VideoModel, document: Mapping[str, Json]) -> list[str]:
    """What differs between the row and the model as Replicate describes it now, in words; empty when nothing does."""
    latest = document.get("latest_version")
    version = latest if isinstance(latest, Mapping) else {}
    schemas: Json = version.get("openapi_schema")
    for name in ("components", "schemas"):
        schemas = schemas.get(name) if isinstance(schemas, Mapping) else None
    known: Mapping[str, Json] = schemas if isinstance(schemas, Mapping) else {}
    entry = known.get("Input")
    if not isinstance(entry, Mapping):
        return ["the model shows no input schema"]
    return differences(row, entry, known, version=readable(version.get("id")))


def differences(
    row: VideoModel, input_schema: Mapping[str, Json], schemas: Mapping[str, Json] | None = None, *, version: str = ""
) -> list[str]:
    """What differs between the row and its model's `Input` schema, in words; empty when nothing does.

    `schemas` holds the schemas beside `Input`, where its enumerations live. `version` is the id of the latest version.
    """
    if row.lifecycle.state is LifecycleState.RETIRED:
        return []
    raw = input_schema.get("properties")
    properties = {
        name: _resolved(each, schemas or {})
        for name, each in (raw.items() if isinstance(raw, Mapping) else ())
        if isinstance(each, Mapping)
    }
    comparison = _Comparison(row, properties)
    changed = row.wire_version and version != row.wire_version
    found = [f"the version is {version or 'unknown'}, not {row.wire_version}"] if changed else []
    return [
        *found,
        *comparison.sent(),
        *comparison.defaults(),
        *comparison.options(),
        *comparison.news(),
        *comparison.left_alone(),
        *comparison.required(input_schema),
    ]


class _Comparison:
    """One row against one set of resolved properties."""

    def __init__(self, row: VideoModel, properties: Mapping[str, Mapping[str, Json]]) -> None:
        self._row, self._properties = row, properties
        self._bodies = [_body(spec, row) for spec in _specs(row)]
        self._left = NOT_OFFERED.get(row.id, {})

    def sent(self) -> Iterator[str]:
        """Everything that is wrong with what we send."""
        listed = {self._row.wire[word] for word in _LISTED if word in self._row.wire}
        for name in dict.fromkeys(name for body in self._bodies for name in body):
            schema = self._properties.get(name)
            if schema is None:
                yield f"{name}: is sent, but the model does not know it"
                continue
            if schema.get("deprecated") is True:
                yield f"{name}: is sent, but the model calls it deprecated"
            values = list({repr(body[name]): body[name] for body in self._bodies if name in body}.values())
            yield from (f"{name}: {fault}" for value in values for fault in _faults(value, schema))
            if name in listed:
                yield from (f"{name}: {more}" for more in _more(values, schema, self._left.get(name, ())))
        yield from self._limits()

    def _limits(self) -> Iterator[str]:
        prompt = self._properties.get(self._row.wire.get("prompt", ""), {})
        longest = prompt.get("maxLength")
        if isinstance(longest, int) and longest < self._row.prompt_limit:
            yield f"prompt: at most {longest} characters, the row allows {self._row.prompt_limit}"
        most = self._properties.get(self._row.wire.get("reference_images", ""), {}).get("maxItems")
        if isinstance(most, int) and most != self._row.references:
            yield f"{self._row.wire['reference_images']}: at most {most}, the row allows {self._row.references}"

    def defaults(self) -> Iterator[str]:
        """Inputs of which the model itself would take another value than we send when nothing is typed."""
        untyped = _body(_untyped(self._row), self._row)
        words = [self._row.wire[word] for word in _DEFAULTED if word in self._row.wire]
        for name in dict.fromkeys(words):
            theirs = self._properties.get(name, {}).get("default")
            known = name not in untyped or theirs is None or theirs in self._left.get(name, ())
            if not known and theirs != untyped[name]:
                yield f"{name}: the model's default is {_spoken([theirs])}, the row's {_spoken([untyped[name]])}"

    def options(self) -> Iterator[str]:
        """Everything that is wrong with the options the row passes through."""
        for name, option in self._row.options.items():
            schema = self._properties.get(name)
            if schema is None:
                yield f"{name}: is an option of the row, but the model does not know it"
            else:
                yield from (f"{name}: {fault}" for fault in _option_faults(option, schema))

    def news(self) -> Iterator[str]:
        """Inputs of the model that the row does not know."""
        known = {name for body in self._bodies for name in body} | set(self._row.wire.values()) | set(self._row.options)
        left = {name for name, values in self._left.items() if not values}
        for name, schema in self._properties.items():
            if name not in known | left and not schema.get("deprecated"):
                yield f"{readable(name)}: the model takes it, the row does not know it"

    def left_alone(self) -> Iterator[str]:
        """Inputs that the row knowingly leaves alone and the model has no more."""
        for name in self._left:
            if name not in self._properties:
                yield f"{name}: is left alone by the row, and the model does not know it any more"

    def required(self, input_schema: Mapping[str, Json]) -> Iterator[str]:
        """Inputs the model requires and we do not always send."""
        for name in _listed(input_schema.get("required")):
            if isinstance(name, str) and any(name not in body for body in self._bodies):
                yield f"{readable(name)}: is required, but not always sent"


def _body(spec: ClipSpec, row: VideoModel) -> Mapping[str, Json]:
    body: Mapping[str, Json] = ReplicateProvider().submit(spec, row, None).json["input"]
    return body


def _specs(row: VideoModel) -> Iterator[ClipSpec]:
    """One spec for each mode, size and length, and a few that between them type everything else."""
    for name, mode in row.modes.items():
        for ratio, resolution in mode.sizes:
            for seconds in _lengths(mode.durations_of(resolution)):
                yield replace(
                    _bare(row, name, mode), aspect_ratio=_typed(mode, ratio), resolution=resolution, duration=seconds
                )
        bare = _bare(row, name, mode)
        yield from (replace(bare, fps=fps) for fps in row.fps_choices)
        yield from (replace(bare, motion=motion) for motion in row.motions)
        if "audio" in row.wire:
            yield replace(bare, audio=not row.has_audio)
        if name is ModeName.IMAGE and "last_frame" in row.wire:
            yield replace(bare, last_frame=_FILE)
        yield replace(bare, seed=1, negative_prompt="x")


def _untyped(row: VideoModel) -> ClipSpec:
    """What is bought when nothing but the inputs is typed."""
    given = _INPUTS[next(iter(row.modes))]
    wish = Wish(
        prompt=given.prompt,
        first_frame=given.first_frame,
        references=given.references,
        source_video=given.source_video,
    )
    return resolve(wish, row).spec


def _bare(row: VideoModel, name: ModeName, mode: Mode) -> ClipSpec:
    ratio, resolution = next(iter(mode.sizes))
    seconds = durations.shortest(mode.durations_of(resolution))
    audio = row.has_audio if "audio" in row.wire else None
    spec = replace(_INPUTS[name], resolution=resolution, duration=seconds, audio=audio)
    return replace(spec, aspect_ratio=_typed(mode, ratio))


def _typed(mode: Mode, ratio: str) -> str | None:
    return None if mode.ratio_from_image else ratio


def _lengths(offered: Durations) -> Sequence[float]:
    if not isinstance(offered, Span):
        return durations.some(offered)
    steps = round((durations.longest(offered) - offered.low) / offered.step)
    return [offered.low + step * offered.step for step in range(steps + 1)]


def _resolved(schema: Mapping[str, Json], schemas: Mapping[str, Json]) -> Mapping[str, Json]:
    """The property with its `$ref` (alone, or in `allOf` and `anyOf`) followed once, and one `type` or none."""
    parts = [schema, *(each for key in ("allOf", "anyOf") for each in _listed(schema.get(key)))]
    members = [each for each in parts if isinstance(each, Mapping)]
    targets = [schemas.get(str(each["$ref"]).rpartition("/")[2]) for each in members if "$ref" in each]
    followed = [each for each in targets if isinstance(each, Mapping)]
    plain = [each for each in members[1:] if each.get("type") != "null"]
    found = {key: value for each in (*followed, *plain, schema) for key, value in each.items()}
    kinds = [kind for kind in (found.get("type"), *_listed(found.get("type"))) if isinstance(kind, str)]
    return found | {"type": next((kind for kind in kinds if kind != "null"), "")}


def _listed(value: Json) -> Sequence[Json]:
    return value if isinstance(value, list) else ()


def _faults(value: Json, schema: Mapping[str, Json]) -> Iterator[str]:
    """Why the model would refuse a value."""
    kind = schema["type"]
    if kind in _TYPES and (not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "boolean")):
        yield f"we send {value!r}, the model wants a value of type {kind}"
        return
    choices = schema.get("enum")
    if isinstance(choices, list) and value not in choices:
        yield f"we may send {value!r}, the model takes {_spoken(choices)}"
    if isinstance(value, int | float) and not isinstance(value, bool):
        low, high = schema.get("minimum"), schema.get("maximum")
        if (isinstance(low, int | float) and value < low) or (isinstance(high, int | float) and value > high):
            yield f"we may send {value:g}, the model takes {low} to {high}"


def _more(values: Sequence[Json], schema: Mapping[str, Json], left: Sequence[Json]) -> Iterator[str]:
    """What the model takes and the row does not offer."""
    choices = schema.get("enum")
    unknown = [each for each in choices if each not in (*values, *left)] if isinstance(choices, list) else []
    if unknown:
        yield f"the model also takes {_spoken(unknown)}"
    numbers = [value for value in values if isinstance(value, int | float)]
    for name, edge in (("minimum", min(numbers, default=0)), ("maximum", max(numbers, default=0))):
        limit = schema.get(name)
        if numbers and isinstance(limit, int | float) and limit != edge and limit not in left:
            yield f"the model's {name} is {limit:g}, the row's {edge:g}"


def _option_faults(option: Option, schema: Mapping[str, Json]) -> Iterator[str]:
    kind = schema["type"]
    if kind in _TYPES and _KINDS.get(option.kind) not in (kind, None):
        yield f"is an option of type {_KINDS[option.kind]}, the model wants {kind}"
    choices = schema.get("enum")
    if isinstance(choices, list) and set(map(str, choices)) != set(map(str, option.choices)):
        yield f"the row's choices are {_spoken(option.choices)}, the model's {_spoken(choices)}"
    for name, ours in (("minimum", option.low), ("maximum", option.high)):
        limit = schema.get(name)
        if isinstance(limit, int | float) and limit != ours:
            yield f"the model's {name} is {limit:g}, the row's {ours}"


def _spoken(values: Sequence[Json]) -> str:
    return ", ".join(readable(str(value)) for value in values) or "none"
