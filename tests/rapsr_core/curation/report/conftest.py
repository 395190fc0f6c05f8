"""The small curation of tests/support as fixtures."""

import pytest
from tiny_curation import tiny_columns, tiny_report


@pytest.fixture
def columns():
    return tiny_columns()


@pytest.fixture
def report(columns):
    return tiny_report(columns)
