"""What comes next is made in another thread while the thing before it is in use."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from threading import Thread
from typing import TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True)
class _Failure:
    error: BaseException


def one_ahead(items: Iterator[Item]) -> Iterator[Item]:
    """The same items, each computed in another thread while the one before it is in use.

    A thread an item, and nothing to clean up: a pool would be shut down by the garbage collector where a stream is
    dropped half read, and can lock itself out.
    """

    def fetch(box: list) -> None:
        try:
            box.extend(islice(items, 1))
        except BaseException as error:
            box.append(_Failure(error))

    def begin() -> tuple[Thread, list]:
        box: list = []
        thread = Thread(target=fetch, args=(box,))
        thread.start()
        return thread, box

    thread, box = begin()
    while True:
        thread.join()
        if not box:
            return
        item = box[0]
        if isinstance(item, _Failure):
            raise item.error
        thread, box = begin()
        yield item
