"""Makes environments follow their pull requests: look at both as they are now, decide, act."""
