"""The operations. They chain decisions and I/O, return an Outcome, and never print."""
