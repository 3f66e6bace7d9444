"""An edit finds its place by name and code, whatever the layout, and says why where it can't."""

from textwrap import indent

import pytest

from interlock_conformance.mutation import (
    CodeEdit,
    Edit,
    EditError,
    Edits,
    FileEdit,
    TextEdit,
    code_of,
)

SHELF = '''\
"""Shelves."""

import time

LIMIT = 10
QUERY = f"SELECT {LIMIT} FROM shelf WHERE id = :id AND {{x}}"


class Shelf:
    """Where books stand."""

    size: int = 3
    names = ["a", "b"]

    @property
    @cached
    def first(self):
        return self.books[0]

    def put(self, book, *, copies=1, timeout: float = 2.0):
        """See `put`: a book."""
        if book is None or self.is_full:  # full shelves take nothing
            raise ValueError("no book")
        elif copies > 3:
            time.sleep(0.1)
        with self.lock:
            self.books.append(book)
            self.count = self.count + 1
        return self.place(book, strict=True, timeout=timeout)

    def take(self):
        try:
            return self.books.pop()
        except IndexError as error:
            raise KeyError from error
'''
FILES = {"shop/shelf.py": SHELF, "shop/other.py": "LIMIT = 20\n", "shop/NOTES": "two notes\n"}


def edited(edit: Edit, text: str = SHELF) -> str:
    """The shelf's module after an edit."""
    return edit.apply({**FILES, "shop/shelf.py": text})["shop/shelf.py"]


@pytest.mark.parametrize(
    ("target", "before", "after", "gives"),
    [
        ("Shelf.put", "book is None", "False", "if False or self.is_full:"),
        ("Shelf.put", "self.books.append(book)", "pass", "with self.lock:\n            pass"),
        ("Shelf.put", "if book is None or self.is_full:", "if False:", "if False:"),
        ("Shelf.put", "elif copies > 3:", "elif copies > 4:", "elif copies > 4:"),
        ("Shelf.put", "with self.lock:", "if True:", "if True:\n            self.books.append"),
        ("Shelf.put", "with self.lock:", "x = 1\nif x:", "x = 1\n        if x:\n            self"),
        ("Shelf.put", "copies=1", "copies=2", "book, *, copies=2, timeout"),
        ("Shelf.put", "strict=True", "strict=False", "(book, strict=False, timeout=timeout)"),
        ("Shelf.put", "strict=True", "", "self.place(book, timeout=timeout)"),
        ("Shelf.put", "timeout=2.0", "timeout=None", "timeout: float=None)"),
        ("Shelf.put", "", "print()", "timeout=timeout)\n        print()"),
        ("Shelf.put", "def put(self, book, *, copies=1, timeout: float=2.0):", "def add(self):",
         'def add(self):\n        """See `put`'),
        ("Shelf.take", "except IndexError as error:", "except OSError:", "except OSError:"),
        ("Shelf.take", "return self.books.pop()", "x = 1\nreturn x", "x = 1\n            return x"),
        ("Shelf.first", "@cached", "", "@property\n    def first"),
        ("Shelf.first", "@property\n@cached", "@cached", "    @cached\n    def first"),
        ("Shelf.size", "size: int = 3", "size: int = 4", "size: int = 4"),
        ("Shelf.names", '["a", "b"]', "[]", "names = []"),
        ("Shelf", "", "extra = 1", "from error\n    extra = 1"),
        ("shelf:LIMIT", "10", "11", "LIMIT = 11"),
        ("shop.shelf:LIMIT", "LIMIT = 10", "", "import time\nQUERY"),
        ("shelf:", "import time", "import tine", "import tine"),
    ],
)  # fmt: skip
def test_code_is_replaced_where_it_stands(target: str, before: str, after: str, gives: str) -> None:
    assert gives in edited(CodeEdit(target, before, after))


def test_what_is_assigned_to_is_no_expression() -> None:
    assert "self.count = 0 + 1" in edited(CodeEdit("Shelf.put", "self.count", "0"))


def test_several_statements_are_replaced_or_deleted() -> None:
    both = """
        self.books.append(book)
        self.count = self.count + 1
        """
    assert "with self.lock:\n            x()\n" in edited(CodeEdit("Shelf.put", both, "x()"))
    assert "with self.lock:\n            pass\n" in edited(CodeEdit("Shelf.put", both, ""))


def test_a_part_of_a_string_is_replaced_between_what_is_put_in() -> None:
    text = edited(TextEdit("QUERY", "{LIMIT} FROM shelf WHERE id", "{LIMIT} FROM other WHERE x"))
    assert "QUERY = f'SELECT {LIMIT} FROM other WHERE x = :id AND {{x}}'" in text
    assert "ValueError('no shelf')" in edited(TextEdit("Shelf.put", "book", "shelf"))


def test_a_docstring_is_no_string() -> None:
    with pytest.raises(EditError, match=r"stands in it 0 times"):
        edited(TextEdit("Shelf.put", "See `put`", "See `take`"))


def test_text_of_other_files_is_replaced() -> None:
    files = FileEdit("NOTES", "two", "three").apply(FILES)
    assert files["shop/NOTES"] == "three notes\n"
    assert files["shop/shelf.py"] == SHELF


def test_layout_and_comments_do_not_matter() -> None:
    text = SHELF.replace(
        "        if book is None or self.is_full:  # full shelves take nothing\n",
        "        if (  # whatever\n            (book is None)\n   or self .is_full\n        ):\n",
    )
    edit = CodeEdit("Shelf.put", "if book is None or self.is_full:", "if False:")
    assert edited(edit, text) == edited(edit)


@pytest.mark.parametrize(
    "files",
    [
        {"shop/deep/moved.py": SHELF},
        {"shop/__init__.py": f"if True:\n{indent(SHELF, '  ')}"},
    ],
)
def test_a_target_is_found_wherever_its_module_moves(files: dict[str, str]) -> None:
    (text,) = CodeEdit("Shelf.take", "self.books.pop()", "None").apply(files).values()
    assert "return None" in text


def test_a_module_is_looked_at_only_where_several_define_the_name() -> None:
    moved = {"shop/place.py": SHELF, "shop/NOTES": ""}
    assert "LIMIT = 11" in CodeEdit("shelf:LIMIT", "10", "11").apply(moved)["shop/place.py"]
    with pytest.raises(EditError, match=r"is defined in shop/other\.py, shop/shelf\.py$"):
        edited(CodeEdit("LIMIT", "10", "11"))


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (CodeEdit("Shelf.give", "x", "y"), r"^Shelf\.give: .* is defined nowhere$"),
        (CodeEdit("Shelf.put", "book is 1", "x"), r"^Shelf\.put: `before` stands in it 0 times"),
        (CodeEdit("Shelf.put", "self.books.pop()", "x"), r"stands in it 0 times"),
        (CodeEdit("Shelf.put", "book", "0"), r"stands in it 3 times, and has to stand in it once"),
        (CodeEdit("Shelf.put", "timeout=timeout", "timeout = timeout"), r"are the same"),
        (CodeEdit("Shelf.put", "if x", "y"), r"no expression, statements, head or decorators"),
        (CodeEdit("Shelf.put", "with self.lock:", "x = 1"), r"head by named"),
        (CodeEdit("Shelf.put", "if x:", "if x:\n    if y:"), r"no expression, statements"),
        (CodeEdit("Shelf.put", "copies=1", ""), r"a default can be replaced, not deleted"),
        (CodeEdit("Shelf.put", "time.sleep(0.1)", "return = 1"), r"no expression"),
        (CodeEdit("Shelf.put", "time.sleep(0.1)", "break"), r"is no code: 'break' outside loop"),
        (TextEdit("QUERY", "SELECT", "{"), r"no f-string"),
        (FileEdit("NOTES", "three", "two"), r"stands in it 0 times"),
    ],
)
def test_an_edit_that_cannot_be_made_says_why(edit: Edit, message: str) -> None:
    with pytest.raises(EditError, match=message):
        edited(edit)


def test_edits_follow_each_other() -> None:
    edits = Edits(
        (
            CodeEdit("Shelf.take", "self.books.pop()", "None"),
            CodeEdit("Shelf.take", "return None", "return 1"),
        )
    )
    assert "return 1" in edited(edits)
    assert edits.targets == ["Shelf.take", "Shelf.take"]
    assert list(edits.lines())[:3] == ["@@ Shelf.take", "-self.books.pop()", "+None"]
    assert Edits().apply(FILES) == FILES


def test_the_code_of_a_target_is_without_layout_and_docstrings() -> None:
    code = code_of(FILES, "Shelf.put")
    changed = {
        "shop/moved.py": SHELF.replace("  # full shelves take nothing", "").replace(
            '"""See `put`: a book."""', '"""Another."""'
        )
    }
    assert code_of(changed, "Shelf.put") == code
    assert code_of({"shelf.py": SHELF.replace("copies > 3", "copies > 4")}, "Shelf.put") != code
