"""Protections of revisions: each input of one is seen, and nothing else is."""

from interlock_conformance.mutation import CodeEdit
from patch import Patch

_TESTS = "tests/core/test_revision"
_CHANGES = f"{_TESTS}.py::test_a_change_of_what_events_mean_changes_it_and_names_the_input"
_NO_CHANGES = f"{_TESTS}.py::test_a_change_of_handlers_comments_docstrings_or_layout_does_not"
_SHARED = f"{_TESTS}_reached.py::test_what_a_handler_shares_with_others_counts"
_ONE_LINE = f"{_TESTS}_text.py::test_functions_on_one_line_are_told_apart"
_FOREIGN = f"{_TESTS}_owners.py::test_of_another_distribution_only_what_is_held_counts"

_INPUTS = {
    "code": ("Forms.code", "self._digest(function)", '""'),
    "closures": ("Forms.code", "sorted(closure_of(function).items())", "()"),
    "a field's default": ("Forms.field", "self.form(field.default)", "()"),
    "a field's factory": ("Forms.field", "self.form(field.default_factory)", "()"),
    "a field's type": ("Forms.field", "self._annotations.held(field.annotation)", "()"),
    "a field's metadata": ("Forms.field", "field.metadata", "()"),
    "a field's settings": ("Forms.field", "self.form(settings)", "()"),
    "private attributes": ("_model", "forms.form(private.default)", "()"),
    "a dataclass's fields": ("_dataclass", "fields(cls)", "()"),
    "a dataclass's parameters": ("_dataclass", '("eq", "frozen", "order")', "()"),
    "an enum's members": ("_content", "forms.form(member.value)", "()"),
    "a NamedTuple's defaults": ("_content", '"_field_defaults"', '"_fields"'),
    "a TypedDict's totality": (
        "_content",
        '("_field_defaults", "__total__", "__required_keys__")',
        "()",
    ),
    "the order of bases": ("_bases", "map(label, cls.__mro__)", "()"),
    "the configuration": ("_config", "return forms.form(given) if given else ()", "return ()"),
    "validators' fields and modes": ("_validators", "tuple(_decorators(cls, forms))", "()"),
    "constants of classes": ("Forms.member", "return self.form(member)", "return ()"),
    "constants of modules": ("Search._look_into", "form = forms.form(found.value)", "form = ()"),
    "what functions load": (
        "Search._add",
        "self._owners.is_own(function.__globals__.get('__name__'))",
        "False",
    ),
    "functions that are mentioned": ("Search._add", "self._todo += forms.functions", ""),
    "classes that are mentioned": ("Search._add", "self._todo += forms.classes", ""),
    "imports within functions": ("_scan", "imports.add((name, wanted or ()))", ""),
    "attributes of modules": ("_scan", "chain = (*chain, argument)", "pass"),
    "the state of objects": ("Forms._taken_apart", "self.form(state)", "()"),
    "a deque's bound": ("Forms._taken_apart", "self.form(arguments)", "()"),
    "wrappers of libraries": ("Forms._function", "self._plain_ones(held)", "()"),
    "wrappers that are no functions": (
        "wrapped_in",
        "return [getattr(value, name) for name in next(found, ())]",
        "return []",
    ),
    "fresh states": ("Search.__init__", "fresh = forms.form(cls(id=UUID(int=0)))", "fresh = ()"),
    "stored names": ("Search._add_routing", "self._add(f'{label} stored name', (entry.name,))", ""),
    "the aggregate's stored name": ("Search._add_routing", "(routes.name,)", "()"),
    "former names": ("Search._add_routing", "tuple(former)", "()"),
    "schema versions": ("Search._add_routing", "str(entry.schema_version)", "''"),
    "which version an upcaster is for": ("Search._add_routing", "steps", "()"),
    "bases that are no aggregates": (
        "users_bases",
        "not owners.is_library(base.__module__)",
        "not owners.is_library(base.__module__) and hasattr(base, 'model_fields')",
    ),
}
"""What is an input; where it is read; what stands there in a revision that is blind to it."""

_BLIND = {
    "attributes of modules": _NO_CHANGES,
    "fresh states": _FOREIGN,
    "which version an upcaster is for": _CHANGES,
}

PATCHES = [
    *(
        Patch(
            f"the revision is blind to {name}",
            f"another revision for a change of {name}",
            CodeEdit(*edit),
            _BLIND.get(name, _CHANGES),
            (16, 17),
        )
        for name, edit in _INPUTS.items()
    ),
    Patch(
        "the revision is blind to the codec",
        "another codec is another revision",
        CodeEdit("Search.__init__", "(codec_name,)", "()"),
        f"{_TESTS}.py::test_the_codec_is_part_of_it",
    ),
    Patch(
        "a name stands for whatever it was imported as",
        "which function a name means is part of the revision",
        CodeEdit("Search._add", "self._loaded(each, forms)", "self._loaded(each, forms) and ()"),
        f"{_TESTS}.py::test_which_function_an_imported_name_means_is_told",
        (17,),
    ),
    Patch(
        "the revision sees handlers",
        "a changed handler invalidates nothing",
        CodeEdit(
            "Uses.__init__", "self.handlers = _handler_names(cls, names)", "self.handlers = set()"
        ),
        _NO_CHANGES,
    ),
    Patch(
        "an applier that a handler names is a handler's",
        "what others call counts whoever names it",
        CodeEdit("Uses.__init__", "called = _called_by_others(cls, names)", "called = set()"),
        f"{_TESTS}_reached.py::test_what_is_called_anyway_counts_even_if_a_handler_names_it",
        (17,),
    ),
    Patch(
        "what a handler uses is a handler's alone",
        "what other code names counts, too",
        CodeEdit("Search._add", "self._named |= names_in(function.__code__)", ""),
        _SHARED,
        (17,),
    ),
    Patch(
        "texts are no names",
        "getattr finds members by texts",
        CodeEdit("names_in", "names |= set(item.split('.'))", "pass"),
        _SHARED,
    ),
    Patch(
        "members are found by names in the code alone",
        "getattr may find any member",
        CodeEdit("Search._decide", "not DYNAMIC.isdisjoint(self._named)", "False"),
        f"{_TESTS}_reached.py::test_members_that_are_found_by_computed_names_count",
        (17,),
    ),
    Patch(
        "a module that is passed on is nothing",
        "getattr finds any function of a module",
        CodeEdit("_followed", "owners.is_own(module.__name__)", "False"),
        f"{_TESTS}_reached.py::test_functions_that_are_found_in_a_module_by_computed_names_count",
        (17,),
    ),
    Patch(
        "a handler is never an applier's helper",
        "a handler that an applier calls counts",
        CodeEdit(
            "Search._add_member", "self._named_on_self |= names_on_self(function.__code__)", ""
        ),
        f"{_TESTS}_reached.py::test_a_handler_that_an_applier_calls_counts",
    ),
    Patch(
        "docstrings count",
        "a docstring decides nothing",
        CodeEdit("_that_act", "isinstance(node.value, ast.Constant)", "False"),
        _NO_CHANGES,
    ),
    Patch(
        "f-strings are taken as the parser cuts them",
        "every version of Python has the same revision",
        CodeEdit("_field_of", "return _joined(node.values)", "return node.values"),
        f"{_TESTS}_trees.py::test_every_version_of_python_reads_the_same_trees",
    ),
    Patch(
        "sets are taken in the process's order",
        "every process has the same revision",
        CodeEdit(
            "Forms._container", "sorted(map(self.form, value), key=ascii)", "map(self.form, value)"
        ),
        f"{_TESTS}.py::test_it_is_the_same_in_every_process",
    ),
    Patch(
        "modules' names are part of the revision",
        "code may be moved, or be run as a program",
        CodeEdit("revision_of", "(each.label, each.digest)", "(each.name, each.digest)"),
        f"{_TESTS}.py::test_it_is_the_same_in_every_process",
    ),
    Patch(
        "a text is believed by its names",
        "a text counts only if it compiles to the loaded code",
        CodeEdit("_Text.digest_of", "code_form(each) == form", "True"),
        f"{_TESTS}_text.py::test_a_file_that_changed_after_its_import_does_not_lend_its_revision",
    ),
    Patch(
        "defaults are taken from the text",
        "defaults count as they were when the function was defined",
        CodeEdit("Forms.code", "self.form(function.__defaults__)", "()"),
        f"{_TESTS}_text.py::test_what_code_was_given_when_it_was_defined_counts",
    ),
    Patch(
        "functions on one line are one function",
        "functions on one line are told apart by their columns",
        CodeEdit("_Text._digest", "if len(nodes) > 1:", "if False:"),
        _ONE_LINE,
    ),
    Patch(
        "asserts decide nothing",
        "an assert is part of the revision, and that it runs",
        CodeEdit("tree_digest", "any(word.startswith('Assert ') for word in words)", "False"),
        f"{_TESTS}_text.py::test_only_what_holds_an_assert_depends_on_optimisation",
    ),
    Patch(
        "pytest's rewriting warns",
        "tests that define aggregates aren't warned of what pytest does",
        CodeEdit(
            "Forms._digest", "if not is_rewritten_by_pytest(function.__globals__):", "if True:"
        ),
        f"{_TESTS}_text.py::test_asserts_that_pytest_rewrites_warn_nobody",
    ),
    Patch(
        "what can't be told is passed by",
        "what can't be told is named",
        CodeEdit("_doubts", "if found.untold:", "if False:"),
        f"{_TESTS}_text.py::test_what_cannot_be_told_is_named",
    ),
    Patch(
        "other distributions' code counts",
        "what another distribution computes with is its own business",
        CodeEdit("Owners.is_own", "not found or not found.isdisjoint(self._own)", "True"),
        _FOREIGN,
    ),
    Patch(
        "what an event holds of another distribution is a name",
        "the dataclasses that events hold count, whoever defines them",
        CodeEdit("Annotations._class", "(is_held and is_data(cls))", "False"),
        _FOREIGN,
        (17,),
    ),
    Patch(
        "a base of another distribution is a stranger",
        "what a base calls in its own distribution counts",
        CodeEdit("Search.__init__", "users_bases(root, theirs)", "[root]"),
        f"{_TESTS}_owners.py::test_a_distribution_that_has_a_base_of_an_own_class_counts",
        (17,),
    ),
    Patch(
        "Interlock's own fields are part of the revision",
        "a revision doesn't depend on how Aggregate is written",
        CodeEdit("_is_aggregates", "not any(declared)", "False"),
        f"{_TESTS}.py::test_it_is_what_it_was",
    ),
]
