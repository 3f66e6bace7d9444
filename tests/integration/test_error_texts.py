"""The messages that the page on troubleshooting quotes are those of the code."""

import ast
import re
from collections.abc import Iterator

import pytest

from pages import ROOT

_PAGE = (ROOT / "docs/how-to/troubleshooting.md").read_text()


def quoted_messages() -> list[str]:
    """The first column of the table of messages."""
    section = _PAGE.partition("## By error message")[2]
    return re.findall(r"^\| `(.+?)` \|", section, re.MULTILINE)


def messages_in_code() -> Iterator[str]:
    """Every text in the sources, adjoining literals as one, with a NUL for what is filled in."""
    for pattern in ("core/src/**/*.py", "plugins/*/src/**/*.py"):
        for path in ROOT.glob(pattern):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.JoinedStr):
                    yield "".join(
                        str(part.value) if isinstance(part, ast.Constant) else "\0"
                        for part in node.values
                    )
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value


@pytest.fixture(scope="module")
def texts() -> list[str]:
    return list(messages_in_code())


def is_said(message: str, texts: list[str]) -> bool:
    pattern = re.compile(re.escape(message).replace(r"\.\.\.", ".*"), re.DOTALL)
    return any(map(pattern.search, texts))


@pytest.mark.parametrize("message", quoted_messages())
def test_a_quoted_message_is_one_of_the_code(message: str, texts: list[str]) -> None:
    assert is_said(message, texts), "no text in the sources has these words any more"


def test_a_message_that_no_code_has_is_noticed(texts: list[str]) -> None:
    assert not is_said("the application isn't walking", texts)
    assert len(quoted_messages()) > 20
