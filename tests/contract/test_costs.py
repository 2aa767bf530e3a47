"""Prices stand in the code and in docs/costs.md: they are the same."""

import re

import pytest

from orchestrator import cost


@pytest.fixture(scope="module")
def page(checkout):
    return (checkout / "docs" / "costs.md").read_text(encoding="utf-8")


def rows(page):
    """The tables of the page, label -> cell."""
    return dict(re.findall(r"^\| ([^|]+?) \| (.+?) \|$", page, re.MULTILINE))


@pytest.mark.parametrize(
    ("label", "price"),
    [
        ("NAT gateway", cost.NAT_GATEWAY),
        ("load balancer", cost.LOAD_BALANCER),
        ("public IPv4 address", cost.PUBLIC_ADDRESS),
        ("Aurora capacity unit", cost.AURORA_CAPACITY_UNIT),
        ("gp3 disk, a GB", cost.DISK_GB),
        ("secret", cost.SECRET),
        ("alarm", cost.ALARM),
        ("detailed monitoring of an instance", cost.DETAILED_MONITORING),
    ],
)
def test_the_page_names_the_price_of_every_part(page, label, price):
    number, unit = rows(page)[label].split(" ", 1)
    assert float(number) / {"an hour": 1, "a month": cost.HOURS_A_MONTH}[unit] == pytest.approx(price)


@pytest.mark.parametrize(
    ("label", "prices"),
    [
        ("web instances, bastion", cost.INSTANCES),
        ("Aurora, MySQL and PostgreSQL", cost.AURORA),
        ("RDS for MySQL, MariaDB", cost.MYSQL),
        ("RDS for PostgreSQL", cost.POSTGRES),
    ],
)
def test_the_page_names_the_price_of_every_class(page, label, prices):
    assert {name: float(price) for name, price in re.findall(r"`([^`]+)` ([0-9.]+)", rows(page)[label])} == prices


def test_the_page_says_where_and_when(page):
    assert f"list prices for {cost.REGION} as of {cost.AS_OF}" in page


def test_terraform_makes_what_is_counted(checkout):
    modules = checkout / "terraform" / "modules"
    bastion = (modules / "bastion" / "variables.tf").read_text(encoding="utf-8")
    assert f'instance_type = optional(string, "{cost.BASTION_TYPE}")' in bastion
    for file in (modules / "bastion" / "main.tf", modules / "web" / "instances.tf"):
        assert re.search(rf"volume_size\s+= {cost.DISK_SIZE_GB}\b", file.read_text(encoding="utf-8"))
