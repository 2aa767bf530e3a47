"""A local AWS to try envctl on: a moto server, corrected, seeded with a small production account.

Deliberately empty of imports: the command line must not pay for moto.
"""
