"""The small policy evaluator: what IAM's user guide says of effects, wildcards and condition operators."""

import pytest

from orchestrator.sandbox.policies import Request, decision, permitted


def policy(*statements):
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Resource": "*", **each} for each in statements]}


READ = {"Action": "s3:Get*"}


@pytest.mark.parametrize(
    ("statements", "action", "expected"),
    [
        ([READ], "s3:GetObject", "allow"),
        ([READ], "S3:getobject", "allow"),
        ([READ], "s3:PutObject", "none"),
        ([READ, {"Effect": "Deny", "Action": ["s3:GetObject"]}], "s3:GetObject", "deny"),
        ([{"NotAction": ["rds:*"]}], "s3:GetObject", "allow"),
        ([{"NotAction": ["rds:*"]}], "rds:DeleteDBCluster", "none"),
        ([{"Action": "s3:Get?bject"}], "s3:GetObject", "allow"),
        ([{"Action": "s3:Get.bject"}], "s3:GetObject", "none"),
        ([], "s3:GetObject", "none"),
    ],
)
def test_effects_and_actions(statements, action, expected):
    assert decision([policy(*statements)], Request(action)) == expected


@pytest.mark.parametrize(
    ("element", "resource", "expected"),
    [
        ({"Resource": "arn:aws:s3:::b/env/*"}, "arn:aws:s3:::b/env/x/y", True),
        ({"Resource": "arn:aws:s3:::b/env/*"}, "arn:aws:s3:::b/Env/x", False),
        ({"Resource": ["arn:aws:s3:::b", "arn:aws:s3:::c"]}, "arn:aws:s3:::c", True),
        ({"Resource": "arn:aws:s3:::b"}, "arn:aws:s3:::b/x", False),
        ({"NotResource": "arn:aws:s3:::b"}, "arn:aws:s3:::c", True),
    ],
)
def test_resources(element, resource, expected):
    statement = {"Effect": "Allow", "Action": "s3:*", **element}
    assert permitted([{"Statement": statement}], Request("s3:GetObject", resource)) is expected


@pytest.mark.parametrize(
    ("operator", "wanted", "given", "expected"),
    [
        ("StringEquals", "a", "a", True),
        ("StringEquals", "a", "A", False),
        ("StringEquals", ["a", "b"], "b", True),
        ("StringEquals", "a*", "ab", False),
        ("StringEquals", "a", None, False),
        ("StringEqualsIfExists", "a", None, True),
        ("StringEqualsIfExists", "a", "b", False),
        ("StringNotEquals", "a", "b", True),
        ("StringNotEquals", ["a", "b"], "b", False),
        ("StringNotEquals", "a", None, True),
        ("StringLike", "shop-pr-*-closed", "shop-pr-4-closed", True),
        ("StringLike", "shop-pr-*-closed", "shop-pr-4", False),
        ("StringNotLike", "*-closed", "shop-pr-4-closed", False),
        ("StringNotLike", "*-closed", None, True),
        ("ArnLike", "arn:aws:iam::*:role/x", "arn:aws:iam::1:role/x", True),
        ("Bool", "false", "false", True),
        ("Bool", False, "false", True),
        ("Bool", "false", "true", False),
        ("Null", "true", None, True),
        ("Null", "true", "a", False),
        ("Null", "false", "a", True),
        ("ForAllValues:StringLike", "env*", ("env1", "env2"), True),
        ("ForAllValues:StringLike", "env*", ("env1", "other"), False),
        ("ForAllValues:StringLike", "env*", None, True),
        ("ForAllValues:StringNotLike", ["envctl:*", "Name"], ("team",), True),
        ("ForAllValues:StringNotLike", ["envctl:*", "Name"], ("team", "Name"), False),
        ("ForAnyValue:StringEquals", "a", ("b", "a"), True),
        ("ForAnyValue:StringEquals", "a", ("b",), False),
        ("ForAnyValue:StringEquals", "a", None, False),
        ("ForAnyValue:StringNotEquals", "a", None, False),
    ],
)
def test_conditions(operator, wanted, given, expected):
    document = policy({"Action": "*", "Condition": {operator: {"aws:Key": wanted}}})
    context = {} if given is None else {"AWS:key": given}
    assert permitted([document], Request("s3:GetObject", context=context)) is expected


def test_all_conditions_must_hold():
    document = policy({"Action": "*", "Condition": {"StringEquals": {"a": "1", "b": "2"}, "Bool": {"c": "true"}}})
    held = {"a": "1", "b": "2", "c": "true"}
    assert permitted([document], Request("x:Y", context=held))
    for key in held:
        assert not permitted([document], Request("x:Y", context={**held, key: "no"}))


def test_an_operator_that_is_not_known_is_no_guess():
    with pytest.raises(KeyError):
        permitted([policy({"Action": "*", "Condition": {"IpAddress": {"aws:SourceIp": "::/0"}}})], Request("x:Y"))


def test_a_boundary_takes_away_and_gives_nothing():
    wide, narrow = policy({"Action": "*"}), policy(READ)
    assert permitted([wide], Request("s3:GetObject"), boundary=narrow)
    assert not permitted([wide], Request("s3:PutObject"), boundary=narrow)
    assert not permitted([], Request("s3:GetObject"), boundary=narrow)


def test_trust_is_in_the_principal_that_is_named():
    trust = {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole*", "Principal": {"Federated": "arn:github"}}]}
    assert permitted([trust], Request("sts:AssumeRoleWithWebIdentity", principal="arn:github"))
    assert not permitted([trust], Request("sts:AssumeRoleWithWebIdentity", principal="arn:other"))
    assert not permitted([trust], Request("sts:AssumeRoleWithWebIdentity"))
