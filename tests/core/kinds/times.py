"""Rows of times and secrets."""

from kinds.rows import BUILD, EMIT, KEPT, NOT_KEPT, REGISTRATION, Row

_AS_UTC = "convert it to UTC: `.astimezone(UTC)`"
_NAMED_ZONE = "convert it to UTC, and keep the zone's name in a field of its own"
_FOLD = "`.astimezone(UTC)` says which of the two hours is meant"

TIMES = (
    Row("`datetime` without a zone", "datetime", "datetime(2030, 3, 31, 1, 30, 0, 7)", KEPT, KEPT),
    Row("`datetime` in UTC", "datetime", "datetime(2030, 3, 31, tzinfo=UTC)", KEPT, KEPT),
    Row(
        "`datetime` with an offset",
        "datetime",
        "datetime(2030, 3, 31, tzinfo=timezone(timedelta(hours=5, minutes=45)))",
        KEPT,
        KEPT,
    ),
    Row(
        "an offset with seconds",
        "datetime",
        "datetime(1900, 1, 1, tzinfo=timezone(timedelta(minutes=19, seconds=32)))",
        EMIT,
        NOT_KEPT,
        _AS_UTC,
    ),
    Row(
        "an offset with a name",
        "datetime",
        'datetime(2030, 3, 31, tzinfo=timezone(timedelta(hours=1), "CET"))',
        EMIT,
        NOT_KEPT,
        _NAMED_ZONE,
    ),
    Row(
        "a zone with rules",
        "datetime",
        'datetime(2030, 3, 31, tzinfo=ZoneInfo("Europe/Berlin"))',
        EMIT,
        NOT_KEPT,
        _NAMED_ZONE,
    ),
    Row(
        "UTC as a zone with rules",
        "datetime",
        'datetime(2030, 3, 31, tzinfo=ZoneInfo("UTC"))',
        EMIT,
        NOT_KEPT,
        "`datetime.UTC`",
    ),
    Row(
        "the second of two equal hours",
        "datetime",
        "datetime(2030, 10, 27, 2, 30, fold=1)",
        EMIT,
        NOT_KEPT,
        _FOLD,
    ),
    Row(
        "the first and the last `datetime`",
        "list[datetime]",
        "[datetime.min, datetime.max]",
        KEPT,
        KEPT,
    ),
    Row(
        "a subclass of `datetime`",
        "datetime",
        "Instant(2030, 3, 31, tzinfo=UTC)",
        EMIT,
        NOT_KEPT,
        "a `datetime`",
    ),
    Row(
        "`datetime` as seconds",
        'model_config = ConfigDict(ser_json_temporal="seconds")\n'
        "value: datetime = datetime(2030, 1, 1, tzinfo=UTC)",
        "datetime(2030, 3, 31, 1, 30, 0, 7, tzinfo=UTC)",
        KEPT,
        KEPT,
    ),
    Row("`date`", "date", "date(2030, 3, 31)", KEPT, KEPT),
    Row("a `date` in a `datetime | date`", "datetime | date", "date(2030, 3, 31)", KEPT, KEPT),
    Row(
        "a `datetime` in a `date`", "date", "datetime(2030, 3, 31, 5)", EMIT, NOT_KEPT, "`.date()`"
    ),
    Row("`time`", "time", "time(1, 30, 0, 7)", KEPT, KEPT),
    Row(
        "`time` with an offset",
        "time",
        "time(1, 30, tzinfo=timezone(timedelta(hours=2)))",
        KEPT,
        KEPT,
    ),
    Row("`timedelta`", "timedelta", "timedelta(days=-1, microseconds=1)", KEPT, KEPT),
    Row(
        "`timedelta` in thousandths of a second",
        'model_config = ConfigDict(ser_json_temporal="milliseconds")\n'
        "value: timedelta = timedelta()",
        "timedelta(days=10_000, microseconds=1)",
        EMIT,
        NOT_KEPT,
        "ISO 8601, which is pydantic's default",
    ),
)
SECRETS = (
    Row(
        "`SecretStr`",
        "SecretStr",
        'SecretStr("hunter2")',
        REGISTRATION,
        BUILD,
        "keep where the secret is found, or a hash",
        named="value",
    ),
    Row(
        "`SecretBytes`",
        "SecretBytes",
        'SecretBytes(b"hunter2")',
        REGISTRATION,
        BUILD,
        "as above",
        named="value",
    ),
    Row(
        "`Secret[int]`",
        "Secret[int]",
        "Secret(4711)",
        REGISTRATION,
        BUILD,
        "as above",
        named="value",
    ),
)
