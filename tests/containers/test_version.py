"""The product's version stands in pyproject.toml; what cannot read it there has the same."""

import re
import tomllib

import pytest

from local.layout import PROJECT

VERSION = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["version"]


@pytest.mark.parametrize(
    ("file", "places"),
    [
        ("Dockerfile", r'image\.version="([^"]+)"'),
        ("docker-compose.yaml", r"image: churn-[a-z]+:(\S+)"),
    ],
)
def test_the_images_have_the_version_of_the_product(file: str, places: str) -> None:
    found = re.findall(places, (PROJECT / file).read_text())
    assert found
    assert set(found) == {VERSION}
