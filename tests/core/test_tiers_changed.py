"""What others change in the shared tier reaches the local one."""

import asyncio
import tracemalloc
from uuid import UUID

import pytest

from interlock.backends import RecordKey
from tiers_rig import KEY, START, Tiers, record


class TestChanges:
    """What others do reaches the local tier."""

    async def test_a_change_empties_the_local_entry(self) -> None:
        tiers = await Tiers().opened()
        await tiers.both.put(KEY, record(3, verified=9))
        await tiers.shared.put_by_another(record(4))
        assert await tiers.read() == 4

    async def test_a_change_during_a_fill_voids_it(self) -> None:
        tiers = await Tiers().opened()
        await tiers.shared.put_by_another(record(3))
        tiers.clock.pass_by(1)
        gate = tiers.shared.hold("found")
        reading = asyncio.create_task(tiers.read())
        await gate.reached.wait()
        await tiers.shared.put_by_another(record(4))
        gate.opened.set()
        assert [await reading, await tiers.read()] == [3, 4]

    async def test_a_change_during_a_fill_of_many_voids_it(self) -> None:
        tiers = await Tiers().opened()
        await tiers.shared.put_by_another(record(3))
        tiers.clock.pass_by(1)
        gate = tiers.shared.hold("found")
        reading = asyncio.create_task(tiers.both.read_many([KEY]))
        await gate.reached.wait()
        tiers.clock.pass_by(1)
        await tiers.shared.put_by_another(record(4))
        tiers.clock.pass_by(1)
        gate.opened.set()
        assert [found.version for found in (await reading).values()] == [3]
        assert await tiers.read() == 4

    async def test_a_removal_during_a_fill_voids_it(self) -> None:
        tiers = await Tiers().opened()
        await tiers.shared.put_by_another(record(3))
        tiers.clock.pass_by(1)
        gate = tiers.shared.hold("found")
        reading = asyncio.create_task(tiers.read())
        await gate.reached.wait()
        await tiers.both.remove(KEY)
        gate.opened.set()
        assert await reading == 3
        assert tiers.local.keys() == ()

    async def test_a_change_since_the_tail_was_read_voids_the_put(self) -> None:
        tiers = await Tiers().opened()
        tiers.clock.pass_by(1)
        await tiers.shared.put_by_another(record(4))
        tiers.clock.pass_by(1)
        await tiers.both.put(KEY, record(3, verified=1.5))
        assert await tiers.read() == 4

    async def test_a_forgotten_change_still_voids(self) -> None:
        tiers = await Tiers(size=1).opened()
        tiers.clock.pass_by(1)
        await tiers.shared.put_by_another(record(4))
        for number in range(3):
            tiers.shared.changed(f"another:{number}")
        await tiers.both.put(KEY, record(3, verified=1.5))
        assert await tiers.read() == 4

    @pytest.mark.parametrize(("length", "count"), [(20, 90_000), (250, 45_000)])
    async def test_the_changes_hold_16_mib_at_most(self, length: int, count: int) -> None:
        tiers = await Tiers(size=10_000_000).opened()
        tracemalloc.start()
        try:
            for number in range(count):
                tiers.shared.changed(f"{number:0{length}}")
                tiers.clock.pass_by(1)
            held, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert 8 * 2**20 < held <= 16 * 2**20
        assert tiers.both._forgotten > START

    async def test_a_message_longer_than_any_key_is_not_held(self) -> None:
        tiers = await Tiers().opened()
        tiers.shared.changed("x" * 251)
        assert not tiers.both._changed_at

    async def test_a_broken_channel_empties_the_local_tier(self) -> None:
        tiers = await Tiers().opened()
        await tiers.both.put(KEY, record(3, verified=9))
        tiers.shared.reset()
        assert tiers.local.keys() == ()

    async def test_what_was_known_before_the_channel_broke_is_not_kept(self) -> None:
        tiers = await Tiers().opened()
        tiers.clock.pass_by(1)
        tiers.shared.reset()
        await tiers.both.put(KEY, record(3, verified=1.5))
        assert tiers.local.keys() == ()

    async def test_the_index_of_keys_is_bounded(self) -> None:
        tiers = await Tiers(size=2).opened()
        for number in range(50):
            key = RecordKey("default", 0, "Account", UUID(int=number), "1")
            await tiers.both.put(key, record(1, verified=9))
        assert len(tiers.both._keys) <= 5
        tiers.shared.changed(key.text())
        assert len(tiers.local.keys()) == 1
