"""Limits the size of a cache."""

from diskcache import Cache  # type: ignore[import-untyped] # it ships no types

_HEADROOM = 10  # a tenth of the limit is kept free, for the entry that comes
_LARGEST = 2**29  # SQLite's own limit of a row is 10**9 bytes (sqlite.org/limits.html)
_SLICE = 8 * 2**20


class FileCache(Cache):  # type: ignore[misc] # it ships no types
    """A cache whose size is its file's: no entry has a file of its own, whatever a row says."""

    def volume(self) -> int:
        ((page_count,),) = self._sql("PRAGMA page_count").fetchall()
        return int(self._page_size * page_count)


def largest_entry(size_limit: int) -> int:
    """Compute how many bytes an entry may have."""
    return min(size_limit // _HEADROOM, _LARGEST)


def soft_limit(size_limit: int) -> int:
    """Compute the size above which each put evicts the entries least recently put."""
    return size_limit - size_limit // _HEADROOM


def trim(cache: Cache, size_limit: int) -> bool:
    """Evict entries if puts didn't evict enough; return whether more have to go.

    A slice at a time: after a limit was lowered it may be most of the cache, and puts wait.
    """
    before = cache.volume()
    if before <= size_limit:
        return False
    target = soft_limit(size_limit)
    try:
        cache.reset("size_limit", max(target, before - _SLICE), update=False)
        cache.cull()
    finally:
        cache.reset("size_limit", target, update=False)
    return bool(size_limit < cache.volume() < before)
