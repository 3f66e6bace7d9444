"""The suites for an installed backend: pytest --pyargs interlock_conformance.suites."""
