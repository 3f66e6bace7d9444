"""mypy and pyright, both strict, have nothing to say of what the documentation shows."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest

from blocks import Complaint, by_mypy, by_pyright, written
from pages import PAGES

Checker = Callable[[Mapping[Path, str], Path], Iterable[Complaint]]
CHECKERS = pytest.mark.parametrize("checker", [by_mypy, by_pyright])

_PROMISES = Path(__file__).with_name("promises.py")
_WRONG = """\
# A page

```python
text = "a"
```

<!-- not run: it can't be -->
```python title="other.py"
def count(words: list[str]) -> int:
    return words
```

<!-- not run: a part of a class -->
```python
nothing: Unknown
```

```python
number: int = text
print(number.nothing)
```
"""


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the checkers write, the same for all: mypy's second run takes a tenth of its first."""
    return tmp_path_factory.mktemp("checkers")


@CHECKERS
def test_every_block_is_typed(checker: Checker, tmp_path: Path, shared: Path) -> None:
    found = sorted(checker(written(PAGES, tmp_path), shared))
    assert not found, "\n".join(map(str, ["", *found]))


@CHECKERS
def test_the_calls_of_an_application_are_typed(checker: Checker, shared: Path) -> None:
    found = sorted(checker({_PROMISES: _PROMISES.name}, shared))
    assert not found, "\n".join(map(str, ["", *found]))


@CHECKERS
def test_what_is_wrong_is_told_by_page_and_line(
    checker: Checker, tmp_path: Path, shared: Path
) -> None:
    page = tmp_path / "page.md"
    page.write_text(_WRONG)
    found = {(each.page, each.line) for each in checker(written([page], tmp_path), shared)}
    assert found == {("page.md", 10), ("page.md", 19), ("page.md", 20)}
