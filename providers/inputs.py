"""The files of a wish checked against a row: inputs are never substituted."""

from collections.abc import Iterator

from core.errors import Reason, Violation
from core.spec import MediaInput, Wish
from providers.model import VideoModel
from providers.wire import data_uri_length


def violations(wish: Wish, model: VideoModel) -> Iterator[Violation]:
    """Everything wrong with the first and last frame, the reference images and the source video."""
    if wish.first_frame is None:
        if model.text is None and model.image is not None:
            yield Violation(field="first_frame", message=f"{model.id} works from an image only: give a first frame")
    elif model.image is None:
        yield _unsupported("first_frame", f"{model.id} works from text only: leave the first frame out")
    else:
        yield from _media("first_frame", wish.first_frame, model)
    if wish.last_frame is not None:
        yield from _last_frame(wish, wish.last_frame, model)
    if wish.references:
        yield _unsupported("reference_images", f"{model.id} takes no reference images")
    if wish.source_video is not None:
        yield _unsupported("source_video", f"{model.id} takes no source video")


def _last_frame(wish: Wish, last_frame: MediaInput, model: VideoModel) -> Iterator[Violation]:
    if "last_frame" not in model.wire:
        yield _unsupported("last_frame", f"{model.id} takes no last frame")
        return
    if wish.first_frame is None:
        yield Violation(field="last_frame", message="a last frame needs a first frame")
    yield from _media("last_frame", last_frame, model)


def _media(field: str, media: MediaInput, model: VideoModel) -> Iterator[Violation]:
    if bool(media.uri) == bool(media.data):
        yield Violation(field=field, message="give either a uri or data")
    elif media.uri and 0 < model.uri_limit < len(media.uri):
        yield Violation(field=field, message=f"{model.id} takes addresses of at most {model.uri_limit} characters")
    elif media.data and media.mime_type not in model.image_types:
        kinds = ", ".join(kind.removeprefix("image/") for kind in model.image_types)
        yield _unsupported(field, f"{model.id} takes inline images as {kinds}")
    elif media.data and 0 < model.inline_limit < data_uri_length(media):
        most = model.inline_limit * 3 // 4 // 1000
        yield Violation(field=field, message=f"{model.id} takes inline images up to {most} kB: give a uri instead")


def _unsupported(field: str, message: str) -> Violation:
    return Violation(field=field, message=message, reason=Reason.UNSUPPORTED_PARAMETER)
