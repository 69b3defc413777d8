"""The version that every daemon reports; a test holds it equal to pyproject.toml's.

It is written here, and not read from the installed package: `importlib.metadata` costs a start-up about 20 ms.
"""

from __future__ import annotations

VERSION = "0.1.0"
