"""Links between nodes, and the ways to break them."""
