"""The page in a real Chromium: what a person types, clicks and sees."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serve.answering import UNSURE
from tests.serve.page.chromium import COMMAND, PACKAGE, Browser, browsing
from tests.serve.standing import Standing, stand

pytestmark = [
    pytest.mark.skipif(COMMAND is None, reason=f"no Chromium: install the package {PACKAGE}"),
    pytest.mark.skipif(sys.platform == "win32", reason="pipes of POSIX"),
]

CTRL = 2
PROGRAM = "mov r2, 5\nagain: add r2 r2 r2\ndec r1\njnz again\nhalt"


@pytest.fixture(scope="module")
def standing() -> Iterator[Standing]:
    """A server whose models never err."""
    with stand() as running:
        yield running


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser for all tests of this module."""
    with browsing() as running:
        yield running


@pytest.fixture
def page(standing: Standing, chromium: Browser) -> Iterator[Browser]:
    """The page, freshly loaded; nothing it did came from elsewhere or went wrong."""
    chromium.urls.clear()
    chromium.faults.clear()
    chromium.show()
    chromium.open(f"http://127.0.0.1:{standing.port}/")
    yield chromium
    here = f"http://127.0.0.1:{standing.port}/"
    assert len(chromium.urls) >= 6
    assert [url for url in chromium.urls if not url.startswith(here)] == []
    assert chromium.faults == []


def type_source(page: Browser, source: str) -> None:
    """Put a text into the empty field."""
    page.evaluate("document.getElementById('source').value = ''")
    page.evaluate("document.getElementById('source').focus()")
    page.type(source)


def decode(page: Browser, source: str) -> None:
    """Type a text and decode it by the keyboard."""
    type_source(page, source)
    page.press("Enter", 13, CTRL)
    page.wait("document.getElementById('summary').textContent.includes('decoded,')")


def test_lines_become_rows(page: Browser) -> None:
    """An operation and its confidence, a refusal and its reason, an error; blanks are no rows."""
    decode(page, f"sub r5 r3 r1\n\nadd r1 r2\n{'x' * 300}")
    assert page.texts("#results .number") == ["1", "3", "4"]
    first, refused, failed = page.texts("#results .answer")
    assert "OP_SUB" in first and "dest=R5" in first
    assert refused == "refused: ADD takes 3 operands, got 2"
    assert "300 characters" in failed
    assert page.texts("#results .sure") == ["99.00 %", "99.00 %", "–"]
    assert page.text("#summary") == "1 of 3 decoded, 2 refused."


def test_a_row_opens_to_marginals_and_alternatives(page: Browser) -> None:
    """Each field with its values as bars, whose lengths are the probabilities."""
    decode(page, "dec r1\nhalt")
    page.click("#results .row")
    page.wait("document.querySelector('.details h3')")
    assert page.texts(".details h3") == ["Answer", "key", "dest", "Alternatives"]
    assert page.text(".details code") == '{"key":"OP_DEC","params":{"dest":"R1"}}'
    names = page.texts(".details .marginal > :first-child")
    assert names == ["OP_DEC", "OP_INVALID", "R1", "OP_DEC dest=R1", "OP_INVALID"]
    widths = page.evaluate(
        "[...document.querySelectorAll('.bar')]"
        ".map((bar) => bar.firstChild.offsetWidth / bar.clientWidth)"
    )
    assert widths[0] == pytest.approx(0.75, abs=0.01)
    assert widths[1] == pytest.approx(0.25, abs=0.01)
    page.click("#results .row")
    assert page.evaluate("document.querySelector('.details').hidden")


def test_the_keyboard_is_enough(page: Browser) -> None:
    """From the text by tab to the results, with arrows between them, and a row by Enter."""
    decode(page, "dec r1\nhalt\nnop")
    for _ in range(12):
        page.press("Tab", 9)
        if page.evaluate("document.activeElement.classList.contains('row')"):
            break
    assert page.evaluate("document.activeElement.innerText.includes('dec r1')")
    page.press("ArrowDown", 40)
    assert page.evaluate("document.activeElement.innerText.includes('halt')")
    page.press("Enter", 13)
    page.wait("document.querySelector('.details h3')")
    assert page.evaluate("document.activeElement.getAttribute('aria-expanded')") == "true"
    page.press("ArrowUp", 38)
    assert page.evaluate("document.activeElement.innerText.includes('dec r1')")


def test_a_threshold_refuses(page: Browser) -> None:
    """What is less probable than asked for is shown as uncertain."""
    page.evaluate("document.getElementById('threshold').value = '0.9'")
    decode(page, f"jmp {UNSURE}")
    assert page.texts("#results .answer") == ["refused: uncertain"]
    assert page.texts("#results .sure") == ["50.00 %"]


def run_program(page: Browser, source: str, registers: str = "") -> None:
    """Decode and run a program."""
    page.click("input[value=program]")
    type_source(page, source)
    page.evaluate(f"document.getElementById('start').value = {json.dumps(registers)}")
    page.click("#run")
    page.wait("!document.getElementById('machine').hidden")


def test_a_program_is_run_step_by_step(page: Browser) -> None:
    """Registers and flags of each step, forwards and back, and the line that is next."""
    run_program(page, PROGRAM, "r1=0x2")
    assert page.texts("#results .number") == ["0:", "1:", "2:", "3:", "4:"]
    assert "addr=1" in page.texts("#results .answer")[3]
    assert page.text("#cycle-label") == "Step 0 of 8"
    assert "R1 2" in page.texts(".register") and page.texts(".register.changed") == []
    seen = []
    for _ in range(8):
        page.click("#step")
        seen.append((page.texts(".register.changed"), page.texts("#results li.current .text")))
    assert seen[:4] == [
        (["R2 5"], ["again: add r2 r2 r2"]),
        (["R2 10"], ["dec r1"]),
        (["R1 1"], ["jnz again"]),
        ([], ["again: add r2 r2 r2"]),
    ]
    assert seen[-1] == ([], []) and page.text("#counter").startswith("Stopped at address 4")
    assert {"R1 0", "R2 20", "Z 1"} <= {*page.texts(".register")}
    page.click("#back")
    assert page.texts("#results li.current .text") == ["halt"]
    page.click("#first")
    assert page.text("#cycle-label") == "Step 0 of 8"


def test_the_slider_moves_by_the_keyboard(page: Browser) -> None:
    """Arrows on it are steps, as on any slider."""
    run_program(page, PROGRAM, "r1=2")
    page.evaluate("document.getElementById('cycle').focus()")
    page.press("ArrowRight", 39)
    page.press("ArrowRight", 39)
    assert page.text("#cycle-label") == "Step 2 of 8"
    assert page.texts(".register.changed") == ["R2 10"]


def test_registers_that_cannot_be_are_told(page: Browser) -> None:
    """By the page where it is no number, by the server where there is no such register."""
    page.click("input[value=program]")
    type_source(page, PROGRAM)
    for wrong, words in (("r1=many", "give a register"), ("r77=1", "r77")):
        page.evaluate(f"document.getElementById('start').value = '{wrong}'")
        page.click("#run")
        page.wait(f"document.getElementById('message').textContent.includes('{words}')")
        assert words in page.text("#message")
    page.faults.clear()  # the browser logs every status of 400 itself


def test_a_run_that_does_not_end_says_so(page: Browser) -> None:
    """The steps that were made can be looked at."""
    run_program(page, "again: inc r1\njmp again")
    page.wait("document.getElementById('ending').textContent.includes('10000')")
    assert "5000 more steps" in page.text("#ending")
    page.click("#last")
    assert "R1 2500" in page.texts(".register")


def test_errors_are_shown(page: Browser) -> None:
    """What the server refuses is told beside the buttons."""
    page.click("input[value=program]")
    page.evaluate("document.getElementById('source').value = 'a: nop\\na: halt'")
    page.click("#decode")
    page.wait("document.getElementById('message').textContent")
    assert "'a' is defined in line 1 and again in line 2" in page.text("#message")
    assert page.text("#summary") == "Nothing decoded."
    page.faults.clear()  # the browser logs every status of 400 itself


def test_texts_are_never_markup(page: Browser) -> None:
    """What a person types is shown as it stands."""
    evil = "<img src=x onerror=alert(1)>"
    decode(page, evil)
    assert page.texts("#results .text") == [evil]
    assert page.evaluate("document.querySelectorAll('#results img').length") == 0


def test_a_sample_is_of_the_set(page: Browser) -> None:
    """All of it decodes."""
    page.click("#sample")
    page.wait("document.getElementById('source').value.split('\\n').length === 8")
    page.press("Enter", 13, CTRL)
    page.wait("document.getElementById('summary').textContent.includes('decoded,')")
    assert page.text("#summary") == "8 of 8 decoded, 0 refused."


@pytest.mark.parametrize("width", [320, 800, 1600])
def test_no_width_cuts_anything_off(page: Browser, width: int) -> None:
    """Nothing is wider than the window, open details included."""
    decode(page, f"sub r5 r3 r1\n{'y' * 200}\nadd r1")
    page.click("#results .row")
    page.wait("document.querySelector('.details h3')")
    page.show(width=width, height=800)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    boxes = page.evaluate(
        "[...document.querySelectorAll('button, textarea, select, .answer')].filter((e) => "
        "e.offsetParent).map((e) => e.getBoundingClientRect()).map((b) => [b.left, b.right])"
    )
    assert len(boxes) >= 8
    bars = page.evaluate("[...document.querySelectorAll('.bar')].map((bar) => bar.clientWidth)")
    assert bars and min(bars) >= 50
    assert all(left >= 0 and right <= width + 1 for left, right in boxes)


CONTRAST = """
(() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const light = (colour) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map((c) => c / 255)
      .map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const colour = getComputedStyle(e).backgroundColor;
      if (!/, 0\\)$|transparent/.test(colour)) return colour;
    }
    return 'white';
  };
  return [...document.querySelectorAll('body *')].filter((e) => e.offsetParent && !e.disabled &&
    [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())).map((e) => {
      const pair = [light(getComputedStyle(e).color), light(behind(e))].sort((a, b) => b - a);
      return [e.tagName + '.' + e.className, (pair[0] + 0.05) / (pair[1] + 0.05)];
    });
})()
"""


@pytest.mark.parametrize("dark", [False, True])
def test_texts_stand_out(page: Browser, dark: bool) -> None:
    """Every text has the contrast that WCAG's level AA asks for, by day and by night."""
    page.show(dark=dark)
    run_program(page, PROGRAM + "\nadd r1")
    page.click("#results .row")
    page.wait("document.querySelector('.details h3')")
    found = page.evaluate(CONTRAST)
    assert len(found) >= 30
    assert [one for one in found if one[1] < 4.5] == []
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") != dark


def test_pictures_can_be_taken(page: Browser, tmp_path: Path) -> None:
    """By day, by night, and narrow; ``KVRM_SCREENSHOTS`` names a folder to look at them."""
    folder = Path(os.environ.get("KVRM_SCREENSHOTS", tmp_path))
    run_program(page, PROGRAM, "r1=3")
    page.click("#step")
    page.click("#step")
    page.click("#results .row")
    page.wait("document.querySelector('.details h3')")
    for name, look in {
        "day": {}, "night": {"dark": True}, "narrow": {"width": 360, "height": 1600},
    }.items():  # fmt: skip
        page.show(**look)  # type: ignore[arg-type]
        page.screenshot(folder / f"{name}.png")
        assert (folder / f"{name}.png").stat().st_size > 5000


def test_a_key_is_asked_for(chromium: Browser) -> None:
    """The page says that a key is wanted, and works with the right one."""
    with stand(key="a long key") as guarded:
        chromium.call("Page.navigate", url=f"http://127.0.0.1:{guarded.port}/")
        chromium.wait("document.getElementById('key-form')?.hidden === false")
        chromium.wait("document.activeElement.id === 'key'")
        chromium.type("a long key")
        chromium.press("Enter", 13)
        chromium.wait("document.getElementById('status').textContent.startsWith('ready')")
        assert chromium.evaluate("document.getElementById('key-form').hidden")
