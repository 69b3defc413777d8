"""behave's runner, context and hooks, with verdicts that hold."""
