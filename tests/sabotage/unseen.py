"""The protections of the engine whose absence no history of the simulation shows, and why."""

from collections.abc import Mapping

_COST = "what it saves is time or memory; every answer is the same"
_TRUE = "what is kept then is older, but a state that the stream had; what reads it has the floor"
_REFUTED = "a record that stays is read with the tail after it, which proves it false or true"
_CLOCKS = "where clocks are stepped, the checker believes no age"
_TOLD = "it changes a message, a counter, a log line or a report, which histories don't hold"
_READABLE = "in these runs every event can be applied, and every state be copied and kept"
_SOUND = "ids, metadata, strategies and backends of these runs are as they should be"
_FAILS = "a call fails that needn't, with a documented error, which any call may where things fail"
_BOUNDED = "snapshots of many are read in these runs while their store is up"
_TIME = "no strategy of these runs goes by time"
_DUE = "when a snapshot is taken changes no answer"
_LEFT = "what a close leaves undone is a snapshot or an entry, without which everything is answered"
_OVERLAP = "a load that began before the forget may return what was there before it"
_ONCE = "histories don't hold how often a handler ran"
_UNTOLD = "who is cancelled isn't told the outcome, so that both are allowed"
_ANYIO = "no caller of these runs has a scope of anyio, or cancels twice"
_TASKS = "no handler of these runs leaves a task behind"
_AGAIN = "what is below the known head is read anew, a head that is too high is refuted by a read"
_BEHIND = "which puts go on behind an answer, and which it waits for, changes no answer"
_TURNS = (
    "the turns that long replays take save the event store's time; each of its reads is bounded"
)
_ERA = "what a cache has of a stream before a rollback is returned until a read proves it false"
_CHECKS = "it is of a check that authors and operators call, which no caller of these runs does"
_SETTLED = "each cache of these runs that puts are late into has a settler, which makes it good"
_LIVES = "no application of these runs is started again after its close"
_ARCHIVES = "no stream is archived in these runs"
_OBSERVERS = "nobody observes these runs"
_OTHERS = "what another process derives meanwhile may come after the removals too"

_REASONS: Mapping[str, tuple[str, ...]] = {
    _COST: (
        "an append proves no rollback",
        "failures that cost nothing open a breaker",
        "a full record opens a breaker",
        "closing tries a cache that is down for each entry",
        "removals behind the answers open a breaker",
        "one entry is tried again and again",
        "an entry is compared with the head",
        "all hits are replayed at once",
        "replay fills the cache",
        "all events are held until the last is folded",
        "all that are asked for are one batch",
        "a cache that gave no answer is put to five hundred times",
        "unusable cache entries stay",
        "removal of an unusable entry takes any",
        "after a conflict the entry stays",
        "a conflict drops whatever is cached",
        "a command is tried for ever",
        "a commit supersedes nothing",
        "a cancelled command keeps nothing",
        "the queue has no end",
        "nobody shares a load",
        "the floor grows without bound",
        "time is taken for nobody",
        "a long tail is folded by everybody",
        "a load that waits is made by everybody",
        "loads delete snapshots that look ahead",
        "a rebuild stores its end only",
        "a rebuild begins at the beginning",
        "a rebuild replays while the snapshot store is down",
        "commands wait for their snapshots",
        "the last queued snapshot is written",
        "the queue of snapshots grows for ever",
        "after an unusable snapshot comes the replay",
        "after a refuted snapshot comes the replay",
        "named older revisions are not read",
        "older revisions come first",
        "older revisions are not read for many",
        "a bad record is an outage",
        "a store that is down is asked again",
        "a slow state is waited for",
        "what is merely ahead counts as false",
        "any number of states waits to be kept",
        "a timeout is a caller that gave up",
        "what a cache that rests would refuse is encoded for it",
        "any number of puts goes on behind",
        "a probe that fails at once lets all others try the store",
        "a store that confirms heads is read all the same",
        "a rebuild removes what is appended meanwhile",
    ),
    _AGAIN: (
        "loads from before a commit are joined after it",
        "many start from below the floor",
        "the floor outlives the stream",
        "a hit from before is a floor after",
    ),
    _BEHIND: (
        "a shared cache is waited for",
        "a slow cache isn't waited for",
        "timeouts count as what a cache takes",
    ),
    _TURNS: (
        "all long replays are made at once",
        "a replay takes a slot when it turns out to be long only",
        "what isn't known to be long needs no slot",
        "every replay needs a slot",
        "loads come before commands",
        "a long replay waits for ever",
        "many at once need no slot",
        "a long replay is made again by the next process",
    ),
    _ERA: ("what a skipped put would have superseded stays",),
    _CHECKS: (
        "a snapshot that lies is taken for right",
        "a snapshot is the state itself",
        "only the snapshot is compared",
        "a difference is passed over",
    ),
    _SETTLED: ("a put is given up that nothing makes good",),
    _LIVES: ("closing forgets what it gives up",),
    _TRUE: (
        "old versions are cached",
        "a state below the floor is put",
        "a commit is put below the floor",
        "a failed put leaves the old entry",
        "a state too large leaves the older one",
        "unproven states are kept",
        "declined states leave the old entry",
        "a load that declines leaves the old entry",
    ),
    _REFUTED: (
        "a rebuild stores what was forgotten",
        "a forget doesn't see a rebuild's put",
        "a false snapshot that waits wins",
        "only the last put's word on what is false counts",
        "a queued snapshot outlives its aggregate",
        "a snapshot is written after it was removed",
        "a rebuild leaves what it refuted",
        "a rebuild never sees what is ahead",
        "a load supersedes nothing",
    ),
    _CLOCKS: ("a clock that jumped back makes states young",),
    _TOLD: (
        "a rollback to the same version goes unseen",
        "what a close loses is silent",
        "nobody hears why nothing is cached",
        "the cache's reason stays when the next state is kept",
        "the cache's reason is not forgotten",
        "one exception is everybody's",
        "a report tells no misses",
        "a report tells nothing of the baseline",
        "an observer fails the load",
        "a failure that counts is logged as it is",
        "each failure of a store that is down is logged",
        "a store that is down is logged once and never again",
        "each loss is logged each time",
        "losses are not counted",
        "snapshots are not counted",
        "failing snapshots are silent",
        "what failed before is told for ever",
        "the revisions that have snapshots are not told",
        "nobody hears why nothing is snapshotted",
        "the reason stays when the next state is kept",
        "the snapshots' reason is not forgotten",
        "a loss condemns the type",
        "which fields are set depends on the baseline",
        "a folded state has no stamp, or its baseline's",
    ),
    _READABLE: (
        "one event that doesn't apply fails the batch",
        "a tail that broke off is taken as far as it came",
        "who can't have a copy of many gets the same object",
        "who can't have a copy gets the same object",
        "a state without a record is shared",
        "an entry stays when the next state can't be kept",
        "a state that can't be folded fails the command",
        "what a handler was given is kept",
        "events are folded onto what a handler was given",
        "handlers meet cached properties",
        "a time that no datetime holds is met later",
        "a snapshot that can't be encoded fails the command",
        "a rebuild stops at a state that can't be kept",
    ),
    _SOUND: (
        "a batch is read by ids as they were given",
        "snapshots are rebuilt of ids as they were given",
        "metadata is not read again",
        "metadata may hold NaN",
        "NaN in metadata becomes null",
        "a refusal comes half-way",
        "what a plain class isn't given is an outage",
        "a strategy's exception fails the command",
    ),
    _FAILS: (
        "a failing read of many tails fails the load",
        "a cache that is down fails the load",
        "a forget is refused while a cache rests",
        "after a conflict the cache is asked again",
        "once is run on a cached state",
        "commands for one id run at once",
        "a stream that begins is taken for an archived one",
        "events go first",
        "a deleted stream ends the rebuild",
        "what can't be read at once can't be read",
        "a snapshot store that is down fails every load",
        "a snapshot taken on a read fails it",
    ),
    _BOUNDED: ("an outage of the snapshot store makes many replay without bound",),
    _TIME: (
        "a queued snapshot counts as written",
        "a failed snapshot keeps its anchor",
        "what is queued is due again",
    ),
    _DUE: (
        "a commit forgets what its load folded",
        "the cache doesn't hear of the anchor",
        "snapshots don't move the anchor",
    ),
    _LEFT: (
        "closing forgets a load that nobody shares",
        "closing forgets queued snapshots",
        "closing doesn't wait for loads",
        "closing doesn't wait for commands",
        "the close leaves the writer at work",
        "closing leaves what goes on behind",
        "closing leaves late puts",
        "what goes on behind outlives the close",
    ),
    _OVERLAP: ("what was forgotten since the batch was read is given",),
    _ONCE: ("once is run again",),
    _UNTOLD: (
        "a cancelled command gives up its append",
        "a cancelled command gives up its append to a server",
    ),
    _ANYIO: (
        "anyio keeps the loop busy while an append goes on",
        "the second cancellation gives up the append",
    ),
    _TASKS: ("a handler holds its tasks for ever",),
    _ARCHIVES: (
        "the only copy of archived events is removed",
        "events are deleted without a proven snapshot",
        "an older snapshot counts",
        "a computed revision counts",
        "what was written is believed",
        "the archive of an earlier stream is read",
        "two write an archive at once",
        "an archive outlives its aggregate",
    ),
    _OBSERVERS: (
        "what an observer does around an operation fails it",
        "what an observer does at the end of an operation fails it",
        "observers are told that one of them failed",
        "an observer cancels the command",
        "a snapshot is told as a part of another command",
    ),
    _OTHERS: ("what comes while it is forgotten stays",),
}

UNSEEN: Mapping[str, str] = {name: reason for reason, names in _REASONS.items() for name in names}
