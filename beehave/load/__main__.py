"""Entry point of `python -m beehave.load --config FILE`: run one plan, write and print its result."""

from __future__ import annotations

import argparse
import gc
import sys
from pathlib import Path

from pydantic import ValidationError

from beehave.load.generator import run
from beehave.load.plan import LoadPlan


def main() -> int:
    """Return 0 when the plan was run or stopped by a signal, 2 when it cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m beehave.load", description="Send requests on a fixed schedule.")
    parser.add_argument("--config", type=Path, required=True, help="the plan: a JSON file (beehave/load/plan.py)")
    path = parser.parse_args().config
    try:
        plan = LoadPlan.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        print(f"load: cannot read the plan {path.name}: {error}", file=sys.stderr)  # noqa: T201 - its own output
        return 2
    gc.disable()  # a garbage collection would add lag of our own; the run is short enough to do without
    print(run(plan).text(), flush=True)  # noqa: T201 - its own output
    return 0


if __name__ == "__main__":
    sys.exit(main())
