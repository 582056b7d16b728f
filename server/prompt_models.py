"""Which model a prompt is fitted to: found in the catalogue as for a video, though nothing is bought from it yet."""

from core.errors import Precondition
from core.spec import MediaInput, Wish
from jobs.life import Jobs
from jobs.planning import AUTO
from jobs.targets import target
from prompts.words import Target
from providers.model import VideoModel


class Models:
    """Finds models by id, alias and `auto`. One that cannot be bought here at the moment is fitted to all the same."""

    def __init__(self, jobs: Jobs) -> None:
        self._vendors = jobs.context.vendors
        self._history = jobs.context.history
        self._default = jobs.context.policy.default_model

    def target(self, name: str, wanted: Wish) -> Target:
        """The model of this name, for the mode of the wish; `auto` takes one that can honour it, if there is one.

        Raises NotFound and Precondition as GenerateVideo does.
        """
        row = self._auto(wanted) if self.is_auto(name) else self._vendors.find(name or self._default, wanted.mode).model
        return target(row, wanted.mode)

    def is_auto(self, name: str) -> bool:
        """Whether the name leaves the choice to us."""
        return (name or self._default) == AUTO

    def _auto(self, wanted: Wish) -> VideoModel:
        try:
            return self._chosen(wanted)
        except Precondition:
            return self._chosen(Wish(prompt=wanted.prompt, first_frame=wanted.first_frame))

    def _chosen(self, wanted: Wish) -> VideoModel:
        usual = self._history.usual(mock=False)
        return self._vendors.chooser.choose(wanted, self._vendors.usable(), typical=usual).model


def wish_of(duration: float | None, aspect_ratio: str | None, image: MediaInput | None = None) -> Wish:
    """What `auto` should look for. The prompt will be made to fit, so that its length says nothing."""
    return Wish(prompt="-", duration=duration, aspect_ratio=aspect_ratio, first_frame=image)
