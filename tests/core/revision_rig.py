"""A module's text, edited, imported and given a revision."""

import sys
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import shop
from interlock._storage.codecs import JsonCodec
from interlock._storage.revision import Revision, revision_of

GOLDEN = "2a906e7fafe3ad22"
"""The revision of the shop's order: in every process, on every Python, with every pydantic."""
TEXTS = {"orders": shop.SHOP, "rates": shop.RATES, "later": shop.LATER}
Texts = Mapping[str, str]
unchanged: list[Revision] = []  # computed once: all that differs is compared with it


@pytest.fixture
def imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Imports `orders` anew from given texts, in a folder of their own."""
    folders = iter(range(10))

    def imported(texts: Texts = TEXTS) -> Any:
        folder = tmp_path / str(next(folders))
        folder.mkdir()
        for name, text in texts.items():
            (folder / f"{name}.py").write_text(text)
            sys.modules.pop(name, None)
        monkeypatch.syspath_prepend(folder)
        return import_module("orders")

    yield imported
    for name in TEXTS:
        sys.modules.pop(name, None)


@pytest.fixture
def revision(imported: Callable[..., Any]) -> Callable[..., Revision]:
    """The revision of an order of given texts."""

    def revision(texts: Texts = TEXTS) -> Revision:
        if texts is not TEXTS:
            return revision_of(imported(texts).Order, JsonCodec())
        if not unchanged:
            unchanged.append(revision_of(imported().Order, JsonCodec()))
        return unchanged[0]

    return revision


def edited(before: str, after: str, texts: Texts = TEXTS) -> Texts:
    """The texts with something replaced that stands in one of them, once."""
    assert sum(text.count(before) for text in texts.values()) == 1, before
    return {name: text.replace(before, after) for name, text in texts.items()}


def changed(old: Revision, new: Revision) -> set[str]:
    return {name for name, _ in old.inputs.items() ^ new.inputs.items()}
