"""Whether an answer of the application is one that plain replay could give."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from interlock.application.aggregates import MaxAge, Trust
from interlock.domain import Aggregate, Command, ConcurrencyError
from interlock.errors import (
    AppendOutcomeUnknownError,
    BackendUnavailableError,
    ConfigurationError,
    VersionNotFoundError,
)
from law import badge, domain
from law.calls import Dispatch, Forget, Load
from law.calls import Events as ReadEvents
from law.model import Plain as State
from law.oracle import fold
from law.plain import is_same, plain
from law.run_state import BrokenError, Called, One, Stream

if TYPE_CHECKING:
    from law.world import World


@dataclass
class Check:
    """Holds one answer against the law."""

    world: "World"
    called: Called
    bit: list[int]

    def __post_init__(self) -> None:
        self.process, self.subject = self.called.call.process, self.called.subject
        self.begin, self.floor = self.called.begin, self.called.floor

    def __call__(self, call: One, answer: Any) -> None:
        if isinstance(call, Dispatch):
            self._dispatched(call.command, answer)
        elif isinstance(call, Forget):
            self._forgotten(call, answer)
        elif isinstance(answer, BackendUnavailableError) and self._may_fail(call):
            pass
        elif isinstance(call, ReadEvents):
            self._read(answer)
        elif call.version is not None:
            self._loaded_at(self._asked(call), answer)
        else:
            self._loaded(call, answer)

    @property
    def stream(self) -> Stream:
        return self.world.history.streams[self.subject]

    @property
    def lengths(self) -> range:
        return range(self.begin, len(self.stream.events) + 1)

    def _forgotten(self, call: Forget, answer: Any) -> None:
        if isinstance(answer, ConfigurationError):
            self._demand(self.world.plan.snapshots != "records", call, answer)
        elif isinstance(answer, BackendUnavailableError):
            self._demand(any(self.bit), call, answer)
        else:
            self._demand(answer is None, call, answer)
            self.world.seen["snapshots forgotten"] += 1

    def _may_fail(self, call: One) -> bool:
        """Whether a plain replay would have failed too, or the user asked for the failure."""
        setup = self.world.plan.setups[self.process]
        limits = setup.on_unavailable == "fail" or setup.replay_limit is not None
        return bool(self.bit[0] or (self.bit[1] and limits))

    def _dispatched(self, command: Command[Any], answer: Any) -> None:
        accepted = self.stream.accepted.get(command.command_id)
        if isinstance(answer, AppendOutcomeUnknownError) and self.bit[0]:
            stand = [one.bytes in self.stream.ids for one in answer.event_ids]
            self._demand(stand and all(stand) == any(stand) == bool(accepted), command, answer)
            return
        got = outcome(answer)
        if accepted is not None:
            wanted_then, _ = accepted
            self._demand(is_same(got, wanted_then), command, f"{got}, wanted {wanted_then}")
            return
        if isinstance(answer, BackendUnavailableError) and self._may_fail(Dispatch(0, command)):
            return
        if isinstance(answer, ConcurrencyError) and isinstance(command, domain.PostOnce):
            self._demand(len(self.lengths) > 1, command, "a conflict with nobody")
            return
        decisions = [self.world.history.decided(self.subject, command, n) for n in self.lengths]
        wanted = [one.outcome for one in decisions if not one.events]
        self._demand(any(is_same(got, one) for one in wanted), command, f"{got}, wanted {wanted}")

    def _read(self, answer: Any) -> None:
        self._demand(not isinstance(answer, Exception), "events", answer)
        found = [(type(one.event).__name__, plain(one.event)) for one in answer]
        self._demand(len(found) in self.lengths, "events", f"{len(found)} of {self.lengths}")
        self._demand(is_same(found, self.stream.events[: len(found)]), "events", found)

    def _asked(self, call: Load) -> int:
        return max(self.begin - (call.version or 0), 0)

    def _loaded_at(self, version: int, answer: Any) -> None:
        if isinstance(answer, VersionNotFoundError):
            texts = [
                f"{self.subject[0]} {self.subject[1]}: version {version} was asked for, the stream "
                f"ends at {length}"
                for length in self.lengths
                if length < version
            ]
            self._demand(str(answer) in texts, version, answer)
            return
        self._demand(version < self.lengths.stop, version, answer)
        self._is_fold(version, answer)

    def _loaded(self, call: Load, answer: Any) -> None:
        setup = self.world.plan.setups[self.process]
        freshness = call.freshness or setup.freshness
        self._demand(isinstance(answer, Aggregate), call, repr(answer))
        version, world = answer.version, self.world
        if not isinstance(freshness, Trust | MaxAge):
            self._demand(version in self.lengths, call, f"version {version} of {self.lengths}")
            self._is_fold(version, answer)
            return
        if world.is_exempt(self.process, self.subject):
            states = [*self.stream.ghosts, *(self._fold(n) for n in range(self.lengths.stop))]
            self._demand(
                any(is_same(plain(answer), state) for state in states), call, "never was a state"
            )
            return
        floor = self.floor[self.subject]
        self._demand(floor <= version < self.lengths.stop, call, f"version {version}, had {floor}")
        self._is_fold(version, answer)
        if isinstance(freshness, MaxAge) and version < self.begin:
            age = self.called.began - self.stream.born[version]
            self._demand(age < freshness.delta, call, f"version {version} is old since {age}")

    def _fold(self, version: int) -> State:
        return fold(*self.subject, self.stream.events[:version])

    def _is_fold(self, version: int, answer: Any) -> None:
        self._demand(not isinstance(answer, Exception), version, repr(answer))
        wanted = self._fold(version)
        self._demand(is_same(plain(answer), wanted), version, f"{plain(answer)}, wanted {wanted}")

    def _demand(self, holds: object, what: object, otherwise: object) -> None:
        if not holds:
            raise BrokenError(f"{self.subject}, {what!r}: {otherwise}")


def outcome(answer: Any) -> tuple[Any, ...]:
    if isinstance(answer, Exception):
        return ("error", type(answer).__name__, str(answer))
    return ("value", plain(answer))


def vandalise(answer: Aggregate) -> None:
    """What is handed out is the caller's own: this mustn't be seen again."""
    if isinstance(answer, domain.Ledger):
        answer.lines.clear()
        answer.tags.append("vandal")
        answer.words.clear()
        answer.owner = "vandal"
        for versions in answer.counts.values():
            versions.clear()
    elif isinstance(answer, badge.Badge):
        answer.points = -1
