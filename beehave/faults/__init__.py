"""Ways to break things for real, one a module, all of one shape (`beehave.faults.base`)."""
