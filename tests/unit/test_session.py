import itertools
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from botocore import exceptions, parsers
from botocore.exceptions import ClientError

from orchestrator.aws.session import Session, default_region, translated
from orchestrator.errors import EnvctlError, ExitCode


def translation(error):
    with pytest.raises(EnvctlError) as caught, translated("looking around"):
        raise error
    assert caught.value.__cause__ is error
    assert "while looking around" in caught.value.message
    return caught.value


def refused(code, message="It is so"):
    return ClientError({"Error": {"Code": code, "Message": message}}, "DescribeThings")


@pytest.mark.parametrize(
    "error",
    [
        refused("AccessDenied"),
        refused("ExpiredToken"),
        refused("UnauthorizedOperation"),
        refused("InvalidClientTokenId"),
        refused("403"),
        exceptions.NoCredentialsError(),
        exceptions.PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"),
        exceptions.ProfileNotFound(profile="gone"),
        exceptions.TokenRetrievalError(provider="sso", error_msg="expired"),
    ],
)
def test_credentials_and_permissions_end_in_3(error):
    found = translation(error)
    assert found.code is ExitCode.CREDENTIALS
    assert found.hint


@pytest.mark.parametrize(
    "error",
    [
        refused("Throttling"),
        refused("InternalError"),
        exceptions.EndpointConnectionError(endpoint_url="http://x"),
        exceptions.ConnectTimeoutError(endpoint_url="http://x"),
        exceptions.ReadTimeoutError(endpoint_url="http://x"),
        exceptions.ProxyConnectionError(proxy_url="http://x"),
        exceptions.FlexibleChecksumError(error_msg="Expected checksum x did not match calculated checksum: y"),
        exceptions.IncompleteReadError(actual_bytes=1, expected_bytes=2),
        parsers.ResponseParserError("not XML"),
    ],
)
def test_what_aws_refuses_or_cannot_be_reached_for_ends_in_4(error):
    assert translation(error).code is ExitCode.TERRAFORM


@pytest.mark.parametrize(
    "error", [refused("NoSuchBucket"), exceptions.NoRegionError(), exceptions.InvalidRegionError(region_name="x y")]
)
def test_what_is_configured_wrong_ends_in_2(error):
    assert translation(error).code is ExitCode.USAGE


def test_awss_own_words_and_code_are_kept_on_one_line():
    found = translation(refused("Throttling", "Rate\n  exceeded."))
    assert found.message == "AWS refused (Throttling), while looking around: Rate exceeded."


def test_a_novel_of_an_error_is_cut():
    assert len(translation(refused("X", "long " * 1000)).message) < 500


def test_a_bug_is_not_translated():
    with pytest.raises(KeyError), translated("looking around"):
        raise KeyError("bug")


def test_a_client_is_made_once_even_by_many_threads():
    made = []
    session = Session("us-east-1", lambda service: made.append(service) or object())
    threads = [threading.Thread(target=session.client, args=("s3",)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == ["s3"]


def test_the_region_is_the_given_one_else_that_of_the_environment(monkeypatch):
    assert Session("eu-west-1").region == "eu-west-1"
    assert Session(None).region == "us-east-1"  # AWS_DEFAULT_REGION of these tests
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(EnvctlError, match="The AWS region is not known") as caught:
        _ = Session(None).region
    assert caught.value.code is ExitCode.USAGE


def test_a_profile_that_is_not_there_is_a_matter_of_credentials(monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "gone")
    with pytest.raises(EnvctlError) as caught:
        Session("us-east-1").client("sts")
    assert caught.value.code is ExitCode.CREDENTIALS


@pytest.mark.parametrize("region", ["us east", "-x"])
def test_a_region_that_is_none_is_a_matter_of_configuration(region):
    with pytest.raises(EnvctlError) as caught:
        Session(region).client("sts")
    assert caught.value.code is ExitCode.USAGE


def test_an_endpoint_that_is_no_url_is_a_matter_of_configuration(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "nonsense")
    with pytest.raises(EnvctlError, match="Invalid endpoint") as caught:
        Session("us-east-1").client("sts")
    assert caught.value.code is ExitCode.USAGE


@pytest.mark.parametrize(
    ("environ", "region"),
    [
        ({}, None),
        ({"AWS_REGION": ""}, None),
        ({"AWS_DEFAULT_REGION": "a"}, "a"),
        ({"AWS_REGION": "b", "AWS_DEFAULT_REGION": "a"}, "b"),
    ],
)
def test_the_environments_region_in_the_order_of_the_sdks(environ, region):
    assert default_region(environ) == region


@pytest.fixture
def no_time_passes(monkeypatch):
    """Every pause of botocore's is over at once: whenever it looks at the clock, minutes have passed."""
    clock = itertools.count(step=300)
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)
    monkeypatch.setattr("botocore.retries.bucket.Clock.current_time", lambda self: next(clock))


@pytest.fixture
def busy(monkeypatch):
    """An S3 that answers each request with the next of the listed statuses and codes, at the end with success."""
    answers = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            status, code = answers.pop(0) if answers else (200, "")
            body = f"<Error><Code>{code}</Code><Message>Slower</Message></Error>" if code else "<R/>"
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *arguments):
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
    yield answers
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("code", ["SlowDown", "RequestLimitExceeded", "Throttling"])
@pytest.mark.usefixtures("no_time_passes")
def test_a_storm_of_throttling_is_sat_out(busy, code):
    busy += [(503, code)] * 11
    Session("us-east-1").client("s3").list_buckets()
    assert busy == []


@pytest.mark.usefixtures("no_time_passes")
def test_a_storm_without_end_is_told(busy):
    busy += [(503, "SlowDown")] * 30
    client = Session("us-east-1").client("s3")
    with pytest.raises(EnvctlError, match="SlowDown"), translated("looking around"):
        client.list_buckets()
    assert len(busy) == 18


def test_retries_are_adaptive():
    # A client that was throttled slows down by itself (botocore, "Adaptive retry mode").
    assert Session("us-east-1").client("ec2").meta.config.retries["mode"] == "adaptive"


@pytest.mark.usefixtures("no_time_passes")
def test_what_fails_otherwise_is_tried_less_often(busy):
    busy += [(500, "InternalError")] * 30
    client = Session("us-east-1").client("s3")
    with pytest.raises(ClientError):
        client.list_buckets()
    assert len(busy) == 25


def test_credentials_beyond_their_end_are_no_bug(monkeypatch):
    monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", "2026-01-01T00:00:00Z")
    with pytest.raises(EnvctlError, match="have expired") as caught, translated("looking around"):
        Session("us-east-1").client("s3").list_buckets()
    assert caught.value.code is ExitCode.CREDENTIALS
