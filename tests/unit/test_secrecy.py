"""Which values of the environment are secrets, and text without them."""

import pytest

from orchestrator import secrecy

CODE = """\
variable "name" { type = string }
variable "password" {
  type      = string
  sensitive = true
}
variable "keys" {
  type = map(string)
  # sensitive for good reason
  sensitive   =   true
}
resource "x" "y" {
  sensitive = true
}
variable "last" {
  sensitive = false
}
"""


def found(**environ):
    return secrecy.secrets([CODE], environ)


def test_values_of_sensitive_variables_alone():
    assert found(TF_VAR_password="hunter22", TF_VAR_name="shop-pr-1", TF_VAR_last="public-one") == ("hunter22",)


def test_each_text_of_an_object_is_one():
    given = '{"a": "first-secret", "b": "second"}'
    assert set(found(TF_VAR_keys=given)) >= {"first-secret", "second", given}


def test_the_longest_goes_first():
    assert found(TF_VAR_password="hunter22-and-more", AWS_SESSION_TOKEN="hunter22") == ("hunter22-and-more", "hunter22")


@pytest.mark.parametrize("value", ["", "a", "short"])
def test_what_is_too_short_to_be_told_from_a_word_stays(value):
    assert found(TF_VAR_password=value) == ()


def test_text_without_secrets():
    hidden = ("hunter22", "other-one")
    assert secrecy.without("got hunter22, hunter22 and hunter2", hidden) == (
        "got (sensitive value), (sensitive value) and hunter2"
    )
