"""Faults: real ways to break things, one kind a module, all with the interface of `beehave.faults.base`."""
