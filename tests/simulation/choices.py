"""The one source of everything that varies in a simulated run."""

import random
from collections.abc import Sequence
from typing import TypeVar
from uuid import UUID

T = TypeVar("T")


class Choices:
    """Choices drawn from a seed, or replayed from the list of those that another run made.

    `made` lists the choices of this run. A seed gives other choices on another version of Python,
    a list doesn't; beyond its end the first option is chosen, which is always the tame one.
    """

    def __init__(self, seed: int | None = None, replay: Sequence[int] = ()) -> None:
        self._random = None if seed is None else random.Random(seed)  # noqa: S311 no secret
        self._replay = iter(replay)
        self._ids = 0
        self.made: list[int] = []

    def below(self, count: int, *, wanted: int | None = None) -> int:
        """Choose a number from 0 to `count - 1`; the one that is wanted, unless it is replayed."""
        if count <= 1:
            return 0
        if self._random is None:
            drawn = next(self._replay, 0)
        else:
            drawn = self._random.randrange(count) if wanted is None else wanted
        self.made.append(drawn % count)
        return drawn % count

    def one_of(self, options: Sequence[T]) -> T:
        """Choose an option."""
        return options[self.below(len(options))]

    def happens(self, one_in: int) -> bool:
        """Choose whether what happens once in so many times happens now."""
        return self.below(one_in) == one_in - 1

    def new_id(self) -> UUID:
        """Make an id that this run hasn't made yet."""
        self._ids += 1
        return UUID(int=self._ids, version=4)
