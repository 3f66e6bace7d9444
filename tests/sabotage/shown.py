"""Protections of what the configuration's commands show and tell."""

from interlock_conformance.mutation import CodeEdit
from patch import Patch

_TESTS = "tests/core/test_"

PATCHES = [
    Patch(
        "secrets are shown",
        "what came from the environment is masked",
        CodeEdit("Secret.__repr__", "repr(self.shown)", "repr(self[:])"),
        f"{_TESTS}masking.py::test_what_came_from_elsewhere_is_masked_however_it_is_formatted",
    ),
    Patch(
        "a secret option in the file is shown",
        "an option that its plugin declares secret is masked wherever it came from",
        CodeEdit("_Look.at", "any(map(_is_secret, leaves))", "False"),
        f"{_TESTS}masking.py::test_an_option_declared_secret_is_masked_even_if_it_stands_in_the_file",
    ),
    Patch(
        "a password ends at its first slash",
        "a password in a URL is masked whatever it consists of",
        CodeEdit("_spans", 'text.rfind("@")', 'text.find("@")'),
        f"{_TESTS}masking.py::test_a_password_in_a_url_is_not_shown",
    ),
    Patch(
        "a validator's message tells the secret",
        "secrets are masked in what a validator says",
        CodeEdit("_explained", 'masking.text(item["msg"])', 'item["msg"]'),
        f"{_TESTS}masking.py::test_a_validators_message_shows_no_secret",
    ),
    Patch(
        "a secret that is formatted is told",
        "what came from the environment is masked in an f-string",
        CodeEdit("Secret.__format__", "self.shown", "self[:]"),
        f"{_TESTS}masking.py::test_what_came_from_elsewhere_is_masked_however_it_is_formatted",
    ),
    Patch(
        "a reference shows its options",
        "the repr of a backend's reference shows no text",
        CodeEdit("BackendReference.__repr__", "isinstance(value, bool | int | float)", "True"),
        f"{_TESTS}masking.py::test_code_that_shows_what_it_gave_shows_no_password",
    ),
    Patch(
        "a secret is looked for as it is written",
        "a secret is masked in every spelling",
        CodeEdit("Masking.learn", "{secret, unquote(secret), unquote_plus(secret)}", "{secret}"),
        f"{_TESTS}masking.py::test_a_text_tells_no_part_of_a_secret_in_any_spelling",
    ),
    Patch(
        "causes keep the secrets",
        "no cause of an error at the start tells a secret",
        CodeEdit("OpenBackends._open", "self._reporting.masking.clean(error)", "None"),
        f"{_TESTS}masking_errors.py::TestErrors::test_no_cause_tells_the_password",
    ),
    Patch(
        "a failure that counts is logged as it is",
        "what is logged of a failure tells no secret",
        CodeEdit("Reporting.warn", "self.masking.text(text)", "text"),
        f"{_TESTS}masking.py::test_what_is_logged_of_a_failure_tells_no_secret",
    ),
    Patch(
        "each failure of a store that is down is logged",
        "of failures of one kind one a minute is logged",
        CodeEdit("LogLines.warning", "now - told.at < _QUIET_SECONDS", "False"),
        f"{_TESTS}reports.py::test_a_cache_that_is_down_is_logged_once_with_type_and_id",
    ),
    Patch(
        "a store that is down is logged once and never again",
        "of failures of one kind one a minute is logged",
        CodeEdit("LogLines.warning", "now - told.at < _QUIET_SECONDS", "told.at < now"),
        f"{_TESTS}reports.py::test_failures_of_one_kind_are_logged_once_a_minute_with_their_number",
    ),
    Patch(
        "an outage that was left out stays so",
        "an outage that lasts is logged",
        CodeEdit("OutageLines.goes_on", "not self._is_logged", "False"),
        f"{_TESTS}log_lines.py::TestOutages::test_one_that_lasts_is_logged_in_the_end",
    ),
    Patch(
        "the end of an outage is limited in rate",
        "what the log says last of a store is how it is",
        CodeEdit("OutageLines.ended", "Limit.NONE", "Limit.COUNTED"),
        f"{_TESTS}log_lines.py::TestOutages::test_short_ones_in_a_row_are_counted",
    ),
    Patch(
        "what is logged is remembered for ever",
        "the kinds of lines that are remembered are bounded",
        CodeEdit("LogLines.warning", "len(self._told) >= _KINDS", "False"),
        f"{_TESTS}log_lines.py::test_what_is_logged_is_bounded",
    ),
    Patch(
        "show trusts the file",
        "an option that its plugin declares secret isn't shown",
        CodeEdit(
            "effective",
            'shown({"backend": table["backend"], **defaults, **table}, model)',
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
        CodeEdit("_Installed._choice", "except Exception as error:", "except KeyError as error:"),
        f"{_TESTS}cli_config.py::test_the_schema_holds_what_is_installed_and_tells_what_it_leaves_out",
    ),
    Patch(
        "what doesn't open is well",
        "a configured backend that doesn't open is told of, with its cause",
        CodeEdit(
            "_backend", "replace(found, problem=catalogue.masking.text(_told(error)))", "found"
        ),
        f"{_TESTS}cli_plugins.py::TestDoctor::test_a_backend_that_does_not_open_fails_with_its_cause",
    ),
    Patch(
        "the doctor tells secrets",
        "secrets are masked in the causes that the doctor tells",
        CodeEdit("_backend", "catalogue.masking.text(_told(error))", "_told(error)"),
        f"{_TESTS}cli_plugins.py::TestDoctor::test_a_secret_in_a_cause_is_masked",
    ),
]
