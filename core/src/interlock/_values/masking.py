"""Masks in what is shown of a configuration: values from elsewhere, and passwords.

What is secret is found by structure: in where a value came from, in the model of the options, in
the parts of a URL, in the names of options. Whatever leaves goes through here.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import is_dataclass
from inspect import get_annotations
from types import UnionType
from typing import Annotated, Any, Self, Union, get_args, get_origin
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from pydantic import BaseModel, RootModel, SecretBytes, SecretStr
from pydantic import Secret as SecretValue

MASK = "***"
_LONGEST = 80  # characters of a value in a message
_SHORT = 4  # a secret with less is looked for as a word, or every text would be full of masks

_WORDS = {"pass", "passwd", "password", "passphrase", "pwd", "secret", "token", "credentials"}
_ENDINGS = ("password", "passwd", "secret", "token", "apikey", "accesskey")
_WORDS_OF_QUERIES = _WORDS | {"auth", "authorization", "code", "key", "sig", "signature"}
_WORD = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+")
_PARAMETER = re.compile(r"(?:^|[?&;#\s])([^\s?&;#=@/:]++)=([^\s&;#]*+)")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*+://[^\s'\"<>|]*+")


class Secret(str):
    """A string a part of which came from the environment or a file.

    However it is formatted, that part is masked; where a `str` is wanted, pydantic makes it a plain
    one. `parts` are what in it is secret.
    """

    __slots__ = ("parts", "shown")

    shown: str
    parts: tuple[str, ...]

    def __new__(cls, value: str, shown: str = MASK, parts: Iterable[str] | None = None) -> Self:
        """The value, how it is shown, and what in it is secret: all of it unless given."""
        secret = super().__new__(cls, value)
        secret.shown = shown
        secret.parts = (value,) if parts is None else tuple(parts)
        return secret

    def __repr__(self) -> str:
        return repr(self.shown)

    def __str__(self) -> str:
        return self.shown

    def __format__(self, spec: str) -> str:
        return format(self.shown, spec)


class Masking:
    """The secrets of some options, and how texts are told without them."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()

    def learn(self, options: object, model: type[BaseModel] | None = None) -> Self:
        """Take the secrets of options, by what their model declares as well."""
        look = _Look()
        look.at(options, (model,))
        for secret in look.secrets:
            self._secrets |= {secret, unquote(secret), unquote_plus(secret)}
            utf8 = secret.encode(
                errors="surrogatepass"
            )  # a lone surrogate is no text, and may come
            self._secrets |= {quote(utf8, safe=""), quote(utf8), quote_plus(utf8)}
            self._secrets |= {repr(secret)[1:-1]}
        self._secrets -= {"", MASK}
        return self

    def text(self, text: str) -> str:
        """The text with the secrets masked wherever they stand in it, and with those of URLs."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            if len(secret) < _SHORT:
                text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", MASK, text)
            else:
                text = text.replace(secret, MASK)
        return _URL.sub(lambda found: _without(found[0]), text)

    def clean(self, error: BaseException) -> bool:
        """Mask the texts of an error and of all that led to it; a cause that keeps them is cut.

        Whether the error itself tells no secret then.
        """
        return self._clean(error, {id(error)})

    def _clean(self, error: BaseException, seen: set[int]) -> bool:
        error.args = tuple(self.text(a) if isinstance(a, str) else a for a in error.args)
        if isinstance(error, OSError) and isinstance(error.strerror, str):
            error.strerror = self.text(error.strerror)
        for cause in (error.__cause__, error.__context__, *getattr(error, "exceptions", ())):
            if cause is not None and id(cause) not in seen:
                seen.add(id(cause))
                if not self._clean(cause, seen):
                    error.__cause__ = error.__context__ = None
        return self.text(told := str(error)) == told


def shown(options: Mapping[str, Any], model: object = None) -> dict[str, Any]:  # Any: TOML values
    """Options as they may be shown: secrets masked, those that their model declares as well."""
    masked: dict[str, Any] = _Look().at(options, (model,))
    return masked


def brief(value: object) -> str:
    """A value of TOML as a message may show it: masked, and short."""
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list | tuple):
        return "an array"
    text = repr(_Look().at(value, ()))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


class _Look:
    """One look through options: how they are shown, and the secrets in them."""

    def __init__(self) -> None:
        self.secrets: list[str] = []

    def at(self, value: Any, kinds: Sequence[object], name: str = "") -> Any:  # Any: TOML values
        """The value as it is shown; `kinds` are what its model says of it."""
        leaves = list(_leaves(kinds))
        if value is not None and any(map(_is_secret, leaves)):
            self.secrets += _texts(value)
            return MASK
        if isinstance(value, Mapping):
            inner = _inner(leaves)
            return {
                key: self.at(item, _of_field(leaves, key) or inner, str(key))
                for key, item in value.items()
            }
        if isinstance(value, list | tuple | set | frozenset):
            inner = _inner(leaves)
            return [self.at(item, inner, name) for item in value]
        if isinstance(value, str | bytes) and _names_a_secret(name, _WORDS):
            self.secrets += _texts(value)
            return MASK
        return self._string(value) if isinstance(value, str) else value

    def _string(self, value: str) -> str:
        self.secrets += [value[start:end] for start, end in _spans(value)]
        if not isinstance(value, Secret):
            return _without(value)
        if value.parts:
            # Of a URL the host and the path may stand in a message, or nobody knew what failed.
            self.secrets += [value[:], *(() if "://" in value else value.parts)]
        return _without(value.shown)


def _leaves(kinds: Iterable[object]) -> Iterator[Any]:  # Any: types, as annotations say them
    """The types that annotations consist of, unions and aliases taken apart."""
    for kind in kinds:
        origin = get_origin(kind)
        if origin is Annotated:
            yield from _leaves(get_args(kind)[:1])
        elif origin in (Union, UnionType):
            yield from _leaves(get_args(kind))
        elif hasattr(kind, "__value__"):  # an alias made by `type`
            yield from _leaves([kind.__value__])
        elif isinstance(kind, type) and issubclass(kind, RootModel):
            yield from _leaves([kind.model_fields["root"].annotation])
        elif kind is not None:
            yield kind


def _is_secret(kind: object) -> bool:
    found = get_origin(kind) or kind
    return isinstance(found, type) and issubclass(found, SecretStr | SecretBytes | SecretValue)


def _inner(leaves: Iterable[object]) -> list[object]:
    """The types of items in containers of these types."""
    return [inner for kind in leaves for inner in get_args(kind) if inner is not Ellipsis]


def _of_field(leaves: Iterable[Any], key: str) -> list[object]:  # Any: types
    """The types of a key in models, dataclasses and typed dictionaries."""
    found: list[object] = []
    for kind in leaves:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            fields = kind.model_fields.items()
            found += [f.annotation for n, f in fields if key in (n, f.alias, f.validation_alias)]
        elif is_dataclass(kind) or hasattr(kind, "__total__"):
            found += [hint for n, hint in get_annotations(kind, eval_str=True).items() if n == key]
    return found


def _texts(value: Any) -> Iterator[str]:  # Any: TOML values
    """All texts in a value."""
    if isinstance(value, str):
        yield value[:]
    elif isinstance(value, bytes):
        yield value.decode(errors="replace")
    elif isinstance(value, Mapping):
        yield from _texts(list(value.values()))
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, SecretStr | SecretBytes | SecretValue):
        yield from _texts(value.get_secret_value())


def _without(text: str) -> str:
    """The text without the passwords of a URL, of `user:password@host`, of `password=...`."""
    parts, at = [], 0
    for start, end in sorted(_spans(text)):
        if start >= at:
            parts += [text[at:start], MASK]
            at = end
    return "".join([*parts, text[at:]])


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Positions of passwords in it. One that isn't escaped goes on to the last @."""
    scheme, found, rest = text.partition("://")
    begin = len(scheme) + 3 if found else 0
    end = text.rfind("@")
    colon = text.find(":", begin, max(end, begin))
    has_user = not rest.startswith("/") if found else not re.search(r"[\s/]", text[: max(colon, 0)])
    if colon >= 0 and has_user:
        yield colon + 1, end
    for match in _PARAMETER.finditer(text):
        if _names_a_secret(match[1], _WORDS_OF_QUERIES):
            yield match.span(2)


def _names_a_secret(name: str, words: AbstractSet[str]) -> bool:
    found = [word.lower() for word in _WORD.findall(name)]
    if not found or found[-1] in ("file", "path"):
        return False
    joined = "".join(found)
    return joined.endswith(_ENDINGS) or not words.isdisjoint(found)
