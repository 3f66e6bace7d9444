"""The whole gallery."""

from collections.abc import Sequence

from interlock_conformance.gallery.bad_day_mutants import BAD_DAY_MUTANTS
from interlock_conformance.gallery.cache_mutants import CACHE_MUTANTS
from interlock_conformance.gallery.cache_race_mutants import CACHE_RACE_MUTANTS
from interlock_conformance.gallery.cancelled_mutants import CANCELLED_MUTANTS
from interlock_conformance.gallery.confirming_mutants import CONFIRMING_MUTANTS
from interlock_conformance.gallery.deletion_mutants import DELETION_MUTANTS
from interlock_conformance.gallery.door_mutants import DOOR_MUTANTS
from interlock_conformance.gallery.event_mutants import EVENT_MUTANTS
from interlock_conformance.gallery.event_race_mutants import EVENT_RACE_MUTANTS
from interlock_conformance.gallery.forgetting_mutants import FORGETTING_MUTANTS
from interlock_conformance.gallery.freezing_mutants import FREEZING_MUTANTS
from interlock_conformance.gallery.history_mutants import HISTORY_MUTANTS
from interlock_conformance.gallery.instance_mutants import INSTANCE_MUTANTS
from interlock_conformance.gallery.listing_mutants import LISTING_MUTANTS
from interlock_conformance.gallery.many_mutants import MANY_MUTANTS
from interlock_conformance.gallery.mutants import Canary, Mutant
from interlock_conformance.gallery.opening_mutants import OPENING_MUTANTS
from interlock_conformance.gallery.outage_mutants import OUTAGE_MUTANTS
from interlock_conformance.gallery.packaging_mutants import PACKAGING_MUTANTS
from interlock_conformance.gallery.port_mutants import PORT_MUTANTS
from interlock_conformance.gallery.promise_mutants import PROMISE_MUTANTS
from interlock_conformance.gallery.retention_mutants import RETENTION_MUTANTS
from interlock_conformance.gallery.size_mutants import SIZE_MUTANTS
from interlock_conformance.gallery.snapshot_mutants import SNAPSHOT_MUTANTS
from interlock_conformance.gallery.snapshot_race_mutants import SNAPSHOT_RACE_MUTANTS
from interlock_conformance.gallery.superseding_mutants import SUPERSEDING_MUTANTS
from interlock_conformance.gallery.time_mutants import TIME_MUTANTS

MUTANTS: Sequence[Mutant] = (
    *EVENT_MUTANTS,
    *EVENT_RACE_MUTANTS,
    *DELETION_MUTANTS,
    *SNAPSHOT_MUTANTS,
    *HISTORY_MUTANTS,
    *SNAPSHOT_RACE_MUTANTS,
    *CACHE_MUTANTS,
    *CACHE_RACE_MUTANTS,
    *INSTANCE_MUTANTS,
    *MANY_MUTANTS,
    *SUPERSEDING_MUTANTS,
    *FORGETTING_MUTANTS,
    *FREEZING_MUTANTS,
    *CONFIRMING_MUTANTS,
    *LISTING_MUTANTS,
    *RETENTION_MUTANTS,
    *TIME_MUTANTS,
    *CANCELLED_MUTANTS,
    *SIZE_MUTANTS,
    *OPENING_MUTANTS,
    *OUTAGE_MUTANTS,
    *BAD_DAY_MUTANTS,
    *DOOR_MUTANTS,
    *PORT_MUTANTS,
    *PROMISE_MUTANTS,
    *PACKAGING_MUTANTS,
)
CANARIES: Sequence[Canary] = ()
