"""The protections of the engine whose absence no history of the simulation shows, and why."""

_WHOLE = "the event store of these runs never loses an event within a stream, and archives none"
_FORGED = "a record that the tail confirms is the fold; only forged contents would tell"
_COST = "what it saves is time or memory; every answer is the same"
_TRUE = "what is kept then is older, but a state that the stream had; what reads it has the floor"
_CLOCKS = "where clocks are stepped, the checker believes no age"

UNSEEN: dict[str, str] = {
    "gaps are told as if nothing stood there": _WHOLE,
    "gaps are folded over": _WHOLE,
    "a truncated stream is an empty one": _WHOLE,
    "replay starts from a snapshot": _FORGED,
    "replay starts from the cache": _FORGED,
    "replay fills the cache": _COST,
    "a verified state is not renewed": _COST,
    "all events are held until the last is folded": _COST,
    "old versions are cached": _TRUE,
    "a state below the floor is put": _TRUE,
    "a clock that jumped back makes states young": _CLOCKS,
}
