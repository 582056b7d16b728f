"""Adapters to video vendors: pure translation, and the catalogue of what each vendor offers."""

from providers.base import BaseVideoProvider
from providers.replicate import ReplicateProvider
from providers.runway import RunwayProvider

PROVIDERS: tuple[type[BaseVideoProvider], ...] = (
    ReplicateProvider,
    RunwayProvider,
)
"""Every vendor, one line each."""
