"""Words between processes: each hears the others and not itself, and knows when it may have missed something."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence

import pytest

from core.channel import Channel
from tests.postgres import Postgres


class Ear:
    """A channel, and what came out of it."""

    def __init__(self, url: str, name: str) -> None:
        self.heard: list[Sequence[str] | None] = []
        self.cuts = 0
        self.channel = Channel(url, name, self.heard.append, self._cut)

    def _cut(self) -> None:
        self.cuts += 1

    @property
    def words(self) -> set[str]:
        """All words so far."""
        return {word for words in self.heard if words is not None for word in words}


@pytest.fixture
def url(postgres: Postgres) -> Iterator[str]:
    """An empty database."""
    with postgres.database() as name:
        yield postgres.url(name)


@pytest.fixture
async def two(url: str) -> AsyncIterator[tuple[Ear, Ear]]:
    """Two processes that listen."""
    ears = Ear(url, "one"), Ear(url, "two")
    for ear in ears:
        ear.channel.start()
    await _until(lambda: all(ear.heard for ear in ears))
    yield ears
    for ear in ears:
        await ear.channel.stop()


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - what it waits for has no event
            await asyncio.sleep(0.01)


async def test_the_other_hears_and_oneself_does_not(two: tuple[Ear, Ear]) -> None:
    one, two_ = two
    one.channel.say(["job_1", "clip_1"])
    await _until(lambda: two_.words == {"job_1", "clip_1"})
    two_.channel.say(["job_2"])
    await _until(lambda: one.words == {"job_2"})
    assert one.heard[0] is two_.heard[0] is None


async def test_many_words_come_whole(two: tuple[Ear, Ear]) -> None:
    one, other = two
    words = [f"clip_{number:026}" for number in range(1_000)]
    one.channel.say(words)
    await _until(lambda: other.words == set(words))
    assert len(other.heard) < 20


async def test_far_too_many_words_mean_everything(two: tuple[Ear, Ear]) -> None:
    one, other = two
    one.channel.say([str(number) for number in range(20_000)])
    one.channel.say(["one more"])
    await _until(lambda: other.heard[-1] is None and len(other.heard) > 1)


async def test_who_was_cut_off_knows_it_and_hears_again(postgres: Postgres, two: tuple[Ear, Ear]) -> None:
    one, other = two
    postgres.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'fgbell:%'")
    await _until(lambda: other.cuts > 0 and other.heard.count(None) > 1)
    one.channel.say(["after"])
    await _until(lambda: "after" in other.words)
