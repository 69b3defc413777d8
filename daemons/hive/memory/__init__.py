"""Memory of a machine's devices: allocations, control groups, the watchdog."""
