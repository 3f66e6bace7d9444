"""The search for all that decides an aggregate's state: each input, and its digest."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from types import FunctionType
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from interlock._model.aggregate import Aggregate, routes_of
from interlock._storage.revision_parts.classes import TRAITS, members, users_bases
from interlock._storage.revision_parts.forms import Forms
from interlock._storage.revision_parts.labels import Form, Labels
from interlock._storage.revision_parts.loads import Loaded, loads_of, names_in, names_on_self
from interlock._storage.revision_parts.owners import Owners
from interlock._storage.revision_parts.syntax import digest
from interlock._storage.revision_parts.text import CODE_FORM
from interlock._storage.revision_parts.uses import DYNAMIC, Uses, name_of, names_of_functions


@dataclass(frozen=True, slots=True)
class Input:
    """One thing that decides: its label, its digest, and the module of what stands in one.

    The module isn't part of the revision: code may be moved, or be run as `__main__`.
    """

    label: str
    digest: str
    module: str | None = None

    @property
    def name(self) -> str:
        """How people are told of it, as in "RATE in shop.domain"."""
        return self.label if self.module is None else f"{self.label} in {self.module}"


class Search:
    """The search from one aggregate class; `inputs` is what it found.

    `not_from_text` are the functions whose text isn't that of the loaded code, `untold` is what
    can't be known. Raises `NoSourceError` for a function without a text.
    """

    def __init__(self, cls: type[Aggregate], codec_name: str) -> None:
        self.inputs: list[Input] = []
        self.not_from_text: list[str] = []
        self.untold: list[str] = []
        emits = routes_of(cls).emits
        events = sorted(emits, key=lambda event: emits[event].name)
        roots = [cls, *events]
        theirs = Owners(roots)
        self._owners = Owners(base for root in roots for base in users_bases(root, theirs))
        self._labels = Labels()
        self._todo: deque[type | FunctionType | Loaded] = deque(roots)
        self._done: set[object] = set()
        self._undecided: list[tuple[type, str, Any, bool]] = []  # a member; is it a handler?
        self._named: set[str] = set()  # by code that decides
        self._named_on_self: set[str] = set()
        self._add("codec", (codec_name,))
        self._add_routing(cls, events)
        forms = self._forms()
        fresh = forms.form(cls(id=UUID(int=0)))
        self._add(f"{self._labels.of_class(cls)} fresh state", fresh, forms)
        self._search()

    def _add_routing(self, cls: type[Aggregate], events: Iterable[type[BaseModel]]) -> None:
        routes, functions = routes_of(cls), names_of_functions(cls)
        self._add(f"{self._labels.of_class(cls)} stored name", (routes.name,))
        for event in events:
            entry, label = routes.emits[event], self._labels.of_class(event)
            names = (name for name, its in routes.events.items() if its is entry)
            former = sorted(name for name in names if name != entry.name)
            upcasters = sorted(entry.upcasters.items())
            steps = (f"{version} {name_of(step, functions)}" for version, step in upcasters)
            self._add(f"{label} stored name", (entry.name,))
            self._add(f"{label} former names", tuple(former))
            self._add(f"{label} schema version", (str(entry.schema_version), *steps))
            self._add(f"{label} applier", (name_of(entry.apply, functions),))

    def _search(self) -> None:
        while True:
            while self._todo:
                found = self._todo.popleft()
                key = (found.module, found.name) if isinstance(found, Loaded) else id(found)
                if key not in self._done:
                    self._done.add(key)
                    self._look_into(found)
            if not self._decide():
                return

    def _look_into(self, found: type | FunctionType | Loaded) -> None:
        if isinstance(found, type):
            self._add_class(found)
            return
        forms = self._forms()
        if isinstance(found, FunctionType):
            label, module = self._labels.of_function(found), found.__globals__.get("__name__")
            form = forms.code(found)
        else:
            label, module = self._labels.of_constant(found.module, found.name), found.module
            form = forms.form(found.value)
        self._add(label, form, forms, module=str(module))

    def _add_class(self, cls: type) -> None:
        for name, trait in TRAITS.items():
            forms = self._forms(cls)
            form = trait(cls, forms, self._owners)
            if form:
                self._add(f"{self._labels.of_class(cls)} {name}", form, forms)
        uses = Uses(cls, self._owners) if issubclass(cls, Aggregate) else None
        for base in users_bases(cls, self._owners):
            for name, member in members(base, self._owners).items():
                if uses is None:
                    self._add_member(base, name, member)
                elif name in uses.only_by_handlers:
                    self._undecided.append((base, name, member, name in uses.handlers))
                else:
                    self._add_member(base, name, member, is_aggregates=True)

    def _add_member(
        self, base: type, name: str, member: Any, *, is_aggregates: bool = False
    ) -> None:
        key = (id(base), name)
        if key in self._done:
            return
        self._done.add(key)
        forms = self._forms(base)
        self._add(f"{self._labels.of_class(base)}.{name}", forms.member(member), forms)
        if is_aggregates:
            for function in forms.seen:
                self._named_on_self |= names_on_self(function.__code__)

    def _decide(self) -> bool:
        """Add the members of handlers that other code turned out to use; whether there are any."""
        is_dynamic = not DYNAMIC.isdisjoint(self._named)
        undecided, self._undecided = self._undecided, []
        for base, name, member, is_handler in undecided:
            names = self._named_on_self if is_handler else self._named
            if name in names or (is_dynamic and not is_handler):
                self._add_member(base, name, member, is_aggregates=True)
            else:
                self._undecided.append((base, name, member, is_handler))
        return len(self._undecided) < len(undecided)

    def _forms(self, cls: type | None = None) -> Forms:
        also_own = None if cls is None else cls.__module__.partition(".")[0]
        return Forms(self._owners, self._labels, also_own)

    def _add(
        self, label: str, form: Form, forms: Forms | None = None, *, module: str | None = None
    ) -> None:
        """Note an input; what its code loads is bound to the names there, and looked into."""
        forms = forms or self._forms()
        loads: list[Form] = []
        for function in forms.seen:  # which grows while what they load is told
            self._named |= names_in(function.__code__)
            if self._owners.is_own(function.__globals__.get("__name__")):
                values, untold = loads_of(function, self._owners)
                forms.untold += untold
                loads += [(each.spelling, self._loaded(each, forms)) for each in values]
        found = digest((form, *loads))
        added = Input(label, f"{CODE_FORM}{found}" if forms.has_code_form else found, module)
        self.inputs.append(added)
        self._todo += forms.classes
        self._todo += forms.functions
        self.not_from_text += forms.not_from_text
        self.untold += [f"{added.name}: {each}" for each in forms.untold]

    def _loaded(self, loaded: Loaded, forms: Forms) -> Form:
        """The form of a value in the code that loads it; constants are inputs of their own."""
        if forms.is_named(loaded.value):
            return forms.form(loaded.value)
        self._todo.append(loaded)
        return ("constant", self._labels.of_constant(loaded.module, loaded.name))
