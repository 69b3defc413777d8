"""`GET /v1/models` lists a model that nobody has, beside those that are there.

Real: of the kind of REAL_BUGS 14 (the predecessor's default model).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

ROLE = "queen"
PATCHES = "daemons.queen.cluster_routes:_model_cards"
CAUGHT_BY = ["features/full_stack/openai_client.feature::Listing models and streaming a completion"]


def seeded(original: Callable[..., Any]) -> Callable[..., Any]:
    """One more."""

    def _model_cards(queen: Any) -> Any:
        cards = original(queen)
        return [*cards, cards[0].model_copy(update={"id": "default"})] if cards else cards

    return _model_cards
