"""Protections of what the configuration's commands show and tell."""

from interlock_conformance.mutation import CodeEdit
from patch import Patch

_TESTS = "tests/core/test_"

PATCHES = [
    Patch(
        "secrets are shown",
        "what came from the environment is masked",
        CodeEdit("Secret.__repr__", "self.shown", "str(self)"),
        f"{_TESTS}config.py::test_variables_and_files_fill_in_values_and_stay_masked",
    ),
    Patch(
        "a secret option in the file is shown",
        "an option that its plugin declares secret is masked wherever it came from",
        CodeEdit(
            "hidden",
            "if isinstance(value, str) and (SecretStr in kinds or SecretBytes in kinds):",
            "if False:",
        ),
        f"{_TESTS}masking.py::test_an_option_declared_secret_is_masked_even_if_it_stands_in_the_file",
    ),
    Patch(
        "a password ends at its first slash",
        "a password in a URL is masked whatever it consists of",
        CodeEdit(
            "_PASSWORDS",
            r're.compile("(://[^/@:\\s]*:).*(?=@)", re.DOTALL)',
            r're.compile("(://[^/@:\\s]*:)[^@/\\s]*(?=@)")',
        ),
        f"{_TESTS}masking.py::test_a_password_in_a_url_is_not_shown",
    ),
    Patch(
        "a validator's message tells the secret",
        "secrets are masked in what a validator says",
        CodeEdit("_explained", 'masked(item["msg"], found)', 'item["msg"]'),
        f"{_TESTS}masking.py::test_a_validators_message_shows_no_secret",
    ),
    Patch(
        "show trusts the file",
        "an option that its plugin declares secret isn't shown",
        CodeEdit(
            "effective",
            'hidden({"backend": table["backend"], **defaults, **table}, model)',
            '{"backend": table["backend"], **defaults, **table}',
        ),
        f"{_TESTS}cli_config.py::test_an_option_that_a_plugin_declares_secret_is_masked",
    ),
    Patch(
        "an extension is used as often as it is listed",
        "an extension that is listed twice is used once",
        CodeEdit("Catalogue.extensions", "dict.fromkeys(names)", "names"),
        f"{_TESTS}extensions.py::test_one_that_is_listed_twice_is_used_once",
    ),
    Patch(
        "one plugin's options stop the schema",
        "a plugin whose options can't be had is left out of the schema",
        CodeEdit("_Installed._branch", "except Exception as error:", "except KeyError as error:"),
        f"{_TESTS}cli_config.py::test_the_schema_holds_what_is_installed_and_tells_what_it_leaves_out",
    ),
    Patch(
        "what doesn't open is well",
        "a configured backend that doesn't open is told of, with its cause",
        CodeEdit(
            "_backend", "replace(found, problem=masked(_told(error), reference.options))", "found"
        ),
        f"{_TESTS}cli_plugins.py::TestDoctor::test_a_backend_that_does_not_open_fails_with_its_cause",
    ),
    Patch(
        "the doctor tells secrets",
        "secrets are masked in the causes that the doctor tells",
        CodeEdit("_backend", "masked(_told(error), reference.options)", "_told(error)"),
        f"{_TESTS}cli_plugins.py::TestDoctor::test_a_secret_in_a_cause_is_masked",
    ),
]
