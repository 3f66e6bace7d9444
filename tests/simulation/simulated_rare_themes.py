"""Themes whose runs make frequent what is rare in all others; the measure tries them last."""

from collections.abc import Sequence

from choices import Choices
from interlock.application.aggregates import FastForward, NeverCache, SnapshotAfterN, Trust
from simulated_settings import FRESHNESS, Place, Settings
from simulated_themes import WRITER, Act, Cast, Theme, part_of
from surroundings import Fault

_SHORT = (0.0, 0.001)  # seconds
_LONG = 2.0  # seconds; all that is waited for meanwhile takes less


def confirming(choices: Choices) -> Theme:
    """The event store confirms heads or fails, and versions are loaded, of snapshots too."""
    settings = Settings(
        snapshots=choices.one_of((SnapshotAfterN(1), SnapshotAfterN(3))),
        place=choices.one_of((Place.AT_ONCE, Place.SHARED)),
        freshness=choices.one_of((FRESHNESS[0], FRESHNESS[2])),
        confirms=True,
    )
    reader = part_of(0, 8, Act.FORWARD, Act.VERSION)
    casts = ((WRITER, reader, part_of(0, 6, Act.LOOK)), (WRITER, part_of(1, 4, Act.VERSION)))
    return Theme(settings, casts, (Fault.FAILED, Fault.STALE), one_in=6, entry_one_in=2)


def committing(_: Choices) -> Theme:
    """Replies to appends come late, when others have appended, and states may be so old."""
    settings = Settings(place=Place.APART, freshness=FRESHNESS[1], are_stores_slow=True)
    reader = part_of(0, 8, Act.AGED)
    casts = ((WRITER, WRITER, part_of(0, 8, Act.MOVE), reader, reader),)
    return Theme(settings, casts, (Fault.SLOW,), pauses=(0.0, 0.1), slow=(0.8,))


def forgetting_records(choices: Choices) -> Theme:
    """What is derived is forgotten again and again, which takes long, beside loads of the head."""
    settings = Settings(
        place=choices.one_of((Place.AT_ONCE, Place.SHARED)),
        freshness=Trust(),
        are_stores_slow=True,
        does_all_answer=True,
    )
    forgetter, reader = part_of(0, 6, Act.FORGET), part_of(0, 8, Act.FORWARD, Act.TRUST)
    casts = ((WRITER, forgetter, forgetter, reader, reader),)
    return Theme(settings, casts, (Fault.SLOW, Fault.STALE), entry_one_in=2)


def deleting_beside_loads(_: Choices) -> Theme:
    """Loads take longer than it takes to forget a stream, and more begin when it is forgotten."""
    settings = Settings(
        cache=NeverCache(),
        freshness=Trust(),
        are_stores_slow=True,
        does_all_answer=True,
        is_alone=True,
    )
    reader = part_of(0, 6, Act.TRUST)
    casts: Sequence[Cast] = ((part_of(0, 2, Act.MOVE), part_of(0, 3, Act.DELETE), reader, reader),)
    return Theme(
        settings,
        casts,
        (Fault.SLOW,),
        begins_with=1,
        are_writes_slow=False,
        delays=_SHORT,
        slow=(_LONG,),
    )


def deleting_beside_puts(_: Choices) -> Theme:
    """Puts take longer than it takes to forget a stream."""
    settings = Settings(freshness=Trust(), does_all_answer=True, is_alone=True)
    casts = ((part_of(0, 4, Act.MOVE), part_of(0, 4, Act.DELETE), part_of(0, 6, Act.TRUST)),)
    return Theme(
        settings,
        casts,
        begins_with=1,
        pauses=(0.0, 0.01, 1.0),
        delays=_SHORT,
        puts_take=(_LONG,),
    )


def rollbacks_beside_loads(_: Choices) -> Theme:
    """A load and a command begin together after a rollback; the load's read answers last."""
    settings = Settings(freshness=Trust(), are_stores_slow=True)
    writer, reader = part_of(0, 8, Act.MOVE), part_of(0, 8, Act.FORWARD)
    trusting = part_of(0, 8, Act.TRUST)
    casts = ((writer, reader, trusting, trusting, trusting, trusting),)
    return Theme(
        settings,
        casts,
        (Fault.SLOW, Fault.STALE),
        entry_one_in=1,
        are_writes_slow=False,
        delays=_SHORT,
        pauses=(0.0, 0.3),
        beat=1.0,
        rolled_back_after=(1.3, 2.1),
    )


def retrying(_: Choices) -> Theme:
    """Requests to append that were given up come while others of the command are refused."""
    settings = Settings(cache=NeverCache(), freshness=FastForward())
    faults = (Fault.LATE, Fault.REFUSED)
    return Theme(
        settings,
        ((part_of(0, 2, Act.MOVE),),),
        faults,
        one_in=2,
        delays=(0.0, 0.2),
        breaks_down=True,
    )


def differences(choices: Choices) -> Theme:
    """At the end the cache has states that no events give, and each hit is compared."""
    settings = Settings(shadow=1.0, place=choices.one_of((Place.SHARED, Place.MACHINE)))
    return Theme(settings, ((part_of(0, 3, Act.MOVE), part_of(1, 3, Act.MOVE)),))


def turns(_: Choices) -> Theme:
    """Commands take turns, and callers give up just when something ends."""
    settings = Settings(cache=NeverCache(), freshness=FastForward(), does_all_answer=True)
    writer, looker = part_of(0, 6, Act.MOVE), part_of(0, 6, Act.LOOK)
    casts = ((writer, looker, looker),)
    return Theme(
        settings,
        casts,
        begins_with=4,
        pauses=(0.0, 0.25),
        delays=(0.0, 0.25),
        give_up_after=(0.25,),
    )
