"""envctl: a production-like AWS environment for every pull request."""

__version__ = "0.1.0"
