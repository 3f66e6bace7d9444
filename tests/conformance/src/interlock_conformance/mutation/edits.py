"""Edits of code: the target, and the text before and after."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from textwrap import dedent
from typing import Protocol

from interlock_conformance.mutation.errors import EditError
from interlock_conformance.mutation.fragments import parse
from interlock_conformance.mutation.places import code_places, text_places
from interlock_conformance.mutation.targets import Files, find


class Edit(Protocol):
    """A change of some files."""

    @property
    def targets(self) -> Sequence[str]:
        """The names of the code that is changed."""

    def apply(self, files: Files) -> Files:
        """The files with the edit. Raises `EditError`."""

    def lines(self) -> Iterator[str]:
        """The edit as a diff shows it."""


@dataclass(frozen=True, slots=True)
class _Replacement:
    target: str
    before: str
    after: str

    @property
    def targets(self) -> Sequence[str]:
        """The name of the code that is changed."""
        return (self.target,)

    def lines(self) -> Iterator[str]:
        """The edit as a diff shows it."""
        yield f"@@ {self.target}"
        for sign, text in (("-", self.before), ("+", self.after)):
            yield from (f"{sign}{line}" for line in dedent(text).strip("\n").splitlines())

    def _sole(self, places: Sequence[Callable[[], None]]) -> Callable[[], None]:
        if len(places) != 1:
            raise EditError(
                f"{self.target}: `before` stands in it {len(places)} times, and has to stand in "
                f"it once: {self.before!r}"
            )
        return places[0]


class CodeEdit(_Replacement):
    """Replaces code in a target by other code, which are compared without their layout.

    The target is a function, a method, a class, or a constant of a module or a class, as in
    `Loader.load` and `_CHUNK`. It is found in whichever module it stands; where two define the
    name, it is written `module:name`, and `module:` alone is the module itself.

    `before` has to be found once in the target. It and `after` are one of

    - an expression: `found is None`;
    - one statement or several that follow each other; an empty `after` deletes them, an empty
      `before` stands for the end of the target's body;
    - the head of a statement, whose body stays: `if found is None:`, `except OSError:`,
      `async def read(self):`; statements may stand before the head in `after`;
    - decorators: `@cached`; an empty `after` deletes them;
    - `name=value`, which is found as an argument and as a parameter's default too.
    """

    __slots__ = ()

    def apply(self, files: Files) -> Files:
        """The files with the edit. Raises `EditError`."""
        before, after = parse(self.before), parse(self.after)
        if before.code == after.code:
            raise EditError(f"{self.target}: `before` and `after` are the same: {self.before!r}")
        target = find(files, self.target)
        self._sole([make for root in target.roots for make in code_places(root, before, after)])()
        return target.edited(files)


class TextEdit(_Replacement):
    """Replaces a part of a string or f-string in a target, but not in a docstring.

    What is put into an f-string stands in braces, as in its code: `WHERE {_KEY} AND`.
    """

    __slots__ = ()

    def apply(self, files: Files) -> Files:
        """The files with the edit. Raises `EditError`."""
        target = find(files, self.target)
        places = [text_places(root, self.before, self.after) for root in target.roots]
        self._sole([*chain.from_iterable(places)])()
        return target.edited(files)


class FileEdit(_Replacement):
    """Replaces text in a file that isn't Python; `target` is how its path ends."""

    __slots__ = ()

    @property
    def targets(self) -> Sequence[str]:
        """None that is code."""
        return ()

    def apply(self, files: Files) -> Files:
        """The files with the edit. Raises `EditError`."""
        edited = dict(files)

        def replace(path: str) -> None:
            edited[path] = edited[path].replace(self.before, self.after)

        paths = [path for path in files if path.endswith(self.target)]
        places = [path for path in paths for _ in range(files[path].count(self.before))]
        self._sole([partial(replace, path) for path in places])()
        return edited


@dataclass(frozen=True, slots=True)
class Edits:
    """Several edits, one after the other; without any, nothing is changed."""

    edits: Sequence[Edit] = ()

    @property
    def targets(self) -> Sequence[str]:
        """The names of the code that is changed."""
        return [target for edit in self.edits for target in edit.targets]

    def apply(self, files: Files) -> Files:
        """The files with all of them. Raises `EditError`."""
        for edit in self.edits:
            files = edit.apply(files)
        return files

    def lines(self) -> Iterator[str]:
        """The edits as a diff shows them."""
        return chain.from_iterable(edit.lines() for edit in self.edits)
