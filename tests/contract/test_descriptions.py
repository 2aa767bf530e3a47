"""What only AWS itself would refuse: EC2 allows few characters in the descriptions of security groups and rules."""

import re

import pytest

# EC2 API reference, CreateSecurityGroup and IpPermission.
ALLOWED = re.compile(r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{0,255}")
GROUPS = re.compile(r'^resource "aws_(?:vpc_)?security_group\w*" .*?^}', re.MULTILINE | re.DOTALL)


def described(checkout):
    for file in sorted(checkout.glob("terraform/modules/*/*.tf")):
        for block in GROUPS.findall(file.read_text()):
            yield from re.findall(r'^ +description += "(.*)"$', block, re.MULTILINE)


def test_every_description_of_a_security_group_is_one_that_ec2_takes(checkout):
    found = list(described(checkout))
    assert len(found) >= 8
    assert [text for text in found if not ALLOWED.fullmatch(re.sub(r"\$\{[^}]*\}", "x", text))] == []


@pytest.mark.parametrize("text", ["its listeners' ports", 'a "quote"', "x" * 256])
def test_the_rule_refuses_what_ec2_refuses(text):
    assert not ALLOWED.fullmatch(text)
