"""A caller's wish against one catalogue row: the spec that is bought, what was changed, and what is refused.

Typed parameter > style > what the prompt says > the model's default. What was typed is hard: it is honoured, refused
with the choices, or, where the caller allows substitutions, replaced with a notice that names before, after and the
price of both. Styles and prompts only prefer: what the model cannot do is worth a notice.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from core.errors import Reason, Violation
from core.spec import ClipSpec, Motion, Notice, Preferences, Quality, Wish
from core.text import utf16_units
from providers import durations, inputs, options, prices
from providers.base import readable
from providers.model import Durations, LifecycleState, Mode, VideoModel
from providers.styles import STYLES, Style

"""Seeds are 0 to 2**32 - 1 at every vendor here (Runway's bound is from memory; the others publish none)."""

_RATIO = re.compile(r"([0-9]{1,5}):([0-9]{1,5})")
_RESOLUTION = re.compile(r"([0-9]{3,4})p|([248])k")
_LINES = {"2": 1440, "4": 2160, "8": 4320}


@dataclass(frozen=True, kw_only=True, slots=True)
class Resolved:
    """The spec (to be bought only when there are no violations), the notices and every violation at once."""

    spec: ClipSpec
    notices: tuple[Notice, ...] = ()
    violations: tuple[Violation, ...] = ()
    target_duration: float | None = None
    """Seconds asked for: typed, else preferred, else what is bought."""
    style: str | None = None
    """The style whose words are in the prompt, where they fit: typed, else the prompt's own."""


def resolve(wish: Wish, model: VideoModel, styles: Mapping[str, Style] = STYLES) -> Resolved:
    """What buying this wish from this row means. Never raises."""
    mode = model.mode(wish.mode) or next(iter(model.modes.values()), None)
    if mode is None or model.lifecycle.state is LifecycleState.RETIRED:
        gone = Violation(field="model", message=f"{model.id} cannot be bought any more", reason=Reason.MODEL_RETIRED)
        return Resolved(spec=ClipSpec(prompt=wish.prompt), violations=(gone,))
    return _Resolution(wish, model, mode, styles).result()


def for_variation(spec: ClipSpec, index: int, model: VideoModel) -> ClipSpec:
    """Variation `index` (from 0) of a spec: seed + index, wrapping round at the model's largest seed."""
    return spec if spec.seed is None else replace(spec, seed=(spec.seed + index) % (model.largest_seed + 1))


def can_honour(wish: Wish, model: VideoModel, styles: Mapping[str, Style] = STYLES) -> bool:
    """Whether the row does everything typed, prompt included, without any substitution."""
    if wish.prompt and model.prompt_limit == 0:
        return False
    return not resolve(replace(wish, allow_substitutions=False), model, styles).violations


@dataclass(frozen=True, kw_only=True, slots=True)
class _Substitution:
    """`changed` turns the final spec into what was typed, so that both can be priced."""

    field: str
    before: str
    after: str
    changed: Mapping[str, object]
    why: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Layer:
    """The preferences of somebody, whose notices have a code of their own. None: none."""

    who: str
    code: str
    duration: float | None = None
    aspect_ratio: str | None = None
    fps: float | None = None
    motion: Motion | None = None
    quality: Quality | None = None
    audio: bool | None = None
    negative_prompt: str | None = None


def _of_style(style: Style) -> _Layer:
    return _Layer(
        who="the style",
        code="STYLE_NOT_HONOURED",
        duration=style.duration,
        aspect_ratio=style.aspect_ratio,
        fps=style.fps,
        motion=style.motion,
    )


def _of_prompt(said: Preferences) -> _Layer:
    return _Layer(
        who="the prompt",
        code="PROMPT_NOT_HONOURED",
        duration=said.duration,
        aspect_ratio=said.aspect_ratio,
        motion=said.motion,
        quality=said.quality,
        audio=said.audio,
        negative_prompt=said.negative_prompt or None,
    )


class _Resolution:
    """One wish against one row; each method settles one parameter and notes what happened to it."""

    def __init__(self, wish: Wish, model: VideoModel, mode: Mode, styles: Mapping[str, Style]) -> None:
        self._wish, self._model, self._mode = wish, model, mode
        self._notices: list[Notice] = []
        self._violations: list[Violation] = []
        self._substitutions: list[_Substitution] = []
        self._style = self._find_style(styles)
        styled = [_of_style(self._style)] if self._style else []
        prompted = [_of_prompt(wish.preferred)]
        self._layers = styled + prompted if wish.style else prompted + styled  # else the prompt's own words name it

    def result(self) -> Resolved:
        wish = self._wish
        ratio = self._aspect_ratio()
        resolution = self._resolution(ratio)
        vendor_options, faults = options.checked(wish.vendor_options, self._model)
        spec = ClipSpec(
            prompt=self._prompt(),
            duration=self._duration(resolution),
            aspect_ratio=ratio,
            resolution=resolution,
            fps=self._fps(),
            seed=self._seed(),
            negative_prompt=self._negative_prompt(),
            motion=self._motion(),
            audio=self._audio(),
            first_frame=wish.first_frame,
            last_frame=wish.last_frame,
            references=wish.references,
            source_video=wish.source_video,
            vendor_options=vendor_options,
        )
        self._violations += [*inputs.violations(wish, self._model), *faults]
        preferred, _ = self._asked("duration")
        return Resolved(
            spec=spec,
            notices=(*self._notices, *(_priced(self._model, spec, item) for item in self._substitutions)),
            violations=tuple(self._violations),
            target_duration=next(each for each in (wish.duration, preferred, spec.duration) if each is not None),
            style=self._style.name if self._style else None,
        )

    def _asked(self, name: str) -> tuple[Any, _Layer]:
        """What is preferred, and by whom; None where nobody cares."""
        for layer in self._layers:
            if getattr(layer, name) is not None:
                return getattr(layer, name), layer
        return None, self._layers[0]

    def _find_style(self, styles: Mapping[str, Style]) -> Style | None:
        name = self._wish.style
        if name and name not in styles:
            self._refuse("parameters.style", f"there is no such style; there are {', '.join(styles)}")
        return styles.get(name or self._wish.preferred.style or "")

    def _prompt(self) -> str:
        prompt, limit = self._wish.prompt, self._model.prompt_limit
        if limit == 0:
            message = f"{self._model.id} takes no prompt: yours is kept with the job but not sent"
            self._notices.append(Notice(code="PROMPT_NOT_SENT", message=message, field="prompt"))
            return prompt
        if not prompt.strip():
            self._refuse("prompt", "must not be empty", Reason.INVALID_REQUEST)
        if (length := self._length(prompt)) > limit:
            units = "UTF-16 code units" if self._model.prompt_utf16 else "characters"
            message = f"is {length} {units} long; {self._model.id} takes at most {limit}"
            self._refuse("prompt", message, Reason.PROMPT_TOO_LONG)
        return self._with_style(prompt)

    def _with_style(self, prompt: str) -> str:
        styled = with_style(prompt, self._style, self._model)
        if styled is None and self._style is not None:
            words = f"the style's words ({self._style.words})"
            self._prefer(_of_style(self._style), "prompt", words, "they would not fit into the prompt's limit")
        return styled or prompt

    def _length(self, prompt: str) -> int:
        return _length(prompt, self._model)

    def _duration(self, resolution: str) -> float:
        offered, typed = self._mode.durations_of(resolution), self._wish.duration
        if typed is not None:
            where = f" at {resolution}" if resolution in self._mode.durations_at else ""
            return self._typed_duration(typed, offered, where)
        wanted, layer = self._asked("duration")
        if wanted is not None:
            taken = (
                durations.exact(offered, wanted) or durations.covering(offered, wanted) or durations.longest(offered)
            )
            if durations.exact(offered, wanted) is None:
                after = _seconds(taken)
                self._prefer(layer, "parameters.duration", f"{wanted:g} s", f"{after} is taken", after=after)
            return float(taken)
        source = self._wish.source_video
        if source is not None and source.seconds:
            return float(durations.covering(offered, source.seconds) or durations.longest(offered))
        usual = self._mode.default_duration
        return float(usual if usual and durations.exact(offered, usual) else durations.shortest(offered))

    def _typed_duration(self, typed: float, offered: Durations, where: str) -> float:
        exact = durations.exact(offered, typed)
        if exact is not None:
            return float(exact)
        if not typed > 0:
            self._refuse("parameters.duration", "must be longer than nothing", Reason.INVALID_REQUEST)
            return float(durations.shortest(offered))
        longer = durations.covering(offered, typed) if self._wish.allow_substitutions else None
        if longer is None:
            message = f"{_seconds(typed)} is not offered{where}; {self._model.id} makes {durations.spoken(offered)}"
            self._refuse("parameters.duration", message)
            return float(durations.shortest(offered))
        self._substitute("parameters.duration", _seconds(typed), _seconds(longer), duration=typed)
        return float(longer)

    def _aspect_ratio(self) -> str | None:
        typed, offered = self._wish.aspect_ratio, self._mode.aspect_ratios
        if typed:
            return self._typed_ratio(typed)
        wanted, layer = self._asked("aspect_ratio")
        match = _same_ratio(wanted, offered) if wanted else None
        if wanted and match is None:
            why = "the input decides" if self._mode.ratio_from_image else f"there are {_listed(offered)}"
            self._prefer(layer, "parameters.aspect_ratio", wanted, why)
        return match or self._default_ratio()

    def _typed_ratio(self, typed: str) -> str | None:
        offered = self._mode.aspect_ratios
        match = _same_ratio(typed, offered)
        if match is None and _fraction(typed) is None:
            message = "is written width:height, such as 16:9"
            self._refuse("parameters.aspect_ratio", message, Reason.INVALID_REQUEST)
        elif match is None and self._mode.ratio_from_image:
            self._refuse("parameters.aspect_ratio", "follows the input with this model: leave it out")
        elif match is None:
            message = f"{typed} is not offered; {self._model.id} makes {_listed(offered)}"
            self._refuse("parameters.aspect_ratio", message)
        return match or self._default_ratio()

    def _default_ratio(self) -> str | None:
        offered = self._mode.aspect_ratios
        if not offered:
            return None
        return "16:9" if "16:9" in offered else offered[0]

    def _resolution(self, ratio: str | None) -> str:
        offered = tuple(name for shape, name in self._mode.sizes if ratio in (None, shape))
        tier = self._quality(offered)
        typed = self._wish.resolution
        if not typed:
            return tier or self._preferred_tier(offered) or self._roomy(offered)
        match = next((name for name in offered if name.lower() == typed.lower()), None)
        nearest = _nearest_resolution(typed, offered) if self._wish.allow_substitutions else None
        if match is None and nearest is None:
            shown = readable(typed)[:32]
            self._refuse("parameters.resolution", f"{shown} is not offered; {self._model.id} makes {_listed(offered)}")
        elif match is None and nearest is not None:
            self._substitute("parameters.resolution", readable(typed)[:32], nearest, resolution=typed)
        taken = match or nearest or offered[0]
        if tier is not None and tier != taken:
            self._contradiction(tier, taken)
        return taken

    def _roomy(self, offered: tuple[str, ...]) -> str:
        """The first resolution that has the length asked for; where none has it, the first."""
        wanted = self._length_asked()
        long_enough = (name for name in offered if wanted and durations.exact(self._mode.durations_of(name), wanted))
        return next(long_enough, offered[0])

    def _quality(self, offered: tuple[str, ...]) -> str | None:
        quality = self._wish.quality
        if quality is None:
            return None
        tier = self._model.qualities.get(quality)
        if tier not in offered:
            message = f"{self._model.id} has one quality only"
            self._notices.append(
                Notice(code="SINGLE_QUALITY", message=message, field="parameters.quality", before=quality.value)
            )
            return None
        return tier

    def _preferred_tier(self, offered: tuple[str, ...]) -> str | None:
        """The resolution that the prompt's words ask for, unless what was typed cannot be had in it."""
        quality, layer = self._asked("quality")
        if quality is None or self._wish.quality is not None:
            return None
        tier = self._model.qualities.get(quality)
        wanted = self._wish.duration
        if tier in offered and (wanted is None or durations.exact(self._mode.durations_of(tier), wanted) is not None):
            return tier
        self._prefer(layer, "parameters.quality", quality.value, "it has no such quality at this length and ratio")
        return None

    def _length_asked(self) -> float | None:
        """What was typed, else what the prompt's words say; a style is not worth another resolution."""
        said = None if self._wish.style else self._wish.preferred.duration
        return said if self._wish.duration is None else self._wish.duration

    def _contradiction(self, tier: str, taken: str) -> None:
        message = f"means {tier} with this model, but the resolution is {taken}: give one of the two"
        if not self._wish.allow_substitutions:
            self._refuse("parameters.quality", message, Reason.INVALID_REQUEST)
        else:
            self._substitute("parameters.quality", tier, taken, resolution=tier)

    def _fps(self) -> float | None:
        choices, typed = self._model.fps_choices, self._wish.fps
        if typed is None:
            return self._styled_fps(choices)
        if typed in choices:
            return float(typed)
        if not typed > 0:
            self._refuse("parameters.fps", "must be more than 0", Reason.INVALID_REQUEST)
        elif not choices:
            known = f" (its clips have {self._model.fps:g} fps)" if self._model.fps else ""
            self._drop("parameters.fps", f"{typed:g} fps", f"{self._model.id} takes no frame rate{known}", fps=typed)
        elif self._wish.allow_substitutions:
            nearest = min(choices, key=lambda choice: abs(choice - typed))
            self._substitute("parameters.fps", f"{typed:g} fps", f"{nearest:g} fps", fps=typed)
            return nearest
        else:
            offered = _listed(f"{choice:g}" for choice in choices)
            self._refuse("parameters.fps", f"{typed:g} is not offered; {self._model.id} makes {offered}")
        return None

    def _styled_fps(self, choices: tuple[float, ...]) -> float | None:
        wanted, layer = self._asked("fps")
        if wanted is None or wanted == self._model.fps:
            return None
        if wanted in choices:
            return float(wanted)
        self._prefer(layer, "parameters.fps", f"{wanted:g} fps", "the model decides its frame rate")
        return None

    def _seed(self) -> int | None:
        typed = self._wish.seed
        if typed is None:
            return None
        if "seed" not in self._model.wire:
            self._drop("parameters.seed", str(typed), f"{self._model.id} takes no seed", seed=typed)
            return None
        nearest = min(max(typed, 0), self._model.largest_seed)
        if nearest != typed and self._wish.allow_substitutions:
            self._substitute("parameters.seed", str(typed), str(nearest), seed=typed)
        elif nearest != typed:
            self._refuse("parameters.seed", f"must be from 0 to {self._model.largest_seed}", Reason.INVALID_REQUEST)
        return nearest

    def _negative_prompt(self) -> str | None:
        typed, takes = self._wish.negative_prompt or None, "negative_prompt" in self._model.wire
        wanted, layer = self._asked("negative_prompt")
        if typed is None and wanted is not None and not takes:
            self._prefer(layer, "parameters.negative_prompt", readable(wanted)[:64], "it takes no negative prompt")
        if typed is None or takes:
            return typed or (wanted if takes else None)
        message = f"{self._model.id} takes no negative prompt"
        self._drop("parameters.negative_prompt", readable(typed)[:64], message, negative_prompt=typed)
        return None

    def _motion(self) -> Motion | None:
        typed, offered = self._wish.motion, self._model.motions
        if typed is not None and typed not in offered:
            self._refuse("parameters.motion", f"{self._model.id} has no motion setting")
            return None
        wanted, layer = self._asked("motion")
        if typed is None and wanted is not None and wanted not in offered:
            self._prefer(layer, "parameters.motion", wanted.value, "the model has no motion setting")
            return None
        return typed or wanted

    def _audio(self) -> bool | None:
        typed, has = self._wish.audio, self._model.has_audio
        wanted, layer = self._asked("audio")
        if "audio" in self._model.wire:
            return next(each for each in (typed, wanted, has) if each is not None)
        always = "always makes sound" if has else "makes no sound"
        if typed is not None and typed != has:
            self._refuse("parameters.audio", f"{self._model.id} {always}")
        elif typed is None and wanted is not None and wanted != has:
            self._prefer(layer, "parameters.audio", "sound" if wanted else "silence", f"it {always}")
        return None

    def _refuse(self, field: str, message: str, reason: Reason = Reason.UNSUPPORTED_PARAMETER) -> None:
        self._violations.append(Violation(field=field, message=message, reason=reason))

    def _substitute(self, field: str, before: str, after: str, **changed: object) -> None:
        self._substitutions.append(_Substitution(field=field, before=before, after=after, changed=changed))

    def _drop(self, field: str, before: str, message: str, **changed: object) -> None:
        if self._wish.allow_substitutions:
            self._substitutions.append(
                _Substitution(field=field, before=before, after="", changed=changed, why=message)
            )
        else:
            self._refuse(field, message)

    def _prefer(self, layer: _Layer, field: str, before: str, why: str, *, after: str = "") -> None:
        """A preference that the model cannot honour is only worth a warning."""
        message = f"{layer.who} asks for {before}, which {self._model.id} cannot do: {why}"
        self._notices.append(Notice(code=layer.code, message=message, field=field, before=before, after=after))


def with_style(prompt: str, style: Style | None, model: VideoModel) -> str | None:
    """The prompt with the style's words; None where they would not fit into the model's limit."""
    if style is None or not style.words:
        return prompt
    styled = f"{prompt} Style: {style.words}."
    return styled if _length(styled, model) <= model.prompt_limit else None


def _length(prompt: str, model: VideoModel) -> int:
    return utf16_units(prompt) if model.prompt_utf16 else len(prompt)


def _priced(model: VideoModel, spec: ClipSpec, item: _Substitution) -> Notice:
    """The notice of a substitution, with the price of what was typed and of what is bought."""
    what = f"{item.before} is not offered: {item.after} is taken instead"
    if not item.after:
        what = f"{item.why}: {item.before} is left out"
    change, said = _difference(model, replace(spec, **item.changed), spec)  # type: ignore[arg-type]  # the names are ClipSpec's own
    return Notice(
        code="SUBSTITUTED",
        message=f"{what}; {said}",
        field=item.field,
        before=item.before,
        after=item.after,
        price_micros=change,
    )


def _difference(model: VideoModel, typed: ClipSpec, taken: ClipSpec) -> tuple[int | None, str]:
    """How much dearer what is taken is, in micro-units and in words; None when what was typed has no price."""
    try:
        before, after = prices.quote(model, typed).expected, prices.quote(model, taken).expected
    except LookupError:
        return None, "what was typed has no price"
    if before == after:
        return 0, f"the price stays {after}"
    change = after.micros - before.micros
    amount = replace(after, micros=abs(change))
    return change, f"the price is {after} instead of {before} ({'+' if change > 0 else '-'}{amount})"


def _seconds(number: float) -> str:
    return f"{number:.4g} s"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def _fraction(ratio: str) -> Fraction | None:
    match = _RATIO.fullmatch(ratio)
    return Fraction(int(match[1]), int(match[2])) if match and int(match[1]) and int(match[2]) else None


def _same_ratio(wanted: str, offered: tuple[str, ...]) -> str | None:
    """The row's spelling of a ratio: 32:18 is 16:9, and 7:3 is 21:9."""
    fraction = _fraction(wanted)
    return next((ratio for ratio in offered if fraction is not None and _fraction(ratio) == fraction), None)


def _lines(resolution: str) -> int | None:
    match = _RESOLUTION.fullmatch(resolution.lower())
    if match is None:
        return None
    return int(match[1]) if match[1] else _LINES[match[2]]


def _nearest_resolution(wanted: str, offered: tuple[str, ...]) -> str | None:
    """The offered resolution nearest in lines, the larger of two; None when `wanted` is not a resolution."""
    lines = _lines(wanted)
    measured = [(name, known) for name in offered if (known := _lines(name)) is not None]
    if lines is None or not measured:
        return None
    return min(measured, key=lambda pair: (abs(pair[1] - lines), -pair[1]))[0]
