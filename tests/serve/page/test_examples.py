"""The example programs in the page, decoded by the real models, end with their registers."""

import json
import sys
from collections.abc import Iterator

import pytest

from tests.machine.examples import EXAMPLES, Example
from tests.serve.page.chromium import COMMAND, PACKAGE, Browser, browsing
from tests.serve.standing import Standing, started

pytestmark = [
    pytest.mark.model,
    pytest.mark.skipif(COMMAND is None, reason=f"no Chromium: install the package {PACKAGE}"),
    pytest.mark.skipif(sys.platform == "win32", reason="pipes of POSIX"),
]


@pytest.fixture(scope="module")
def real() -> Iterator[Standing]:
    """``kvrm-grammar serve`` with both dialects."""
    with started([sys.executable, "-m", "kvrm_grammar", "serve", "--port", "0"]) as standing:
        yield standing


@pytest.fixture(scope="module")
def page(real: Standing) -> Iterator[Browser]:
    """The page, on programs."""
    with browsing() as browser:
        browser.show()
        browser.open(f"http://127.0.0.1:{real.port}/")
        browser.click("input[value=program]")
        yield browser


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_an_example_ends_with_its_registers(page: Browser, example: Example) -> None:
    """Chosen, typed, run and stepped to its end."""
    page.evaluate(f"document.getElementById('model').value = 'kvrm-{example.dialect}'")
    page.evaluate(f"document.getElementById('source').value = {json.dumps(example.source)}")
    page.evaluate("document.getElementById('summary').textContent = ''")
    page.click("#run")
    page.wait("document.getElementById('summary').textContent.includes('decoded,')")
    assert page.text("#summary").endswith(" 0 refused.")
    assert page.evaluate("document.getElementById('ending').textContent") == ""
    page.evaluate("document.getElementById('last').click()")
    assert page.text("#counter").startswith("Stopped at address ")
    words = [one.rsplit(" ", 1) for one in page.texts(".register")]
    found = {name: int(number) for name, number in words if name.startswith("R") and int(number)}
    assert found == example.registers
