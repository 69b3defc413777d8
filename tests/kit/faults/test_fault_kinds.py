"""Which kinds of fault there are: the finished ones of every module, and no half of one."""

from __future__ import annotations

from beehave.faults.base import Fault
from beehave.faults.kinds import kinds
from beehave.faults.pause import Pause


def test_the_kinds_of_every_module_are_found_and_what_they_have_in_common_is_none():
    found = kinds()
    assert {"Pause", "SignalSent", "LinkFault", "DamagedFile", "SmallDisk", "LimitLowered"} <= found
    assert "Fault" not in found


def test_a_kind_below_another_kind_is_found_and_an_unfinished_or_foreign_one_is_not():
    class LongPause(Pause):
        __module__ = Pause.__module__

    class Unfinished(Fault):
        __module__ = Pause.__module__

    class OfAProject(Pause):
        pass

    found = kinds()
    assert "LongPause" in found
    assert {"Unfinished", "OfAProject"}.isdisjoint(found)
    del LongPause, Unfinished, OfAProject
