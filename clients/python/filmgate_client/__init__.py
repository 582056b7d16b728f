"""A typed client for Filmgate: `FilmgateClient`, its asyncio twin, and the error both raise."""

from filmgate_client.aio import AsyncFilmgateClient
from filmgate_client.client import FilmgateClient
from filmgate_client.errors import FilmgateCallError, Violation
from filmgate_client.jobs import ENDED, is_ended, is_parked
from filmgate_client.prompts import PromptFields, ScriptFields
from filmgate_client.requests import GenerateFields, media, money

__all__ = [
    "ENDED",
    "AsyncFilmgateClient",
    "FilmgateCallError",
    "FilmgateClient",
    "GenerateFields",
    "PromptFields",
    "ScriptFields",
    "Violation",
    "is_ended",
    "is_parked",
    "media",
    "money",
]
