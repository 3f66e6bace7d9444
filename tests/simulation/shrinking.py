"""The smallest run that still goes wrong, told as a test."""

from collections.abc import Callable, Sequence

Fails = Callable[[Sequence[int]], bool]
_RUNS = 400


class _Best:
    """The smallest choices so far that fail."""

    def __init__(self, choices: Sequence[int], fails: Fails) -> None:
        self.choices = [*choices]
        self._fails = fails
        self._runs = 0

    def replaced(self, start: int, stop: int, instead: Sequence[int]) -> bool:
        """Whether a run with this piece replaced fails too; then it is the best."""
        tried = [*self.choices[:start], *instead, *self.choices[stop:]]
        while tried and tried[-1] == 0:  # what is beyond the end is tame
            tried.pop()
        if tried == self.choices or self._runs >= _RUNS:
            return False
        self._runs += 1
        if self._fails(tried):
            self.choices = tried
            return True
        return False


def shrink(choices: Sequence[int], fails: Fails) -> list[int]:
    """Take away of the choices what isn't needed for a run to fail.

    Pieces are left out, or chosen tamely, in halves, quarters and so on; then each choice is made
    smaller. At most 400 runs are tried.
    """
    best = _Best(choices, fails)
    best.replaced(0, 0, ())
    size = len(best.choices) // 2
    while size:
        start = 0
        while start < len(best.choices):
            stop = min(start + size, len(best.choices))
            if not best.replaced(start, stop, ()):
                best.replaced(start, stop, [0] * (stop - start))
                start += size
        size //= 2
    for index, choice in enumerate(best.choices):
        if choice > 1:
            best.replaced(index, index + 1, [1])
    return best.choices


def as_test(choices: Sequence[int]) -> str:
    """Write a run of these choices as a test that can be pasted."""
    lines = [", ".join(map(str, choices[at : at + 25])) for at in range(0, len(choices), 25)]
    made = ",\n        ".join(lines)
    return (
        "def test_again() -> None:\n"
        f"    choices = [\n        {made},\n    ]\n"
        "    check(simulate(Choices(replay=choices), is_faulty=True).history)\n"
    )
