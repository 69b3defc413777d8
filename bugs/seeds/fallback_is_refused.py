"""Where namespaces are forbidden the run is refused, though nobody has asked for them.

Found by reading: both ways exit with 1 there.
"""

from __future__ import annotations

from collections.abc import Callable

from harness.sandbox.info import SandboxWish

ROLE = "harness"
PATCHES = "harness.sandbox:wish"
CAUGHT_BY = [
    "features/harness/capabilities.feature::The fallback takes over by itself on such a machine",
]


def seeded(original: Callable[[str | None], SandboxWish]) -> Callable[[str | None], SandboxWish]:
    """It takes `auto` for `require`."""

    def wish(asked: str | None) -> SandboxWish:
        wanted = original(asked)
        return SandboxWish.REQUIRE if wanted is SandboxWish.AUTO else wanted

    return wish
