"""What handlers reach, by names, calls, types and inheritance, counts."""

from collections.abc import Callable

import shop
from interlock._storage.revision import Revision
from revision_rig import TEXTS, changed, edited


def test_what_a_handler_shares_with_others_counts(revision: Callable[..., Revision]) -> None:
    by_name = edited("total += self.base_fee(", "total += self.base_fee(self.allowed(1) or ")
    by_text = edited("total += self.base_fee(", 'total += getattr_static(self, "allowed")(self, ')
    by_text = edited("import math\n", "import math\nfrom inspect import getattr_static\n", by_text)
    by_event = edited("event.FEE +", "event.FEE + event.ask(self) +")
    by_event = edited(
        "class Returned",
        "    def ask(self, order): return order.allowed(1)\n\n\nclass Returned",
        by_event,
    )
    for texts in (by_name, by_text, by_event):
        other = edited("return amount > 0", "return amount > 10", texts)
        assert changed(revision(texts), revision(other)) == {"Order.allowed"}


def test_members_that_are_found_by_computed_names_count(revision: Callable[..., Revision]) -> None:
    texts = edited("event.FEE +", 'event.FEE + getattr(self, f"allow{event.note}")(1) +')
    other = edited("return amount > 0", "return amount > 10", texts)
    assert changed(revision(texts), revision(other)) == {"Order.allowed"}
    handler = edited("if self.allowed(", "if not self.allowed(", texts)
    assert revision(handler).value == revision(texts).value


def test_functions_that_are_found_in_a_module_by_computed_names_count(
    revision: Callable[..., Revision],
) -> None:
    texts = edited("rates.fee(event.amount)", 'getattr(rates, f"{event.kind}")(1)')
    other = edited("return UNUSED", "return -UNUSED", texts)
    assert changed(revision(texts), revision(other)) == {"unused in rates"}
    texts = edited("rates.fee(event.amount)", 'globals()[f"{event.kind}"](1)')
    texts = edited("def converted", "def spare():\n    return 1\n\n\ndef converted", texts)
    other = edited("def spare():\n    return 1", "def spare():\n    return 2", texts)
    assert changed(revision(texts), revision(other)) == {"spare in orders"}


def test_what_is_called_anyway_counts_even_if_a_handler_names_it(
    revision: Callable[..., Revision],
) -> None:
    texts = edited("if self.allowed(", "if self.was_paid and self.was_returned and self.allowed(")
    other = edited('self.note = "returned"', 'self.note = "back"', texts)
    assert changed(revision(texts), revision(other)) == {"Order.was_returned"}


def test_a_handler_that_an_applier_calls_counts(revision: Callable[..., Revision]) -> None:
    texts = edited("event.FEE +", "event.FEE + (self.pay(event) or 1) +")
    other = edited("if self.allowed(", "if not self.allowed(", texts)
    assert changed(revision(texts), revision(other)) == {"Order.pay"}
    alike = edited("event.FEE +", "event.FEE + event.pay +")
    other = edited("if self.allowed(", "if not self.allowed(", alike)
    assert revision(alike).value == revision(other).value


def test_an_override_counts_also_if_the_base_has_the_same_name(
    revision: Callable[..., Revision],
) -> None:
    override = (
        "\n\nclass Order(Order):\n    @applies_event\n"
        "    def was_paid(self, event: Paid) -> None:\n        self.total += 1\n"
    )
    texts = {**TEXTS, "orders": shop.SHOP + override}
    other = edited("self.total += 1\n", "self.total += 2\n", texts)
    assert changed(revision(texts), revision(other)) == {"Order.was_paid"}
    below = edited("* self.factor", "- self.factor", texts)
    assert changed(revision(texts), revision(below)) == {"Order (2).was_paid"}


def test_type_parameters_count(revision: Callable[..., Revision]) -> None:
    found = changed(revision(), revision(edited("box: Box[int]", "box: Box[bool]")))
    assert "Paid fields" in found
    assert "Box[bool] fields" in found
