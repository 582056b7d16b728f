"""The partner models that the emulated Runway resells, after the types of its SDK 5.24 and its guide to prices."""

from collections.abc import Mapping

from emulators.vendors.runway_parts import WIDE, Operation, RunwayModel, tiers

# Lengths and longest prompts are from third parties that asked Runway's validator or read its OpenAPI document in
# autumn 2026. Credits of Kling 4K, O3 and 4.0, and of edits, are not published: they are what other homes charge.
_KEYFRAMES = ("first", "last")


def _kling_3(tier: str, pixels: str, sounding: float, silent: float) -> RunwayModel:
    extras = ("audio", "cfgScale", "duration", "providerSettings")
    ratios = tiers(tier, pixels)
    return RunwayModel(
        text=Operation(required=("ratio",), optional=("promptText", *extras), ratios=ratios),
        image=Operation(
            required=("promptImage",), optional=("promptText", "ratio", *extras), ratios=ratios, positions=_KEYFRAMES
        ),
        shortest=3,
        longest=15,
        prompt=2500,
        rates={tier: sounding},
        silent={tier: silent},
        run_seconds=150,
    )


def _kling_o3(tier: str, pixels: str, sounding: float, silent: float, edit: float) -> RunwayModel:
    extras = ("audio", "duration", "providerSettings")
    ratios = tiers(tier, pixels)
    return RunwayModel(
        text=Operation(required=("ratio",), optional=("promptText", *extras), ratios=ratios),
        image=Operation(
            required=("promptImage",),
            optional=("promptText", "ratio", "references", *extras),
            ratios=ratios,
            positions=_KEYFRAMES,
            references=7,
        ),
        video=Operation(
            required=("promptText", "promptVideo"),
            optional=("providerSettings", "references"),
            resolutions=(tier,),
            references=4,
            longest_source=10,
            keeps_length=True,
        ),
        shortest=3,
        longest=15,
        prompt=2500,
        rates={tier: sounding},
        silent={tier: silent},
        edit_rates={tier: edit},
        run_seconds=150,
    )


_HD_OF_KLING = tiers("1080p", "1920:1080 1440:1440 1080:1920", "720p", "1280:720 720:720 720:1280")
_KLING_4 = tiers("720p", "1280:720 720:1280 940:940 1460:624", "1080p", "1920:1080 1080:1920 1440:1440 2200:940")
_AUTO_HD = tiers("720p", "auto_720p", "1080p", "auto_1080p")
_SEEDANCE_480 = "992:432 864:496 752:560 640:640 560:752 496:864"
_SEEDANCE_480_OF_2_5 = "992:432 854:480 752:560 640:640 560:752 480:854"
_SEEDANCE_720 = "1280:720 1470:630 1112:834 960:960 834:1112 720:1280"
_SEEDANCE_1080 = "2206:946 1920:1080 1664:1248 1440:1440 1248:1664 1080:1920"
_SEEDANCE_4K = "3840:1646 3840:2160 3840:2880 3840:3840 2880:3840 2160:3840"


def _seedance(
    ratios: Mapping[str, str],
    rates: Mapping[str, float],
    *,
    prompt_needed: bool = True,
    extras: tuple[str, ...] = (),
    least: int = 0,
    references: int = 9,
    run: float,
    newer: bool = False,
) -> RunwayModel:
    usual = ("audio", "duration", "ratio", "referenceAudio", "seed", *extras)
    words = ("promptText",)
    return RunwayModel(
        text=Operation(
            required=words if prompt_needed else (),
            optional=(*(() if prompt_needed else words), *usual, "references", "referenceVideos"),
            ratios=ratios,
            references=references,
        ),
        image=Operation(
            required=("promptImage",),
            optional=(*words, *usual),
            ratios=ratios,
            positions=_KEYFRAMES,
            unplaced=True,
            references=references,
        ),
        video=Operation(
            required=("promptVideo",),
            optional=(*words, *usual, "references", "referenceVideos", *(("mode",) if newer else ())),
            ratios=ratios,
            references=references,
            longest_source=30 if newer else 15,
            modes=("reference", "extend", "edit") if newer else (),
        ),
        shortest=4,
        longest=30 if newer else 15,
        automatic=True,
        prompt=15_000 if newer else 3500,
        rates=rates,
        source_rates={tier: rate / 2 for tier, rate in rates.items()} if newer else {},
        least=least,
        sounds=True,
        run_seconds=run,
    )


_AUTO = {**_AUTO_HD, "auto_480p": "480p"}
_WAN_RATIOS = {
    **tiers("720p", "1280:720 1104:832 960:960 832:1104 720:1280"),
    **tiers("480p", "832:480 720:544 624:624 544:720 480:832"),
    **tiers("1080p", "1920:1080 1648:1248 1440:1440 1248:1648 1080:1920"),
    **_AUTO,
}


def _wan(low: float, middle: float, high: float) -> RunwayModel:
    usual = ("audio", "duration", "ratio", "referenceAudio", "referenceVideos")
    return RunwayModel(
        text=Operation(required=("promptText",), optional=(*usual, "references"), ratios=_WAN_RATIOS, references=10),
        image=Operation(
            required=("promptImage", "promptText"),
            optional=usual,
            ratios=_WAN_RATIOS,
            positions=_KEYFRAMES,
            unplaced=True,
            references=10,
        ),
        shortest=2,
        longest=30,
        prompt=20_000,
        rates={"480p": low, "720p": middle, "1080p": high},
        sounds=True,
        run_seconds=120,
    )


_SHAPES = tiers("", "16:9 21:9 4:3 1:1 3:4 9:16 adaptive")
_HAILUO = ("768p", "2k", "768P", "2K")
_HAILUO_USUAL = ("duration", "ratio", "resolution", "referenceAudio")
_H3 = ("duration", "promptExpansionMode", "resolution", "seed")
_HORSE = tiers(
    *("720p", "1280:720 720:1280 960:960 1108:832 832:1108"),
    *("1080p", "1920:1080 1080:1920 1440:1440 1662:1248 1248:1662"),
)
_OMNI_FULL = tiers(
    *("720p", "1280:720 720:1280", "360p", "640:360 360:640"),
    *("1080p", "1920:1080 1080:1920", "4k", "3840:2160 2160:3840"),
)
_LITE = tiers(
    *("720p", "1280:720 720:1280 720:720 960:720 720:960 1088:720 720:1088"),
    *("480p", "848:480 480:848 480:480 640:480 480:640 720:480 480:720"),
    *("1080p", "1904:1072 1072:1904 1424:1424 1648:1232 1232:1648 1744:1152 1152:1744"),
)
_GROK_LINES = ("720p", "480p", "1080p")

PARTNERS: Mapping[str, RunwayModel] = {
    "kling2.5_turbo_pro": RunwayModel(
        text=Operation(required=("promptText",), optional=("cfgScale", "duration", "ratio"), ratios=_HD_OF_KLING),
        image=Operation(
            required=("promptImage", "promptText"),
            optional=("cfgScale", "duration"),
            resolutions=("1080p",),
            positions=_KEYFRAMES,
        ),
        listed=(5, 10),
        prompt=2500,
        rates={"720p": 12, "1080p": 15},
        run_seconds=120,
    ),
    "kling3.0_standard": _kling_3("720p", "1280:720 720:1280 960:960", 13, 9),
    "kling3.0_pro": _kling_3("1080p", "1920:1080 1080:1920 1440:1440", 17, 12),
    "kling3.0_4k": _kling_3("4k", "3840:2160 2160:3840 2880:2880", 42, 42),
    "klingO3_standard": _kling_o3("720p", "1280:720 720:1280 960:960", 13, 9, 25.2),
    "klingO3_pro": _kling_o3("1080p", "1920:1080 1080:1920 1440:1440", 17, 12, 33.6),
    "klingO3_4k": _kling_o3("4k", "3840:2160 2160:3840 2880:2880", 42, 42, 84),
    "kling_4": RunwayModel(
        text=Operation(
            required=("promptText",),
            optional=("duration", "ratio", "references", "referenceVideos"),
            ratios={**_KLING_4, **_AUTO_HD},
            references=10,
        ),
        image=Operation(
            required=("promptImage",),
            optional=("duration", "promptText", "ratio", "references", "referenceVideos"),
            ratios=_AUTO_HD,
            positions=_KEYFRAMES,
            unplaced=True,
            references=10,
        ),
        video=Operation(
            required=("promptText", "videoUri"),
            optional=("ratio", "references"),
            ratios=_AUTO_HD,
            references=10,
            longest_source=30,
            keeps_length=True,
        ),
        shortest=3,
        longest=30,
        prompt=2500,
        rates={"720p": 16, "1080p": 24},
        edit_rates={"720p": 18.8, "1080p": 28.2},
        sounds=True,
        run_seconds=160,
    ),
    "seedance2": _seedance(
        tiers("720p", _SEEDANCE_720, "480p", _SEEDANCE_480, "1080p", _SEEDANCE_1080, "4k", _SEEDANCE_4K),
        {"480p": 36, "720p": 36, "1080p": 40, "4k": 150},
        run=120,
    ),
    "seedance2_fast": _seedance(tiers("720p", _SEEDANCE_720, "480p", _SEEDANCE_480), {"480p": 29, "720p": 29}, run=70),
    "seedance2_mini": _seedance(
        tiers("720p", _SEEDANCE_720, "480p", _SEEDANCE_480), {"480p": 16, "720p": 16}, least=64, run=50
    ),
    "seedance2_5": _seedance(
        tiers("720p", _SEEDANCE_720, "480p", _SEEDANCE_480_OF_2_5, "1080p", _SEEDANCE_1080),
        {"480p": 20, "720p": 30, "1080p": 68},
        prompt_needed=False,
        # A draft is made and charged like any clip, and `draftTaskId`, which makes a clip of one, is not taken: what
        # either costs is not told, and no row of ours asks for them.
        extras=("draft", "outputFormat"),
        least=80,
        references=30,
        run=150,
        newer=True,
    ),
    "hailuo3": RunwayModel(
        text=Operation(
            required=("promptText",),
            optional=(*_HAILUO_USUAL, "references", "referenceVideos"),
            ratios=_SHAPES,
            resolutions=_HAILUO,
            references=9,
        ),
        image=Operation(
            required=("promptImage", "promptText"),
            optional=_HAILUO_USUAL,
            ratios=_SHAPES,
            resolutions=_HAILUO,
            positions=_KEYFRAMES,
            unplaced=True,
            references=9,
        ),
        video=Operation(
            required=("promptText", "promptVideo"),
            optional=(*_HAILUO_USUAL, "references", "referenceVideos"),
            ratios=_SHAPES,
            resolutions=_HAILUO,
            references=9,
            longest_source=15,
        ),
        shortest=5,
        longest=15,
        prompt=6000,
        rates={"768p": 10, "2k": 15},
        per_picture=2,
        sounds=True,
        run_seconds=90,
    ),
    "h3_max": RunwayModel(
        text=Operation(required=("promptText",), optional=_H3, resolutions=("768p", "480p")),
        image=Operation(
            required=("promptImage", "promptText"), optional=_H3, resolutions=("768p", "480p"), positions=_KEYFRAMES
        ),
        shortest=5,
        longest=15,
        prompt=6000,
        rates={"480p": 5, "768p": 8},
        sounds=True,
        run_seconds=20,
    ),
    "wan3": _wan(5, 10, 20),
    "wan3_prime": _wan(6.8, 14, 28),
    "happyhorse_1_0": RunwayModel(
        text=Operation(required=("promptText",), optional=("duration", "ratio"), ratios=_HORSE),
        image=Operation(
            required=("promptImage",),
            optional=("duration", "promptText", "resolution"),
            resolutions=("720p", "1080p", "720P", "1080P"),
        ),
        shortest=3,
        longest=15,
        prompt=2500,
        rates={"720p": 15, "1080p": 30},
        sounds=True,
        run_seconds=90,
    ),
    "gemini_omni_flash": RunwayModel(
        text=Operation(required=("promptText",), optional=("duration", "ratio"), ratios=WIDE),
        image=Operation(required=("promptImage",), optional=("duration", "promptText", "ratio"), ratios=WIDE),
        video=Operation(
            required=("promptText", "videoUri"),
            optional=("references",),
            resolutions=("720p",),
            references=5,
            longest_source=10,
            keeps_length=True,
        ),
        shortest=3,
        prompt=4000,
        rates={"720p": 10},
        edit_rates={"720p": 11},
        per_picture=1,
        sounds=True,
        run_seconds=60,
    ),
    "gemini_omni_flash_1.1": RunwayModel(
        text=Operation(
            required=("promptText",),
            optional=("duration", "ratio", "references", "referenceVideos"),
            ratios=_OMNI_FULL,
            references=5,
        ),
        image=Operation(
            required=("promptImage", "promptText"),
            optional=("duration", "ratio"),
            ratios=_OMNI_FULL,
            positions=_KEYFRAMES,
        ),
        video=Operation(
            required=("promptText", "videoUri"),
            optional=("duration", "mode", "ratio", "references"),
            ratios=_OMNI_FULL,
            references=5,
            longest_source=10,
            modes=("reference", "extend", "edit"),
        ),
        shortest=3,
        automatic=True,
        prompt=4000,
        rates={"360p": 3.4, "720p": 10, "1080p": 15, "4k": 30},
        per_picture=1,
        sounds=True,
        run_seconds=45,
    ),
    "grok_imagine_1_5": RunwayModel(
        text=Operation(
            required=("promptText",),
            optional=("duration", "ratio", "resolution", "references", "referenceAudio"),
            ratios=tiers("", "16:9 1:1 9:16 4:3 3:4 3:2 2:3"),
            resolutions=_GROK_LINES,
            references=7,
        ),
        image=Operation(
            required=("promptImage",), optional=("duration", "promptText", "resolution"), resolutions=_GROK_LINES
        ),
        shortest=1,
        longest=15,
        prompt=2500,
        rates={"480p": 10, "720p": 16, "1080p": 29},
        per_picture=1,
        sounds=True,
        run_seconds=30,
    ),
    "grok_imagine_1_5_lite": RunwayModel(
        text=Operation(required=("promptText",), optional=("duration", "ratio"), ratios=_LITE),
        image=Operation(required=("promptImage",), optional=("duration", "promptText", "ratio"), ratios=_AUTO),
        shortest=1,
        longest=15,
        prompt=2500,
        rates={"480p": 2, "720p": 3, "1080p": 14},
        per_picture=1,
        sounds=True,
        run_seconds=25,
    ),
}
"""Every partner model by its name in the API."""
