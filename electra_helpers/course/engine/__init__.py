"""The exercise engine: sessions, checks, the sandbox that runs a learner's code, portfolio and progress."""
