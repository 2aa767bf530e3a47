"""Everything the people of a pull request read, as pure functions from an Announcement or an Outcome to text.

`body` writes the comment and the job's summary, `marker` how the comment is found again, `workflow` what a
GitHub Actions run is told: annotations and outputs. Nothing in here reads, writes or asks.
"""
