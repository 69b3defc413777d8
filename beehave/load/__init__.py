"""The load generator: requests on a schedule fixed beforehand, latency from the intended send, its own lag reported.

It is a process of its own (`python -m beehave.load --config FILE`), so that neither behave nor a step slows it down.
`generator` sends; `schedule`, `recorder` and `result` are free of I/O; `process` starts it for the steps.
"""
