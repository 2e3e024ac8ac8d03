"""The page of generators is the registry's own, and counts nothing twice."""

from pathlib import Path

from hip_cuda_kernels import page
from hip_cuda_kernels.registry import FAMILIES, GROUPS
from hip_cuda_kernels.survey import SURVEY

PAGE = Path(__file__).parents[2] / "docs" / "generators.md"


def test_the_stored_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == page.page(), (
        "run: python -m hip_cuda_kernels.page > docs/generators.md"
    )


def test_every_family_and_every_row_of_the_survey_has_a_line() -> None:
    text = page.page()
    assert all(f"| `{one.id}` |" in text for one in FAMILIES)
    assert all(f"\n| {row} | " in text for row in SURVEY)
    assert set(page.TITLES) == set(GROUPS)
