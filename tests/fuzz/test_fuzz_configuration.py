"""Whatever stands in envctl.toml and in ENVCTL_* variables: a valid configuration, or one error."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from builders import attempt
from hypothesis import given
from hypothesis import strategies as st
from material import JSON, TEXT, damaged, examples

from orchestrator import config_source
from orchestrator.config import Config
from orchestrator.errors import EnvctlError, ExitCode
from orchestrator.identity import Environment, identify
from orchestrator.inputs import backend, render_backend

VALID: dict[str, Any] = {
    "project": {"name": "shop", "repository": "acme/shop", "region": "us-east-1"},
    "state": {"bucket": "acme-preview-state", "prefix": "environments"},
    "terraform": {"root": "terraform/env", "parallelism": 10, "max_retries": 25},
    "database": {"source": "shop-prod", "snapshot_types": ["manual"], "max_snapshot_age": "7d", "replicas": 1},
    "network": {"cidr": "10.42.0.0/16", "nat": "single"},
    "web": {"min_size": 2, "max_size": 4, "cpu_target": 60, "artifact": "s3://bucket/site.tar.gz"},
    "bastion": {"enabled": True},
    "github": {"label": "preview", "forks": "never"},
    "limits": {"max_environments": 10, "ttl": "72h"},
    "tags": {"team": "shop"},
}
KEYS = [(section, key) for section in Config.model_fields for key in config_source._keys(section)]
VARIABLES = st.one_of(
    st.sampled_from([f"ENVCTL_{section}__{key}".upper() for section, key in KEYS]),
    st.sampled_from(["ENVCTL_TAGS__team", "ENVCTL_TAGS__", "ENVCTL___", "ENVCTL_", "ENVCTL_PR", "ENVCTL_WEB"]),
    st.from_regex(r"ENVCTL_[A-Z_]{0,20}", fullmatch=True),
)
VALUES = st.one_of(
    TEXT, st.sampled_from(["true", "0", "-1", "1e999", "[", '["a", 1]', "[" * 5000, "none", "7d", "10.0.0.0/8"])
)


def written(value: Any) -> str:
    """TOML of any JSON, as far as TOML can say it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, list):
        return f"[{', '.join(written(each) for each in value)}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quoted(key)} = {written(each)}" for key, each in value.items()) + "}"
    return quoted(str(value))


def quoted(text: str) -> str:
    escaped = "".join(c if c.isalnum() and c.isascii() else f"\\U{ord(c):08x}" for c in text)
    return f'"{escaped}"'


def sections(values: Any) -> str:
    if not isinstance(values, dict):
        return f"values = {written(values)}\n"
    return "".join(f"{quoted(name)} = {written(each)}\n" for name, each in values.items())


def load(text: bytes, environ: dict[str, str] | None = None) -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "envctl.toml").write_bytes(text)
        found = attempt(config_source.load, None, environ or {}, directory)
    if isinstance(found, EnvctlError):
        assert found.code is ExitCode.USAGE
        assert found.message
        assert found.hint
        assert "Traceback" not in str(found)
        return
    usable(found[0])


def usable(config: Config) -> None:
    """What was accepted can be worked with."""
    environment = attempt(identify, 42, config, "us-east-1")
    if isinstance(environment, Environment):
        for line in render_backend(backend(environment, path_style=False)).splitlines():
            assert "${" not in line
            assert line.count(" = ") == 1
        assert len(environment.name) <= 23


@examples()
@given(st.binary(max_size=300))
def test_any_bytes(text: bytes) -> None:
    load(text)


@examples()
@given(st.text(alphabet='[]{}=."\n#aprojectname0123456789-_', max_size=200))
def test_nearly_toml(text: str) -> None:
    load(text.encode())


@examples()
@given(damaged(VALID))
def test_something_wrong_in_a_valid_file(values: Any) -> None:
    load(sections(values).encode())


@examples()
@given(st.sampled_from(KEYS), JSON)
def test_anything_at_a_key(key: tuple[str, str], value: Any) -> None:
    section, name = key
    given_ = VALID.get(section)
    inner = {**given_, name: value} if isinstance(given_, dict) else {name: value}
    load(sections({**VALID, section: inner}).encode())


@examples()
@given(st.dictionaries(VARIABLES, VALUES, max_size=5))
def test_any_variables(environ: dict[str, str]) -> None:
    load(sections(VALID).encode(), environ)


@examples(0.3)
@given(st.dictionaries(VARIABLES, VALUES, max_size=3), damaged(VALID))
def test_variables_over_a_file_with_something_wrong(environ: dict[str, str], values: Any) -> None:
    load(sections(values).encode(), environ)
