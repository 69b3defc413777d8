"""`python -m bugs.catalog`: every seed as JSON, each one checked against the code that it is to break.

    {"seeds": [{name, role, family, patches, caught_by, caught_as, fast, digest, text}], "errors": [sentence]}

Exits 1 when there are errors: a seed whose target is gone would never be planted, and so never be missed.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from bugs.seed import Seed, SeedError, load, modules


def catalog() -> tuple[list[Seed], list[str]]:
    """Return all seeds that can be planted, and a sentence for each that cannot."""
    seeds, errors = [], []
    for name in modules():
        try:
            seed = load(name)
            seed.check()
        except SeedError as error:
            errors.append(str(error))
        else:
            seeds.append(seed)
    return seeds, errors


def as_json(seed: Seed) -> dict[str, Any]:
    """Return what others may know of a seed."""
    return {
        "name": seed.name,
        "role": seed.role,
        "family": seed.family,
        "patches": seed.patches,
        "caught_by": list(seed.caught_by),
        "caught_as": seed.caught_as,
        "fast": seed.fast,
        "digest": seed.digest,
        "text": seed.text,
    }


def main() -> int:
    """Print the catalogue; the status says whether it is whole."""
    seeds, errors = catalog()
    json.dump({"seeds": [as_json(seed) for seed in seeds], "errors": errors}, sys.stdout, indent=1)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
