"""behave's runner, context, hooks and reporters, with the sandbox, the census and the evidence rule."""
