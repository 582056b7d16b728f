"""Adapters to video vendors: pure translation, and the catalogue of what each vendor offers."""

from providers.base import BaseVideoProvider
from providers.cog import CogProvider
from providers.fal import FalProvider
from providers.google import GoogleProvider
from providers.luma import LumaProvider
from providers.luma_legacy import LumaLegacyProvider
from providers.minimax import MiniMaxProvider
from providers.openai_videos import OpenAIProvider, OpenAIVideosProvider
from providers.replicate import ReplicateProvider
from providers.runway import RunwayProvider
from providers.vertex import VertexProvider

PROVIDERS: tuple[type[BaseVideoProvider], ...] = (
    CogProvider,
    FalProvider,
    GoogleProvider,
    LumaLegacyProvider,
    LumaProvider,
    MiniMaxProvider,
    OpenAIVideosProvider,
    OpenAIProvider,
    ReplicateProvider,
    RunwayProvider,
    VertexProvider,
)
"""Every vendor, one line each."""
