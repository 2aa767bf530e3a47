import http.server
import io
import json
import threading
from dataclasses import replace
from datetime import timedelta

import boto3
import pytest
from botocore.config import Config
from botocore.stub import Stubber
from builders import environment, record

from orchestrator import manifest
from orchestrator.aws.session import Session
from orchestrator.aws.store import Lock, Store, Stored
from orchestrator.errors import EnvctlError, ExitCode

BUCKET = "acme-preview-state"
KEY = environment().manifest_key
BODY = manifest.render(record())


@pytest.fixture(scope="module")
def client():
    return boto3.client("s3", "us-east-1", aws_access_key_id="testing", aws_secret_access_key="testing")


@pytest.fixture
def s3(client):
    """Answers in the order they are given; each question must be the expected one, and all must be asked."""
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


@pytest.fixture
def slept():
    return []


@pytest.fixture
def store(s3, slept):
    return Store(Session("us-east-1", lambda service: s3.client), BUCKET, slept.append)


def expect_put(s3, body=BODY, etag='"new"', **condition):
    asked = {"Bucket": BUCKET, "Key": KEY, "Body": body, "ContentType": "application/json", **condition}
    s3.add_response("put_object", {"ETag": etag}, asked)


def expect_get(s3, body=BODY, key=KEY, etag='"now"'):
    s3.add_response("get_object", {"Body": io.BytesIO(body), "ETag": etag}, {"Bucket": BUCKET, "Key": key})


def missing(s3):
    s3.add_client_error("get_object", "NoSuchKey", http_status_code=404)


def locked(work, *arguments):
    with pytest.raises(EnvctlError) as caught:
        work(*arguments)
    assert caught.value.code is ExitCode.LOCKED
    return caught.value


# Reading


def test_a_manifest_comes_with_what_the_next_write_must_match(s3, store):
    expect_get(s3)
    assert store.read(environment()) == Stored(record(), '"now"')


def test_no_manifest_is_none(s3, store):
    missing(s3)
    assert store.read(environment()) is None


def test_a_refusal_is_not_a_missing_manifest(s3, store):
    s3.add_client_error("get_object", "AccessDenied", http_status_code=403)
    with pytest.raises(EnvctlError, match=f"reading s3://{BUCKET}/{KEY}") as caught:
        store.read(environment())
    assert caught.value.code is ExitCode.CREDENTIALS


# Conditional writes


def test_a_first_write_demands_that_there_is_nothing(s3, store):
    expect_put(s3, IfNoneMatch="*")
    assert store.write(environment(), record(), None) == Stored(record(), '"new"')


def test_a_later_write_demands_what_was_seen(s3, store):
    expect_put(s3, IfMatch='"old"')
    assert store.write(environment(), record(), Stored(record(), '"old"')).etag == '"new"'


def test_two_that_meet_try_again_a_little_later(s3, store, slept):
    for _ in range(2):
        s3.add_client_error("put_object", "ConditionalRequestConflict", http_status_code=409)
    expect_put(s3, IfNoneMatch="*")
    assert store.write(environment(), record(), None).etag == '"new"'
    assert 0.1 <= slept[0] <= 0.3 < slept[1] * 1.5 <= 0.9  # never as long as whoever it met


def test_two_that_met_do_not_come_back_together(s3, store, slept):
    for _ in range(2):
        s3.add_client_error("put_object", "ConditionalRequestConflict", http_status_code=409)
        expect_put(s3, IfNoneMatch="*")
        store.write(environment(), record(), None)
    assert slept[0] != slept[1]


def test_two_that_go_on_meeting_are_locked(s3, store):
    for _ in range(5):
        s3.add_client_error("put_object", "ConditionalRequestConflict", http_status_code=409)
    missing(s3)
    locked(store.write, environment(), record(), None)


def test_another_writer_wins(s3, store):
    s3.add_client_error("put_object", "PreconditionFailed", http_status_code=412)
    expect_get(s3, manifest.render(record(status="failed")))
    error = locked(store.write, environment(), record(), None)
    assert error.message == "Another run changed shop-pr-42 at the same moment."


def test_ones_own_write_is_recognised(s3, store):
    s3.add_client_error("put_object", "PreconditionFailed", http_status_code=412)
    expect_get(s3)
    assert store.write(environment(), record(), None) == Stored(record(), '"now"')


def test_a_manifest_that_was_removed_meanwhile_is_not_made_again(s3, store):
    s3.add_client_error("put_object", "NoSuchKey", http_status_code=404)
    missing(s3)
    locked(store.write, environment(), record(), Stored(record(), '"old"'))


def test_a_missing_bucket_is_a_matter_of_configuration(s3, store):
    s3.add_client_error("put_object", "NoSuchBucket", http_status_code=404)
    with pytest.raises(EnvctlError, match="The bucket does not exist") as caught:
        store.write(environment(), record(), None)
    assert caught.value.code is ExitCode.USAGE


class ForgetfulS3(http.server.BaseHTTPRequestHandler):
    """Stores the first object, answers 500 all the same, and from then on honours If-None-Match."""

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not self.server.stored:
            self.server.stored = body
            self._answer(500, b"<Error><Code>InternalError</Code></Error>")
        else:
            assert self.headers["If-None-Match"] == "*"
            self._answer(412, b"<Error><Code>PreconditionFailed</Code></Error>")

    def do_GET(self):
        self._answer(200, self.server.stored)

    def _answer(self, status, body):
        self.send_response(status)
        self.send_header("ETag", '"stored"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def test_a_write_that_was_stored_but_answered_500_succeeds():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), ForgetfulS3)
    server.stored = b""
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    plain = Config(
        s3={"addressing_style": "path"},
        request_checksum_calculation="when_required",
        retries={"mode": "standard", "total_max_attempts": 3},
    )
    client = boto3.client("s3", "us-east-1", endpoint_url=f"http://127.0.0.1:{server.server_port}", config=plain)
    try:
        written = Store(Session("us-east-1", lambda service: client), BUCKET).write(environment(), record(), None)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert written == Stored(record(), '"stored"')


# Updates keep another writer's word


def failed(seen):
    return replace(seen, status="failed")


def test_an_update_starts_from_what_was_seen(s3, store):
    expect_put(s3, manifest.render(record(status="failed")), IfMatch='"old"')
    assert store.update(environment(), Stored(record(), '"old"'), failed).manifest.status == "failed"


def test_an_update_keeps_what_another_wrote_meanwhile(s3, store):
    extended = record(expires_at=record().expires_at + timedelta(days=9))
    s3.add_client_error("put_object", "PreconditionFailed", http_status_code=412)
    expect_get(s3, manifest.render(extended))  # whose word is it?
    expect_get(s3, manifest.render(extended), etag='"theirs"')
    both = replace(extended, status="failed")
    expect_put(s3, manifest.render(both), IfMatch='"theirs"')
    assert store.update(environment(), Stored(record(), '"old"'), failed) == Stored(both, '"new"')


def test_an_update_of_what_was_removed_is_refused(s3, store):
    s3.add_client_error("put_object", "NoSuchKey", http_status_code=404)
    missing(s3)
    missing(s3)
    locked(store.update, environment(), Stored(record(), '"old"'), failed)


def test_an_update_gives_up_when_it_never_rests(s3, store):
    for number in range(5):
        s3.add_client_error("put_object", "PreconditionFailed", http_status_code=412)
        for _ in range(2):
            expect_get(s3, manifest.render(record(commit=f"{number:07}")))
    assert "keeps changing" in locked(store.update, environment(), Stored(record(), '"old"'), failed).message


def test_an_intent_keeps_what_was_extended_meanwhile(s3, store):
    extended = record(expires_at=record().expires_at + timedelta(days=9))
    intended = manifest.intend(record(), "up", record().created_at, None, "mine")
    s3.add_client_error("put_object", "PreconditionFailed", http_status_code=412)
    expect_get(s3, manifest.render(extended))  # whose word is it?
    expect_get(s3, manifest.render(extended), etag='"theirs"')
    both = replace(intended, expires_at=extended.expires_at)
    expect_put(s3, manifest.render(both), IfMatch='"theirs"')
    assert store.intend(environment(), intended, Stored(record(), '"old"')) == Stored(both, '"new"')


@pytest.mark.parametrize("change", [{"status": "failed"}, {"generation": 2}, {"commit": "another"}])
def test_an_intent_gives_way_to_another_run(s3, store, change):
    theirs = manifest.render(record(**change, expires_at=record().expires_at + timedelta(days=9)))
    intended = manifest.intend(record(), "up", record().created_at, None, "mine")
    s3.add_client_error("put_object", "PreconditionFailed", http_status_code=412)
    expect_get(s3, theirs)
    expect_get(s3, theirs)
    assert "at the same moment" in locked(store.intend, environment(), intended, Stored(record(), '"old"')).message


def test_a_first_intent_gives_way_to_any_other(s3, store):
    s3.add_client_error("put_object", "PreconditionFailed", http_status_code=412)
    expect_get(s3, manifest.render(record(status="failed")))
    locked(store.intend, environment(), record(), None)


# Listing


def test_only_manifests_of_the_repository_are_listed_from_every_page(s3, store):
    prefix = "environments/acme/shop/"
    first = [f"{prefix}pr-42/manifest.json", f"{prefix}pr-42/terraform.tfstate", f"{prefix}deep/pr-1/manifest.json"]
    page = {"Contents": [{"Key": key} for key in first], "IsTruncated": True, "NextContinuationToken": "2"}
    s3.add_response("list_objects_v2", page, {"Bucket": BUCKET, "Prefix": prefix})
    page = {
        "Contents": [{"Key": f"{prefix}pr-7/manifest.json"}, {"Key": f"{prefix}manifest.json"}],
        "IsTruncated": False,
    }
    s3.add_response("list_objects_v2", page, {"Bucket": BUCKET, "Prefix": prefix, "ContinuationToken": "2"})
    # Which of the two is asked for first is up to the threads.
    for pr in (42, 7):
        s3.add_response("get_object", {"Body": io.BytesIO(manifest.render(record(pr=pr))), "ETag": "x"})
    assert [found.pr for found in store.all(prefix)[0]] == [7, 42]


def test_one_that_went_since_the_listing_is_left_out(s3, store):
    s3.add_response("list_objects_v2", {"Contents": [{"Key": "p/pr-1/manifest.json"}], "IsTruncated": False})
    missing(s3)
    assert store.all("p/") == ([], [])


# State and lock


@pytest.mark.parametrize(
    ("body", "there"),
    [
        (b'{"resources": [{"type": "aws_vpc"}]}', True),
        (b'{"resources": []}', False),
        (b"{}", False),
        (b"<odd>", True),
        (b'{"resources": 5}', True),
        (b"[" * 100_000, True),
    ],
    ids=["something", "nothing", "no list", "no JSON", "no list of it", "without end"],
)
def test_a_state_counts_when_there_is_something_in_it(s3, store, body, there):
    expect_get(s3, body, environment().state_key)
    assert store.has_state(environment()) is there


def test_a_missing_state_is_none(s3, store):
    missing(s3)
    assert store.has_state(environment()) is False


def test_a_refused_look_is_no_missing_state(s3, store):
    s3.add_client_error("get_object", "AccessDenied", http_status_code=403)
    with pytest.raises(EnvctlError) as caught:
        store.has_state(environment())
    assert caught.value.code is ExitCode.CREDENTIALS


def test_a_lock_says_who_holds_it(s3, store):
    body = json.dumps({"ID": "1", "Who": "me@ci", "Operation": "OperationTypeApply", "Created": "now"}).encode()
    expect_get(s3, body, environment().lock_key)
    found = store.lock(environment())
    assert found == Lock("1", "me@ci", "OperationTypeApply", "now")
    assert found.describe() == "by me@ci since now, for OperationTypeApply"


@pytest.mark.parametrize("body", [b"[]", b"", b"[" * 100_000], ids=["no object", "empty", "without end"])
def test_a_lock_that_makes_no_sense_is_a_lock(s3, store, body):
    expect_get(s3, body, environment().lock_key)
    assert store.lock(environment()).describe() == "by somebody since an unknown time, for an operation"


def test_no_lock_is_none(s3, store):
    missing(s3)
    assert store.lock(environment()) is None


# Removal


def version(key, id):
    return {"Key": key, "VersionId": id}


def test_every_version_and_marker_of_exactly_the_key_goes(s3, store):
    page = {"Versions": [version("k", "1"), version("k.tflock", "2")], "IsTruncated": True, "NextKeyMarker": "k"}
    s3.add_response("list_object_versions", page, {"Bucket": BUCKET, "Prefix": "k"})
    page = {"DeleteMarkers": [version("k", "3")], "IsTruncated": False}
    s3.add_response("list_object_versions", page, {"Bucket": BUCKET, "Prefix": "k", "KeyMarker": "k"})
    gone = {"Objects": [version("k", "1"), version("k", "3")], "Quiet": True}
    s3.add_response("delete_objects", {}, {"Bucket": BUCKET, "Delete": gone})
    assert store.purge(["k"]) == 2


def test_nothing_is_deleted_where_there_is_nothing(s3, store):
    s3.add_response("list_object_versions", {"IsTruncated": False})
    assert store.purge(["k"]) == 0


def test_all_is_listed_and_then_it_is_made_sure_before_anything_is_deleted(s3, store):
    s3.add_response("list_object_versions", {"Versions": [version("k", "1")], "IsTruncated": False})
    s3.add_response("list_object_versions", {"Versions": [version("l", "1")], "IsTruncated": False})

    def ours_no_more():
        raise EnvctlError(ExitCode.LOCKED, "The lock was taken.", "")

    with pytest.raises(EnvctlError, match="The lock was taken"):
        store.purge(["k", "l"], ours_no_more)


def test_a_thousand_versions_go_at_a_time(s3, store):
    versions = [version("k", str(n)) for n in range(1001)]
    s3.add_response("list_object_versions", {"Versions": versions, "IsTruncated": False})
    for part in (versions[:1000], versions[1000:]):
        s3.add_response("delete_objects", {}, {"Bucket": BUCKET, "Delete": {"Objects": part, "Quiet": True}})
    assert store.purge(["k"]) == 1001


def test_a_version_that_cannot_be_deleted_is_an_error(s3, store):
    s3.add_response("list_object_versions", {"Versions": [version("k", "1")], "IsTruncated": False})
    s3.add_response("delete_objects", {"Errors": [{"Key": "k", "Code": "AccessDenied", "Message": "no"}]})
    with pytest.raises(EnvctlError, match="deleting s3://acme-preview-state/k") as caught:
        store.purge(["k"])
    assert caught.value.code is ExitCode.CREDENTIALS


@pytest.mark.parametrize("version", ["v7", None])
def test_unlocking_removes_the_lock_that_was_seen_and_no_other(s3, store, version):
    exactly = {"VersionId": version} if version else {}
    s3.add_response("delete_object", {}, {"Bucket": BUCKET, "Key": environment().lock_key, **exactly})
    store.unlock(environment(), Lock("1", "me@ci", "", "", version))


@pytest.mark.parametrize(
    ("answer", "versioned"), [({"Status": "Enabled"}, True), ({"Status": "Suspended"}, False), ({}, False)]
)
def test_a_bucket_keeps_versions_or_not(s3, store, answer, versioned):
    s3.add_response("get_bucket_versioning", answer, {"Bucket": BUCKET})
    assert store.check() is versioned
