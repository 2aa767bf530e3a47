"""Says at the end how many examples were tried."""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import Any

import pytest

COUNT = "fuzz-examples"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    told = getattr(item, "hypothesis_statistics", "")
    if report.when == "teardown":
        tried = sum(int(number) for number in re.findall(r"(\d+) (?:passing|failing)\b", told))
        report.user_properties.append((COUNT, tried))
    return report


def pytest_terminal_summary(terminalreporter: Any) -> None:
    reports = [report for kind in terminalreporter.stats.values() for report in kind]
    found = [value for report in reports for name, value in getattr(report, "user_properties", ()) if name == COUNT]
    if sum(found):
        terminalreporter.write_line(f"{sum(found)} examples of {len(found)} kinds of input")
