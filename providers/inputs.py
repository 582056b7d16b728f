"""The files of a wish checked against a row: inputs are never substituted."""

from collections.abc import Iterator

from core.errors import Reason, Violation
from core.spec import MediaInput, Wish
from providers.model import MediaForm, VideoModel
from providers.wire import data_uri_length


def violations(wish: Wish, model: VideoModel) -> Iterator[Violation]:
    """Everything wrong with the first and last frame, the reference images and the source video."""
    if not wish.first_frame and not wish.references and not wish.source_video and model.text is None:
        yield Violation(field=_lacking(model)[0], message=f"{model.id} {_lacking(model)[1]}")
    yield from _first_frame(wish, model)
    if wish.last_frame is not None:
        yield from _last_frame(wish, wish.last_frame, model)
    if wish.references:
        yield from _references(wish, model)
    if wish.source_video is not None:
        yield from _source_video(wish.source_video, model)


def _lacking(model: VideoModel) -> tuple[str, str]:
    """The field to fill for a model that does not work from text alone, and why."""
    if model.image is not None:
        return "first_frame", "works from an image only: give a first frame"
    if model.video is not None:
        return "source_video", "works from a video only: give a source video"
    return "reference_images", "works from reference images only: give at least one"


def _first_frame(wish: Wish, model: VideoModel) -> Iterator[Violation]:
    if wish.first_frame is None:
        return
    if model.image is None:
        yield _unsupported("first_frame", f"{model.id} takes no first frame: leave it out")
    else:
        yield from _image("first_frame", wish.first_frame, model)


def _last_frame(wish: Wish, last_frame: MediaInput, model: VideoModel) -> Iterator[Violation]:
    if "last_frame" not in model.wire:
        yield _unsupported("last_frame", f"{model.id} takes no last frame")
        return
    if wish.first_frame is None:
        yield Violation(field="last_frame", message="a last frame needs a first frame")
    yield from _image("last_frame", last_frame, model)


def _references(wish: Wish, model: VideoModel) -> Iterator[Violation]:
    if not model.references:
        yield _unsupported("reference_images", f"{model.id} takes no reference images")
        return
    if len(wish.references) > model.references:
        yield _unsupported("reference_images", f"{model.id} takes at most {model.references}")
    if wish.first_frame is not None and not model.references_with_frame:
        yield _unsupported("reference_images", f"{model.id} takes reference images or a first frame, not both")
    if wish.first_frame is None and wish.source_video is None and model.reference is None:
        yield _unsupported("reference_images", f"{model.id} takes reference images with other input only")
    for position, media in enumerate(wish.references):
        yield from _image(f"reference_images[{position}].media", media, model)


def _source_video(media: MediaInput, model: VideoModel) -> Iterator[Violation]:
    if model.video is None:
        yield _unsupported("source_video", f"{model.id} takes no source video")
    elif model.source_seconds and media.seconds > model.source_seconds:
        message = f"is {media.seconds:.4g} s long; {model.id} takes at most {model.source_seconds:g} s"
        yield _unsupported("source_video", message)
    elif model.source_limit and media.size > model.source_limit:
        yield _unsupported("source_video", f"{model.id} takes videos of at most {model.source_limit // 1_000_000} MB")
    else:
        yield from _media("source_video", media, model)


def _image(field: str, media: MediaInput, model: VideoModel) -> Iterator[Violation]:
    if media.mime_type.startswith("video/"):
        yield Violation(field=field, message="is a video, and an image is wanted")
    else:
        yield from _media(field, media, model)


def _media(field: str, media: MediaInput, model: VideoModel) -> Iterator[Violation]:
    """What can be made fit (fetched, uploaded, converted) is made so; refused is only what cannot."""
    forms = model.media_forms
    if sum(map(bool, (media.uri, media.data, media.asset_id))) != 1:
        yield Violation(field=field, message="give one of asset_id, uri and data")
    elif media.uri and MediaForm.URI in forms and 0 < model.uri_limit < len(media.uri):
        yield Violation(field=field, message=f"{model.id} takes addresses of at most {model.uri_limit} characters")
    elif media.data and media.mime_type not in (*model.image_types, *_VIDEOS):
        kinds = ", ".join(kind.removeprefix("image/") for kind in model.image_types)
        yield _unsupported(field, f"{model.id} takes inline images as {kinds}")
    elif media.data and MediaForm.UPLOAD not in forms and 0 < model.inline_limit < data_uri_length(media):
        most = model.inline_limit * 3 // 4 // 1000
        yield Violation(field=field, message=f"{model.id} takes inline images up to {most} kB: give a uri instead")


_VIDEOS = ("video/mp4", "video/quicktime", "video/webm")


def _unsupported(field: str, message: str) -> Violation:
    return Violation(field=field, message=message, reason=Reason.UNSUPPORTED_PARAMETER)
