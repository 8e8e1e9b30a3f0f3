"""Thread pools whose threads have ended on exit, and a thread that prepares the next item."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

_TASKS = Path("/proc/self/task")  # Linux; elsewhere no process is forked

Item = TypeVar("Item")


@contextmanager
def thread_pool(workers: int, name: str) -> Iterator[ThreadPoolExecutor]:
    """Give a pool whose threads have ended when it is left, for the operating system too.

    Python takes a thread for ended while libraries still put away what they kept for it, under
    their locks. A process forked in that moment inherits a lock that nobody will open: OpenCV's,
    and the child's first call of OpenCV never returned.

    Args:
        workers: Number of threads.
        name: Begins their names.
    """
    threads: list[int] = []
    pool = ThreadPoolExecutor(
        workers,
        thread_name_prefix=name,
        initializer=lambda: threads.append(threading.get_native_id()),
    )
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
        while any((_TASKS / str(thread)).exists() for thread in threads):
            time.sleep(0.001)


@contextmanager
def prefetched(items: Iterator[Item], name: str) -> Iterator[Iterator[Item]]:
    """Give the items of an iterator, the next one prepared by a thread while one is used.

    Args:
        items: Made when they are asked for.
        name: Of the thread.
    """
    with thread_pool(1, name) as pool:

        def ahead() -> Iterator[Item]:
            following = pool.submit(next, items, None)
            while (item := following.result()) is not None:
                following = pool.submit(next, items, None)
                yield item

        yield ahead()
