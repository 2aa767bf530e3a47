"""Ten thousand snapshots cost as many calls as they have pages, and no more memory than one page."""

import tracemalloc

from rds_pages import NEWEST, SOURCE, ManySnapshots

from orchestrator.aws import databases
from orchestrator.aws.session import Session
from orchestrator.snapshots import Policy


def choose(count):
    """Return the choice out of `count`, and the calls that it took."""
    account = ManySnapshots(count)
    session = Session("us-east-1", account.client)
    return databases.choose(session, Policy(SOURCE), NEWEST), account.calls


def peak(count):
    """Return the most memory that is in use while choosing, in bytes."""
    tracemalloc.start()
    choose(count)
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found


def test_the_newest_of_ten_thousand_is_found_page_by_page():
    choice, calls = choose(10_000)
    assert choice.snapshot.created_at.replace(microsecond=0) == NEWEST
    assert choice.reason == "the newest by original creation time, of 10000 seen"
    assert calls.count("DescribeDBClusterSnapshots") == 100
    assert len(calls) == 101  # and one that finds no instance of that name


def test_memory_does_not_grow_with_their_number():
    choose(1)  # what the first client of all makes, and keeps, is not ours
    assert peak(1_000) < 1.2 * peak(200)
