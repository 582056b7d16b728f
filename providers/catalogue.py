"""The catalogue: every vendor's rows gathered, checked and found by id or by the names people know."""

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from core.errors import NotFound, Precondition, Reason
from core.spec import Notice
from providers import PROVIDERS
from providers.base import BaseVideoProvider, readable
from providers.check import complaints
from providers.model import LifecycleState, VideoModel
from providers.plain import revision

_SVD = (
    "replicate/stable-video-diffusion",
    "fal/stable-video",
    "cog/stable-video-diffusion",
    "replicate/cogvideox-5b",
    "fal/cogvideox-5b",
    "cog/cogvideox-5b",
)

ALIASES: Mapping[str, tuple[str, ...]] = {
    "google_veo": (
        "google/gemini-omni-1.1-flash",
        "vertex/veo-3.1",
        "runway/veo3.1",
        "replicate/veo-3.1",
        "fal/veo-3.1",
    ),
    "hotshot": ("replicate/hotshot-xl", "cog/hotshot-xl"),
    "ltxv": ("replicate/ltx-video", "cog/ltx-video", "fal/ltx-2"),
    "luma_dream": ("luma/ray-3.2", "luma-legacy/ray-2", "replicate/ray"),
    "minimax": ("replicate/minimax-video-01", "fal/minimax-video-01"),
    "openai_shorts": ("openai-compatible/sora-2", "google/gemini-omni-1.1-flash"),
    "pika_v2": ("fal/pika-v2.2",),
    "runway_gen3": ("runway/gen4_turbo", "runway/gen4.5"),
    "stability_svd": _SVD,
    "svd": _SVD,
    "zeroscope": ("replicate/zeroscope-v2-xl", "cog/zeroscope-v2-xl"),
}
"""The names of older designs: each resolves to its first row that has the request's mode and is answered here, by
a vendor before by an emulator. Stable Video Diffusion takes no text: text goes to CogVideoX, as in the brief (D5)."""

_LONGEST_NAME = 128


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """A row that can be bought, and what the caller should know about the name they used."""

    model: VideoModel
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Catalogue:
    """All rows by id, in order. `revision` changes exactly when any row does."""

    rows: Mapping[str, VideoModel]
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    revision: str

    @classmethod
    def of(cls, models: Iterable[VideoModel], aliases: Mapping[str, tuple[str, ...]]) -> "Catalogue":
        """A checked catalogue; raises ValueError naming every fault of the data."""
        rows = tuple(models)
        if faults := complaints(rows, aliases):
            raise ValueError("; ".join(faults))
        return cls(rows={model.id: model for model in rows}, aliases=aliases, revision=revision(rows))

    def find(self, name: str, mode: str, prefer: Callable[[VideoModel], int] = lambda row: 0) -> Found:
        """The row called `name`: an id, or an alias for a request of this mode.

        An alias stands for the first living row that has the mode, of those with the lowest `prefer`. Raises
        NotFound(UNKNOWN_MODEL) with the closest name, Precondition(MODEL_RETIRED) naming the successor.
        """
        if name in self.aliases:
            return self._find_alias(name, mode, prefer)
        model = self.rows.get(name)
        if model is None:
            raise self._unknown(name)
        lifecycle = model.lifecycle
        if lifecycle.state is LifecycleState.RETIRED:
            raise Precondition(
                reason=Reason.MODEL_RETIRED,
                message=f"{model.id} was retired on {lifecycle.retires}; use {lifecycle.successor}",
                metadata={"model": model.id, "successor": lifecycle.successor},
            )
        return Found(model=model, notices=_deprecation(model))

    def fallbacks(self, row: VideoModel) -> tuple[str, ...]:
        """What may take over from a row: the same model at other vendors, then what the row itself names."""
        homes = (
            each.id
            for each in self.rows.values()
            if each.family == row.family and each.id != row.id and each.lifecycle.state is not LifecycleState.RETIRED
        )
        return tuple(dict.fromkeys((*homes, *row.default_fallbacks)))

    def _find_alias(self, name: str, mode: str, prefer: Callable[[VideoModel], int]) -> Found:
        living = [self.rows[target] for target in self.aliases[name]]
        able = [row for row in living if row.mode(mode)]
        model = min(able or living, key=prefer)
        message = f"`{name}` is now {model.id} ({model.title}). {model.notes}".rstrip()
        notice = Notice(code="MODEL_ALIAS", message=message, field="model", before=name, after=model.id)
        return Found(model=model, notices=(notice, *_deprecation(model)))

    def _unknown(self, name: str) -> NotFound:
        shown = readable(name)[:_LONGEST_NAME]
        names = [*self.rows, *self.aliases]
        short = {identifier.split("/")[-1]: identifier for identifier in self.rows}
        close = difflib.get_close_matches(shown, [*names, *short], n=1, cutoff=0.5)
        suggestion = short.get(close[0], close[0]) if close else ""
        hint = f"; did you mean {suggestion}?" if suggestion else "; ListVideoModels names them all"
        metadata = {"suggestion": suggestion} if suggestion else {}
        return NotFound(reason=Reason.UNKNOWN_MODEL, message=f"there is no model `{shown}`{hint}", metadata=metadata)


def load(providers: Sequence[type[BaseVideoProvider]] = PROVIDERS) -> Catalogue:
    """The catalogue of these vendors."""
    return Catalogue.of((model for provider in providers for model in provider.models), ALIASES)


def _deprecation(model: VideoModel) -> tuple[Notice, ...]:
    lifecycle = model.lifecycle
    if lifecycle.state is not LifecycleState.DEPRECATED:
        return ()
    message = f"{model.id} will be retired on {lifecycle.retires}; {lifecycle.successor} is its successor"
    return (
        Notice(code="MODEL_DEPRECATED", message=message, field="model", before=model.id, after=lifecycle.successor),
    )


CATALOGUE = load()
"""Every registered vendor's rows."""

ADAPTERS: Mapping[str, BaseVideoProvider] = {provider.name: provider() for provider in PROVIDERS}
"""Vendor name -> its adapter; adapters hold no state."""


def adapter(model: VideoModel) -> BaseVideoProvider:
    """The adapter that speaks for this row."""
    return ADAPTERS[model.provider]
