"""How `interlock plugins list` tells what is installed."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from interlock._plugins.catalogue import Listing
from interlock._plugins.source_summary import Kind
from interlock._plugins.specs import BackendKind, StrategyKind
from interlock.cli.screen import screen_width, shortened

_HEADINGS: Mapping[tuple[str, Kind], str] = {
    ("interlock.backends", BackendKind.EVENTS): "event stores",
    ("interlock.backends", BackendKind.SNAPSHOTS): "snapshot stores",
    ("interlock.backends", BackendKind.CACHE): "caches",
    ("interlock.backends", None): "backends (they tell their kind when they are loaded)",
    ("interlock.strategies", StrategyKind.SNAPSHOT): "snapshot strategies",
    ("interlock.strategies", StrategyKind.CACHE): "cache strategies",
    ("interlock.strategies", None): "strategies (they tell their kind when they are loaded)",
    ("interlock.codecs", None): "codecs",
    ("interlock.extensions", None): "extensions",
}


def lines(listings: Sequence[Listing]) -> Iterator[str]:
    """The installed names by kind, a line each."""
    width = screen_width()
    claims = Counter((each.group, each.name) for each in listings)
    names = [
        each.name if claims[each.group, each.name] == 1 else each.full_name for each in listings
    ]
    column = max(map(len, names), default=0)
    for (group, kind), heading in _HEADINGS.items():
        found = [
            (name, f"BROKEN: {each.error}" if each.error else each.glance.summary(kind))
            for name, each in zip(names, listings, strict=True)
            if each.group == group and kind in (each.kinds or (None,))
        ]
        if found:
            yield f"{heading}:"
        for name, told in found:
            yield shortened(f"  {name:<{column}}  {' '.join(told.split())}", width)
