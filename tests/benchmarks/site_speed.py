"""How fast the website's explorer is in Chromium, opened from its folder: `python -m tests.benchmarks.site_speed build/site`.

Prints the time from opening index.html to the first coloured sentence, and from a click to the new picture at 32 tokens, for each model.
"""

import statistics
import sys
from pathlib import Path

from playwright.sync_api import Page

from tests.browser.harness import chromium

TIMES = 15
TEXT = "the chef cooked a meal for the guests and put the letter into the box , then she went to the old house by the river and slept ."
WATCH = """new MutationObserver(() => {
  if (document.querySelector('.live[data-ready]')) globalThis.readyAt ??= performance.now();
}).observe(document, {subtree: true, attributes: true, childList: true});"""
# The reader's own clock: from the click to the frame after the answer was painted; and what of it the networks took.
CLICK = """i => new Promise(done => {
  const widget = document.querySelector('.eh-widget'), begun = performance.now(), before = widget.dataset.answer;
  const look = () => widget.dataset.answer === before ? requestAnimationFrame(look) : done(performance.now() - begun);
  document.querySelectorAll('.eh-chip')[i].click();
  look();
})"""
CHOOSE = CLICK.replace("querySelectorAll('.eh-chip')[i]", "querySelectorAll('.eh-proposal')[i % 8]")


def open_site(page: Page, site: Path) -> float:
    """Seconds from the start of the navigation to the first sentence with its numbers."""
    page.add_init_script(WATCH)
    page.goto((site / "index.html").resolve().as_uri())
    page.wait_for_function("() => globalThis.readyAt")
    return page.evaluate("() => readyAt") / 1000


def clicks(page: Page) -> tuple[int, list[float], list[float]]:
    """Tokens, milliseconds of clicks that mask (the generator answers), and of those that replace (the discriminator answers)."""
    area = page.get_by_label("Text", exact=True)
    area.fill(TEXT)
    area.press("Enter")
    page.wait_for_function("text => document.querySelector('.eh-widget textarea').value === text", arg=TEXT)
    page.wait_for_timeout(1000)
    count = page.locator(".eh-chip").count()
    masking, replacing = [], []
    for i in range(1, TIMES + 1):
        masking.append(page.evaluate(CLICK, i))
        replacing.append(page.evaluate(CHOOSE, i))
    return count, masking, replacing


def main() -> None:
    site = Path(sys.argv[1] if len(sys.argv) > 1 else "build/site")
    with chromium() as browser:
        opened = []
        for _ in range(5):
            page = browser.new_page()
            opened.append(open_site(page, site))
            page.close()
        print(f"first sentence: median {statistics.median(opened):.2f} s of {[round(s, 2) for s in opened]}")
        page = browser.new_page()
        open_site(page, site)
        for name in page.evaluate("() => JSON.parse(document.querySelector('.live').dataset.models).map(m => m.name)"):
            page.locator(f'[data-name="{name}"]').click()
            page.wait_for_selector(f'.live[data-ready="{name}"]')
            count, masking, replacing = clicks(page)
            mask, put = statistics.median(masking), statistics.median(replacing)
            print(
                f"{name}: {count} tokens, click to picture, median of {TIMES}: mask {mask:.0f} ms, replace {put:.0f} ms"
            )


if __name__ == "__main__":
    main()
