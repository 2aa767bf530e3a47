from datetime import timedelta

import pytest
from builders import attempt
from hypothesis import given
from hypothesis import strategies as st

from orchestrator import config_source
from orchestrator.config import Config
from orchestrator.errors import EnvctlError, ExitCode

MINIMAL = """
[project]
name = "shop"
repository = "acme/shop"
[state]
bucket = "acme-preview-state"
[database]
source = "shop-prod"
"""


def load(directory, text=MINIMAL, environ=None, **overrides):
    (directory / "envctl.toml").write_text(text, encoding="utf-8")
    return config_source.load(None, environ or {}, directory, overrides)[0]


def refusal(directory, text=MINIMAL, environ=None):
    with pytest.raises(EnvctlError) as caught:
        load(directory, text, environ)
    assert caught.value.code is ExitCode.USAGE
    return caught.value


def problems(error):
    return [line.removeprefix("  - ") for line in error.message.splitlines()[1:]]


# Where values come from


def test_only_three_keys_are_required(tmp_path):
    error = refusal(tmp_path, "")
    assert problems(error) == [
        "project.name: is required",
        "state.bucket: is required",
        "database.source: is required",
    ]


def test_the_defaults_are_those_of_the_contract(tmp_path):
    found = load(tmp_path)
    assert found.state.prefix == "environments"
    assert found.terraform.root == "terraform/env"
    assert found.database.snapshot_types == ("automated", "manual")
    assert found.database.max_snapshot_age == timedelta(days=7)
    assert (found.network.cidr, found.network.nat) == ("10.42.0.0/16", "single")
    assert (found.web.min_size, found.web.max_size, found.web.cpu_target) == (2, 4, 60)
    assert found.bastion.enabled
    assert (found.limits.max_environments, found.limits.ttl) == (10, timedelta(hours=72))


def test_flags_win_over_environment_over_file_over_defaults(tmp_path):
    text = MINIMAL + "[web]\nmin_size = 3\nmax_size = 5\ncpu_target = 50\n"
    environ = {"ENVCTL_WEB__MAX_SIZE": "6", "ENVCTL_WEB__CPU_TARGET": "40"}
    web = load(tmp_path, text, environ, web={"cpu_target": 30}).web
    assert (web.min_size, web.max_size, web.cpu_target) == (3, 6, 30)
    assert web.instance_type == "t3.micro"


def test_the_environment_alone_is_enough(tmp_path):
    environ = {
        "ENVCTL_PROJECT__NAME": "shop",
        "ENVCTL_STATE__BUCKET": "acme-preview-state",
        "ENVCTL_DATABASE__SOURCE": "shop-prod",
        "GITHUB_REPOSITORY": "acme/shop",
    }
    found, directory = config_source.load(None, environ, tmp_path)
    assert (found.project.repository, directory) == ("acme/shop", tmp_path)


@pytest.mark.parametrize("written", ["automated,awsbackup", " automated , awsbackup ", '["automated", "awsbackup"]'])
def test_a_list_in_the_environment_is_json_or_separated_by_commas(tmp_path, written):
    found = load(tmp_path, environ={"ENVCTL_DATABASE__SNAPSHOT_TYPES": written})
    assert found.database.snapshot_types == ("automated", "awsbackup")


def test_tags_in_the_environment_keep_their_case(tmp_path):
    assert load(tmp_path, environ={"ENVCTL_TAGS__CostCenter": "7"}).tags == {"CostCenter": "7"}


def test_the_repository_of_the_file_wins_over_githubs(tmp_path):
    assert load(tmp_path, environ={"GITHUB_REPOSITORY": "other/fork"}).project.repository == "acme/shop"


def test_the_repository_comes_from_github_and_then_from_the_remote(tmp_path):
    text = MINIMAL.replace('repository = "acme/shop"\n', "")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text('[remote "origin"]\n\turl = git@github.com:acme/remote.git\n')
    assert load(tmp_path, text).project.repository == "acme/remote"
    assert load(tmp_path, text, {"GITHUB_REPOSITORY": "acme/github"}).project.repository == "acme/github"


def test_relative_paths_begin_where_the_named_file_is(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "other.toml").write_text(MINIMAL)
    _, directory = config_source.load(tmp_path / "deep" / "other.toml", {}, tmp_path)
    assert directory == (tmp_path / "deep").resolve()


def test_a_configuration_survives_being_dumped_and_read_again(tmp_path):
    found = load(tmp_path, MINIMAL.replace("[database]", '[database]\nmax_snapshot_age = "none"'))
    assert found.database.max_snapshot_age is None
    assert Config.model_validate(found.model_dump(mode="json")) == found


# What is refused, and how


def test_all_problems_come_at_once(tmp_path):
    error = refusal(tmp_path, MINIMAL + '[web]\nmin_size = 0\ncolour = "red"\n', {"ENVCTL_WEB__MINSIZE": "3"})
    assert error.message.startswith("3 problems in envctl.toml:")
    found = "\n".join(problems(error))
    assert "ENVCTL_WEB__MINSIZE: unknown variable; did you mean ENVCTL_WEB__MIN_SIZE?" in found
    assert "web.min_size: must be at least 1 (given: 0)" in found
    assert "web.colour: unknown key. Allowed: instance_type, min_size," in found


def test_a_misspelt_key_gets_a_suggestion(tmp_path):
    (found,) = problems(refusal(tmp_path, MINIMAL + "[limits]\nmax_enviroments = 3\n"))
    assert found.startswith("limits.max_enviroments: unknown key; did you mean max_environments? Allowed: ")


def test_a_misspelt_section_gets_a_suggestion(tmp_path):
    (found,) = problems(refusal(tmp_path, MINIMAL + "[netwrok]\n"))
    assert "did you mean network?" in found


def test_a_value_of_the_environment_is_blamed_on_its_variable(tmp_path):
    (found,) = problems(refusal(tmp_path, environ={"ENVCTL_WEB__CPU_TARGET": "much"}))
    assert found == "web.cpu_target (from ENVCTL_WEB__CPU_TARGET): must be a whole number (given: 'much')"


@pytest.mark.parametrize(
    ("section", "line", "expected"),
    [
        ("project", 'name = "Shop"', "must be 1 to 12 of a-z 0-9 -, a letter first (given: 'Shop')"),
        ("project", 'name = "thirteenchars"', "must be 1 to 12 of a-z"),
        ("project", 'name = "a--b"', "must not hold '--' nor end with '-'"),
        ("project", 'name = "shop-"', "must not hold '--' nor end with '-'"),
        ("project", 'name = "internal-x"', "must not begin with 'internal'"),
        ("project", 'name = "shop\\n"', "must be 1 to 12 of a-z"),
        ("project", "name = 3", "must be text in quotes (given: 3)"),
        ("project", 'region = "us east"', "must be a region such as us-east-1"),
        ("state", 'bucket = "A_B"', "must be a bucket's name"),
        ("state", 'bucket = "b${file}"', "must be a bucket's name"),
        ("state", 'prefix = "/x/"', "must be a key prefix such as environments"),
        ("terraform", "parallelism = 0", "must be at least 1 (given: 0)"),
        ("terraform", "parallelism = 1.5", "must be a whole number (given: 1.5)"),
        ("terraform", 'root = ""', "must not be empty (given: '')"),
        ("database", 'source = "9x"', "must be an RDS identifier"),
        ("database", 'kind = "table"', "must be 'auto', 'cluster' or 'instance' (given: 'table')"),
        ("database", "snapshot_types = []", "must not be empty"),
        ("database", "snapshot_types = 3", "must be a list (given: 3)"),
        ("database", 'snapshot_types = ["weekly"]', "must be 'automated', 'manual', 'awsbackup' or 'shared'"),
        ("database", 'max_snapshot_age = "7"', "is not a duration: write a number and s, m, h or d"),
        ("database", "max_snapshot_age = 7", "must be a number and s, m, h or d in quotes"),
        ("database", "min_capacity = nan", "must be a"),
        ("database", "max_capacity = inf", "must be a"),
        ("database", "min_capacity = 8\nmax_capacity = 4", "min_capacity must not be greater than max_capacity"),
        ("database", 'replicas = "two"', "must be a whole number (given: 'two')"),
        ("network", 'cidr = "10.0.0.0/8"', "must be between a /16 and a /22"),
        ("network", 'cidr = "10.0.0.0/23"', "must be between a /16 and a /22"),
        ("network", 'cidr = "10.0.0.1/16"', "must be an IPv4 network such as 10.42.0.0/16"),
        ("network", 'cidr = "::/16"', "must be an IPv4 network such as 10.42.0.0/16"),
        ("web", "min_size = 5", "min_size must not be greater than max_size"),
        ("web", 'health_check_path = "healthz"', "must be a path such as /healthz"),
        ("web", 'artifact = "http://x/y.tar.gz"', "must be 's3://bucket/key.tar.gz'"),
        ("web", 'artifact = "s3://sites/{branch}.tar.gz"', "with {pr} and {commit} in the key"),
        ("web", 'artifact = "s3://{pr}/site.tar.gz"', "with {pr} and {commit} in the key"),
        ("bastion", 'enabled = "perhaps"', "must be true or false (given: 'perhaps')"),
        ("limits", "ttl = 72", 'must be a number and s, m, h or d in quotes, as in "72h" or "7d" (given: 72)'),
        ("limits", 'ttl = "-1h"', "is not a duration"),
        ("tags", '"aws:x" = "y"', "keys that begin with 'aws:' or 'envctl:' are taken"),
        ("tags", '"Envctl:pr" = "y"', "keys that begin with 'aws:' or 'envctl:' are taken"),
        ("tags", "team = 3", "must be text in quotes (given: 3)"),
    ],
)
def test_a_bad_value_is_refused_in_plain_words(tmp_path, section, line, expected):
    text = MINIMAL if f"[{section}]" in MINIMAL else f"{MINIMAL}[{section}]\n"
    key = line.partition(" ")[0]
    kept = [old for old in text.splitlines() if not old.startswith(f"{key} ")]
    kept.insert(kept.index(f"[{section}]") + 1, line)
    (found,) = problems(refusal(tmp_path, "\n".join(kept)))
    assert expected in found
    assert found.startswith(section)


def test_more_than_forty_tags_are_refused(tmp_path):
    tags = "".join(f'key{n} = "v"\n' for n in range(41))
    assert "must have at most 40 entries" in problems(refusal(tmp_path, f"{MINIMAL}[tags]\n{tags}"))[0]


@pytest.mark.parametrize("environ", [{}, {"ENVCTL_WEB__MIN_SIZE": "2"}])
def test_a_section_that_is_no_table_is_refused(tmp_path, environ):
    (found,) = problems(refusal(tmp_path, "web = 3\n" + MINIMAL, environ))
    assert found == "web: must be a table, as in [web] (given: 3)"


def test_an_unknown_variable_is_an_error(tmp_path):
    (found,) = problems(refusal(tmp_path, environ={"ENVCTL_WHATEVER": "1"}))
    assert found.startswith("ENVCTL_WHATEVER: unknown variable")


def test_the_variables_that_are_no_keys_are_let_through(tmp_path):
    environ = {"ENVCTL_PR": "1", "ENVCTL_CONFIG": "x", "ENVCTL_TERRAFORM": "y"}
    assert load(tmp_path, environ=environ) == load(tmp_path)


def test_a_netmask_becomes_the_prefix_length_that_terraform_reads(tmp_path):
    found = load(tmp_path, MINIMAL + '[network]\ncidr = "10.0.0.0/255.255.0.0"\n')
    assert found.network.cidr == "10.0.0.0/16"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[project", "is not valid TOML"),
        (b"\xff\xfe", "it is not UTF-8 text"),
        (b"x = " + b"9" * 5000, "is not valid TOML"),
        (b"x = " + b"[" * 100_000, "is not valid TOML"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused(tmp_path, content, said):
    (tmp_path / "envctl.toml").write_bytes(content)
    with pytest.raises(EnvctlError, match=said) as caught:
        config_source.load(None, {}, tmp_path)
    assert caught.value.code is ExitCode.USAGE


@pytest.mark.parametrize(("name", "said"), [("gone.toml", "does not exist"), (".", "cannot be read")])
def test_a_named_file_must_be_there(tmp_path, name, said):
    with pytest.raises(EnvctlError, match=said) as caught:
        config_source.load(tmp_path / name, {}, tmp_path)
    assert caught.value.code is ExitCode.USAGE


VARIABLES = st.sampled_from(
    [
        f"ENVCTL_{s}__{k}".upper()
        for s, m in Config.model_fields.items()
        for k in getattr(m.annotation, "model_fields", ())
    ]
)


@given(st.dictionaries(VARIABLES | st.text().map("ENVCTL_".__add__), st.text() | st.just("[" * 100_000)))
def test_any_environment_is_a_configuration_or_a_usage_error(tmp_path_factory, environ):
    found = attempt(config_source.load, None, environ, tmp_path_factory.getbasetemp())
    assert isinstance(found, tuple) or found.code is ExitCode.USAGE


ODD_VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just([[]]) | st.just({"x": {}})
KEYS = st.sampled_from(
    [(s, k) for s, m in Config.model_fields.items() for k in (*getattr(m.annotation, "model_fields", {}), "x")]
)


@given(KEYS, ODD_VALUES)
def test_any_value_is_a_configuration_or_a_usage_error_in_plain_words(tmp_path_factory, place, value):
    found = attempt(config_source.load, None, {}, tmp_path_factory.getbasetemp(), {place[0]: {place[1]: value}})
    assert isinstance(found, tuple) or found.code is ExitCode.USAGE
    assert "nput should" not in str(found)


def test_shared_snapshots_need_the_account_that_they_are_trusted_from(tmp_path):
    environ = {
        "ENVCTL_PROJECT__NAME": "shop",
        "ENVCTL_STATE__BUCKET": "acme-preview-state",
        "ENVCTL_DATABASE__SOURCE": "shop-prod",
        "ENVCTL_DATABASE__SNAPSHOT_TYPES": "shared",
    }
    with pytest.raises(EnvctlError, match="source_account must name production's account"):
        config_source.load(None, environ, tmp_path)
    trusted = config_source.load(None, {**environ, "ENVCTL_DATABASE__SOURCE_ACCOUNT": "210987654321"}, tmp_path)[0]
    assert trusted.database.source_account == "210987654321"


def test_a_tag_that_aws_would_refuse_is_refused_first(tmp_path):
    with pytest.raises(EnvctlError, match="letters, digits, spaces"):
        config_source.load(None, {"ENVCTL_TAGS__team": "R&D"}, tmp_path)


def test_only_an_emulator_can_do_with_few_retries(tmp_path):
    environ = {"ENVCTL_TERRAFORM__MAX_RETRIES": "24"}
    with pytest.raises(EnvctlError, match="max_retries: must be at least 25"):
        load(tmp_path, environ=environ)
    assert load(tmp_path, environ={**environ, "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}).terraform.max_retries == 24
    assert load(tmp_path).terraform.max_retries == 25
