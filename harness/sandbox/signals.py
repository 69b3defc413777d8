"""The signals that end a run, and the exit codes that stand for them."""

from __future__ import annotations

import os
import signal

ORDERLY = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""The first of them ends the run in order, the second at once."""

FORWARDED = (*ORDERLY, signal.SIGQUIT)
"""What the launcher hands on; SIGQUIT ends the run at once and says where it was."""

SAME_SIGNAL_WINDOW_S = 0.1
"""A second signal counts as second only this long after the first: timeout(1) signals its child and then its whole
group, within microseconds; a person's second Ctrl-C takes longer."""


def exit_code(wait_status: int) -> int:
    """Return what a shell would: the exit status, or 128 + N for an end by signal N."""
    code = os.waitstatus_to_exitcode(wait_status)
    return code if code >= 0 else 128 - code
