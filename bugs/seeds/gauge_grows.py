"""A gauge adds what it reads to what it showed: it is right at the first scrape and grows at every further one.

Real: REAL_BUGS 17 (the predecessor). Whoever looks once sees nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from prometheus_client.core import Metric

from daemons.common.metrics import _ReadGauge

ROLE = "hive"
PATCHES = "daemons.common.metrics:_ReadGauge.collect"
CAUGHT_BY = ["features/integration/recovery.feature::The gauges tell what is there, however often they are looked at"]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """Counters in the place of gauges, for those that have a label."""
    shown: dict[str, Counter[str]] = {}

    def collect(self: _ReadGauge) -> Iterator[Metric]:
        value = self._read()
        if isinstance(value, Mapping):
            total = shown.setdefault(self._name, Counter())
            for key, number in value.items():
                total[key] += int(number)
            self = _ReadGauge(self._name, self._documentation, lambda: total, self._label)
        yield from original(self)

    return collect
