"""How the emulated Videos API reads and refuses what it is sent; like the real one it names one fault at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.outcome import Json
from emulators.forms import Part
from emulators.images import from_data_uri, read_head
from emulators.vendors.openai_compatible_models import SECONDS, SORA_MODELS

LONGEST_PROMPT = 32_000
MEMBERS = frozenset({"prompt", "model", "seconds", "size", "input_reference", "characters"})
IMAGE_TYPES = ("image/jpeg", "image/png", "image/webp")
KINDS: Mapping[type, str] = {
    bool: "a boolean",
    int: "an integer",
    float: "a decimal",
    str: "a string",
    list: "an array",
    dict: "an object",
}
MISFIT = "Inpaint image must match the requested width and height"


@dataclass(frozen=True, kw_only=True, slots=True)
class Wrong:
    """Why a request is refused."""

    message: str
    param: str | None = None
    code: str | None = None
    status: int = 400

    @property
    def body(self) -> dict[str, Json]:
        """As the API tells it."""
        return told(self.message, param=self.param, code=self.code)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What a form or a JSON body asks for, as it came."""

    values: Mapping[str, Json]
    image: Part | None = None
    from_form: bool = False


def told(
    message: str, kind: str = "invalid_request_error", param: str | None = None, code: str | None = None
) -> dict[str, Json]:
    """An error of OpenAI's shape."""
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def read(form: Mapping[str, Part] | None, document: Mapping[str, Json] | None) -> Wish | None:
    """The wish of a body in either of its two forms; None when it is neither."""
    if form is None:
        return None if document is None else Wish(values=document)
    values: dict[str, Json] = {
        part.name.partition("[")[0]: part.data.decode("utf-8", "replace")
        for part in form.values()
        if part.filename is None
    }
    image = form.get("input_reference")
    return Wish(
        values=values, image=image if image is not None and image.filename is not None else None, from_form=True
    )


def fault(wish: Wish) -> Wrong | None:
    """The first thing that is wrong with a wish; its `size` and `model` may be left out."""
    values = wish.values
    for name in values:
        if name not in MEMBERS:
            return Wrong(message=f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")
    return (
        _prompt(values.get("prompt"))
        or _model(values.get("model", "sora-2"))
        or _choice("seconds", values.get("seconds", SECONDS[0]), SECONDS)
        or _size(values.get("model", "sora-2"), values.get("size", "720x1280"))
        or _reference(wish)
        or _characters(values.get("characters"), from_form=wish.from_form)
    )


def _prompt(prompt: Json) -> Wrong | None:
    if prompt is None:
        message = "Missing required parameter: 'prompt'."
        return Wrong(message=message, param="prompt", code="missing_required_parameter")
    if not isinstance(prompt, str):
        return _mistyped("prompt", "a string", prompt)
    if not prompt:
        message = "Invalid 'prompt': empty string. Expected a string with minimum length 1."
        return Wrong(message=message, param="prompt", code="empty_string")
    if len(prompt) > LONGEST_PROMPT:
        message = f"Invalid 'prompt': string too long. Expected a string with maximum length {LONGEST_PROMPT}."
        return Wrong(message=message, param="prompt", code="string_above_max_length")
    return None


def _model(model: Json) -> Wrong | None:
    if not isinstance(model, str):
        return _mistyped("model", "a string", model)
    if model in SORA_MODELS:
        return None
    # The wording of OpenAI's other APIs, where it is a 404 too.
    message = f"The model '{model}' does not exist or you do not have access to it."
    return Wrong(message=message, code="model_not_found", status=404)


def _choice(name: str, value: Json, choices: Sequence[str]) -> Wrong | None:
    if not isinstance(value, str):
        return _mistyped(name, f"one of {_listed(choices, 'or')}", value)
    if value in choices:
        return None
    message = f"Invalid value: '{value}'. Supported values are: {_listed(choices, 'and')}."
    return Wrong(message=message, param=name, code="invalid_value")


def _listed(choices: Sequence[str], joint: str) -> str:
    *others, last = (f"'{choice}'" for choice in choices)
    return f"{', '.join(others)}, {joint} {last}"


def _size(model: str, size: Json) -> Wrong | None:
    every = sorted({name for each in SORA_MODELS.values() for name in each.prices})
    wrong = _choice("size", size, every)
    if wrong is None and size not in SORA_MODELS[model].prices:
        # By another account it is accepted, and the job fails.
        return Wrong(message="Model does not support this size", param="size", code="invalid_value")
    return wrong


def _reference(wish: Wish) -> Wrong | None:
    """A file, or in JSON `{"image_url"}` or `{"file_id"}`; what can be seen of it has the clip's very size."""
    given = wish.values.get("input_reference")
    if wish.image is not None:
        return _image(wish.image.data, str(wish.values.get("size", "720x1280")), wish.image.content_type)
    if given is None:
        return None
    if not isinstance(given, dict):
        return _mistyped("input_reference", "a file", given)
    if (isinstance(given.get("image_url"), str)) == (isinstance(given.get("file_id"), str)):
        message = "Provide exactly one of 'input_reference.image_url' and 'input_reference.file_id'."
        return Wrong(message=message, param="input_reference")
    data = from_data_uri(given.get("image_url") or "")
    return None if data is None else _image(data, str(wish.values.get("size", "720x1280")))


def _image(data: bytes, size: str, kind: str = "") -> Wrong | None:
    head = read_head(data)
    if head is None or (kind and kind not in IMAGE_TYPES):
        supported = "', '".join(IMAGE_TYPES)
        message = f"Invalid file 'input_reference': unsupported mimetype ('{kind}'). Supported are '{supported}'."
        return Wrong(message=message, param="input_reference", code="unsupported_file_mimetype")
    return None if f"{head.width}x{head.height}" == size else Wrong(message=MISFIT)


def _characters(characters: Json, *, from_form: bool) -> Wrong | None:
    if characters is None or from_form:
        return None
    named = isinstance(characters, list) and all(
        isinstance(each, dict) and isinstance(each.get("id"), str) for each in characters
    )
    if not named or len(characters) > 2:
        message = "Invalid 'characters': expected an array of at most 2 objects with an id."
        return Wrong(message=message, param="characters", code="invalid_type")
    return None


def _mistyped(name: str, wanted: str, value: Json) -> Wrong:
    message = f"Invalid type for '{name}': expected {wanted}, but got {KINDS.get(type(value), 'null')} instead."
    return Wrong(message=message, param=name, code="invalid_type")
