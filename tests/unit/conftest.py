"""Property tests look at many examples, keep nothing on the disk, and never judge how long one took."""

from hypothesis import settings

settings.register_profile("envctl", max_examples=80, deadline=None, database=None)
settings.load_profile("envctl")
