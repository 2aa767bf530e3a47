"""What the emulated instances serve, from their user data alone."""

from __future__ import annotations

import base64
import gzip
import io
import tarfile

import pytest

from orchestrator.sandbox.site import Answer, Site, read

NGINX = r"""
http {
    default_type application/octet-stream;
    server {
        listen 80;
        root /srv/site;
        location = /healthz {
            access_log off;
            default_type text/plain;
            return 200 "ok\n";
        }
        location /old/ { return 301 https://example.test/new; }
        location / { try_files $uri $uri/ =404; }
    }
}
"""


def b64(content: str | bytes) -> str:
    return base64.b64encode(content.encode() if isinstance(content, str) else content).decode()


CLOUD_CONFIG = f"""#cloud-config
packages: [nginx]
write_files:
  - path: /etc/nginx/nginx.conf
    encoding: b64
    content: {b64(NGINX)}
  - path: /srv/site/index.html
    content: |
      <h1>shop-pr-42</h1>
  - path: /srv/site/style.css
    encoding: gz+b64
    content: {b64(gzip.compress(b"body {}"))}
  - path: /etc/other
    content: not for the web
runcmd:
  - systemctl enable --now nginx
"""


def nothing_to_fetch(bucket: str, key: str) -> bytes | None:
    raise AssertionError(f"fetched s3://{bucket}/{key}")


def served(user_data: str | bytes) -> Site:
    site = read(user_data.encode() if isinstance(user_data, str) else user_data, nothing_to_fetch)
    assert site is not None
    return site


def archive(**files: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(f"./site/{name}.html")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content.encode()))
    return buffer.getvalue()


@pytest.mark.parametrize("pack", [str.encode, lambda text: gzip.compress(text.encode())])
def test_written_files_are_served_from_the_document_root(pack) -> None:
    site = served(pack(CLOUD_CONFIG))
    assert site.get("/") == Answer(200, b"<h1>shop-pr-42</h1>\n", "text/html; charset=utf-8")
    assert site.get("/style.css") == Answer(200, b"body {}", "text/css")
    assert site.get("/etc/other").status == 404
    assert site.get("/missing").status == 404


def test_nginx_root_defaults_to_that_of_the_distribution() -> None:
    site = served("#cloud-config\nwrite_files: [{path: /usr/share/nginx/html/a/index.html, content: a}]")
    assert site.get("/a/").body == b"a"


def test_return_locations_answer_by_themselves() -> None:
    site = served(CLOUD_CONFIG)
    assert site.get("/healthz") == Answer(200, b"ok\n", "text/plain")
    assert site.get("/healthz/more").status == 404
    assert site.get("/old/page") == Answer(301, location="https://example.test/new")


@pytest.mark.parametrize(
    "command",
    [
        "- aws s3 cp 's3://my.bucket/pr/42.tar.gz' - | tar -xz --strip-components=1 -C /usr/share/nginx/html",
        "- [sh, -c, 'aws s3 cp s3://my.bucket/pr/42.tar.gz - | tar -xz --strip-components 1']",
    ],
)
def test_an_archive_is_unpacked_over_the_written_files(command: str) -> None:
    asked = []

    def fetch(bucket: str, key: str) -> bytes:
        asked.append((bucket, key))
        return archive(index="from the archive", about="about")

    user_data = f"""#cloud-config
write_files: [{{path: /usr/share/nginx/html/index.html, content: built in}}]
runcmd:
  {command}
"""
    site = read(user_data.encode(), fetch)
    assert site is not None
    assert site.get("/").body == b"from the archive"
    assert site.get("/about.html").body == b"about"
    assert asked == [("my.bucket", "pr/42.tar.gz")]


@pytest.mark.parametrize(
    "content", [None, b"not an archive", archive(index="x")[:40]], ids=["missing", "no archive", "half an archive"]
)
def test_nothing_is_served_when_the_archive_cannot_be_had(content: bytes | None) -> None:
    user_data = b"#cloud-config\nruncmd: ['aws s3 cp s3://bucket/site.tar.gz /run/']"
    assert read(user_data, lambda bucket, key: content) is None


@pytest.mark.parametrize(
    "user_data",
    [
        b"",
        b"plain",
        b"#cloud-config\n- a list",
        b"#cloud-config\na: [b",
        b"#cloud-config\nwrite_files: [{content: without a path}]",
        b"#cloud-config\nwrite_files: [{path: /a, encoding: b64, content: abcde}]",
        gzip.compress(b"#cloud-config\n", mtime=0)[:-9],
    ],
)
def test_user_data_that_sets_nothing_up_serves_nothing(user_data: bytes) -> None:
    assert read(user_data, nothing_to_fetch) is None


def test_a_script_is_not_run_but_counts_as_a_server() -> None:
    assert served("#!/bin/sh\nyum install -y nginx\n").get("/healthz").status == 200
