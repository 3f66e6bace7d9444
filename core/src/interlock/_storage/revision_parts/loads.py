"""The names that a function's code loads from modules, and their values."""

import builtins
import dis
import functools
import importlib
from collections.abc import Iterator, Mapping
from importlib.util import resolve_name
from types import CodeType, FunctionType, ModuleType
from typing import Any, NamedTuple

from interlock._storage.revision_parts.owners import Owners

Chain = tuple[str, ...]  # a global's name and the attributes that are read from it at once

_GLOBAL = {"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"}
_ATTRIBUTE = {"LOAD_ATTR", "LOAD_METHOD"}
_UNTOLD = (eval, exec, __import__, importlib.import_module)


class Loaded(NamedTuple):
    """A value; how the code spells it; the module that holds it, and under which name."""

    spelling: str
    module: str
    name: str
    value: object


def loads_of(function: FunctionType, owners: Owners) -> tuple[list[Loaded], list[str]]:
    """The values that a function loads, and the names that can't be known before it is called.

    A module that is passed on as a whole, as for `getattr`, gives all that it defines.
    """
    found: dict[str, Loaded] = {}
    untold = []
    namespace, module = function.__globals__, str(function.__globals__.get("__name__"))
    chains, imports = _scan(function.__code__, str(namespace.get("__package__") or ""))
    for name, wanted in sorted(imports):
        if owners.is_own(name):
            try:
                found |= {each.spelling: each for each in _imported(name, wanted, owners)}
            except Exception as error:  # noqa: BLE001 whatever an import raises
                untold.append(f"the import of {name} ({type(error).__name__})")
    for chain in sorted(chains):
        if chain[0] in namespace:
            start = Loaded(chain[0], module, chain[0], namespace[chain[0]])
            loaded = _followed(start, chain[1:], owners)
        elif chain[0] == "globals":
            loaded = list(_all_of(namespace, Loaded("globals()", "", module, None), owners))
        else:
            value = getattr(builtins, chain[0], None)
            loaded = [Loaded(chain[0], "builtins", chain[0], value)] if _is_untold(value) else []
        untold += [f"{each.spelling}()" for each in loaded if _is_untold(each.value)]
        found |= {each.spelling: each for each in loaded}
    return list(found.values()), untold


def names_in(code: CodeType) -> set[str]:
    """The attributes and globals that a code object names, and its texts: `getattr` takes them."""
    names = set(code.co_names)
    for item in code.co_consts:
        if isinstance(item, CodeType):
            names |= names_in(item)
        elif isinstance(item, str):
            names |= set(item.split("."))
    return names


def _followed(start: Loaded, attributes: Chain, owners: Owners) -> list[Loaded]:
    """The end of a chain of names: the first value on it that is no module."""
    loaded, rest = start, list(attributes)
    while issubclass(type(loaded.value), ModuleType):  # asking a proxy may raise
        module: Any = loaded.value  # Any: it may be of a class of its own
        if not rest:
            whole = loaded._replace(name=module.__name__)
            is_own = owners.is_own(module.__name__)
            return list(_all_of(vars(module), whole, owners)) if is_own else []
        name = rest.pop(0)
        if not hasattr(module, name):
            return []  # it will raise, or be set later
        spelling = f"{loaded.spelling}.{name}"
        loaded = Loaded(spelling, module.__name__, name, getattr(module, name))
    return [loaded]


def _all_of(namespace: Mapping[str, Any], whole: Loaded, owners: Owners) -> Iterator[Loaded]:
    """The names that a module defines: no dunders, no modules, nothing taken from a library."""
    for name, value in sorted(namespace.items()):
        is_module = issubclass(type(value), ModuleType)
        is_code = issubclass(type(value), type | FunctionType)
        is_taken = is_module or (is_code and not owners.is_own(value.__module__))
        if not name.startswith("__") and not is_taken:
            yield Loaded(f"{whole.spelling}.{name}", whole.name, name, value)


def _is_untold(value: object) -> bool:
    return any(value is each for each in _UNTOLD)


def _imported(name: str, wanted: Chain, owners: Owners) -> list[Loaded]:
    """The names that an import within a function brings; the function would import it, too."""
    module = importlib.import_module(name)
    for attribute in wanted:
        if not hasattr(module, attribute):
            importlib.import_module(f"{name}.{attribute}")
    start = Loaded(name, name, name, module)
    chains: list[Chain] = [(attribute,) for attribute in wanted] or [()]
    return [each for chain in chains for each in _followed(start, chain, owners)]


def _scan(code: CodeType, package: str) -> tuple[set[Chain], set[tuple[str, Chain]]]:
    """The chains that the code loads, and the modules and names that it imports."""
    chains: set[Chain] = set()
    imports: set[tuple[str, Chain]] = set()
    chain: Chain = ()
    before: list[Any] = [None, None]  # what was loaded last: constants of any type
    for operation, argument in _instructions(code):
        if chain and operation in _ATTRIBUTE:
            chain = (*chain, argument)
            continue
        chains.add(chain)
        chain = (argument,) if operation in _GLOBAL else ()
        if operation == "IMPORT_NAME":
            level, wanted = before
            name = resolve_name("." * (level or 0) + argument, package)
            imports.add((name, wanted or ()))
        before = [before[1], argument]
    chains.add(chain)
    for item in code.co_consts:
        if isinstance(item, CodeType):
            nested = _scan(item, package)
            chains |= nested[0]
            imports |= nested[1]
    return chains - {()}, imports


@functools.lru_cache(maxsize=8)
def _instructions(code: CodeType) -> list[tuple[str, Any]]:  # Any: names, constants
    return [(each.opname, each.argval) for each in dis.get_instructions(code)]


def names_on_self(code: CodeType) -> set[str]:
    """The attributes that a method reads from its first parameter."""
    found = set()
    last: object = None
    for operation, argument in _instructions(code):
        if operation in _ATTRIBUTE and last in code.co_varnames[:1]:
            found.add(argument)
        loaded = argument if operation.startswith("LOAD_FAST") else None
        last = loaded[-1] if isinstance(loaded, tuple) else loaded  # one that loads two at once
    return found
