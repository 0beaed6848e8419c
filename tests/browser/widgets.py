"""A notebook with widgets, driven as a learner drives them, in JupyterLab or Notebook 7; Python is asked through the kernel."""

import json
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Locator

from tests.browser.harness import IS_READY, Lab

AXE = Path(__file__).parent / "axe" / "axe.min.js"
KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
# Inside JupyterLab axe finds next to no text to measure, so contrast is measured here, by the same formula (WCAG 2, 1.4.3).
PALE_TEXT = """() => {
    const rgba = css => { const [r, g, b, a = 1] = css.match(/[\\d.]+/g).map(Number); return [r, g, b, a]; };
    const over = ([r, g, b, a], under) => [r, g, b].map((x, i) => x * a + under[i] * (1 - a));
    const light = rgb => rgb.map(x => x / 255).map(x => x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4)
        .reduce((sum, x, i) => sum + x * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = e => e ? over(rgba(getComputedStyle(e).backgroundColor), behind(e.parentElement)) : [255, 255, 255];
    const hasText = e => [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    return [...document.querySelectorAll('.eh-widget *')].filter(e => hasText(e) && e.checkVisibility()).map(e => {
        const page = behind(e), ink = over(rgba(getComputedStyle(e).color), page);
        const [dark, bright] = [light(page), light(ink)].sort((a, b) => a - b);
        return [e.textContent, (bright + 0.05) / (dark + 0.05)];
    });
}"""
RUN_AXE = "async () => (await axe.run('.eh-widget')).violations.map(v => [v.id, v.nodes.map(n => n.html)])"
SET_THEME = "theme => jupyterapp.commands.execute('apputils:change-theme', {theme})"
ASK_KERNEL = """async code => {
    const request = jupyterapp.shell.currentWidget.sessionContext.session.kernel.requestExecute({code, store_history: false});
    let text = '';
    request.onIOPub = message => { text += message.content.text ?? message.content.evalue ?? ''; };
    await request.done;
    return text;
}"""
NOT_RUN = "() => [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].filter(p => !/\\d/.test(p.textContent)).length"
THEME_IS = "name => document.body.dataset.jpThemeName === name"


def write_notebook(path: Path, *cells: str) -> None:
    book = new_notebook(cells=[new_code_cell(cell) for cell in cells], metadata=KERNEL)
    nbformat.write(book, path)


class Desk(Lab):
    """A notebook, open and run, with the widget of one of its cells under hand."""

    def __init__(self, server, browser, scale: float = 1):
        super().__init__(server, browser, scale)
        self.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        self.cell = 0  # whose widget is meant

    def open_in_notebook(self, name: str) -> None:
        """Open in Notebook 7."""
        self.page.goto(f"{self.server.url}/notebooks/{name}?token={self.server.token}")
        self.page.wait_for_function(IS_READY, timeout=300_000)
        self.page.wait_for_selector(".jp-Notebook .jp-Cell")

    def run_by_menu(self) -> list[dict]:
        """Run every cell as a learner does in Notebook 7, by Run → Run All Cells; returns the code cells."""
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        self.page.wait_for_function(f"() => ({NOT_RUN})() === 0 && ({IS_READY})()", timeout=600_000)
        return self.code_cells()

    def widget(self) -> Locator:
        return self.page.locator(".jp-Notebook .jp-CodeCell").nth(self.cell).locator(".eh-widget")

    def answers(self) -> int:
        return int(self.widget().get_attribute("data-answer"))

    def settle(self, after: int) -> None:
        """Wait until Python has answered an action that was begun at answer `after`."""
        widget = self.widget().element_handle()
        self.page.wait_for_function("([widget, n]) => Number(widget.dataset.answer) > n", arg=[widget, after])

    def chip(self, i: int) -> Locator:
        return self.widget().locator(".eh-chip").nth(i)

    def press(self, locator: Locator) -> None:
        """Click something, and wait for the answer."""
        before = self.answers()
        locator.click()
        self.settle(before)

    def click(self, name: str) -> None:
        """Press a button of the widget by its visible name, and wait for the answer."""
        self.press(self.widget().get_by_role("button", name=name, exact=True))

    def keys(self, *keys: str, answers: bool = True) -> None:
        """Press keys wherever the focus is."""
        before = self.answers()
        for key in keys:
            self.page.keyboard.press(key)
        if answers:
            self.settle(before)

    def focused(self) -> str:
        """Text of what has the focus."""
        return self.page.evaluate("() => document.activeElement.innerText || document.activeElement.ariaLabel")

    def tab_to(self, selector: str, most: int = 30) -> None:
        """Tab on until such an element has the focus: keyboard users have no other way."""
        for _ in range(most):
            if self.page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
            self.page.keyboard.press("Tab")
            if not self.widget().evaluate("widget => widget.contains(document.activeElement)"):
                self.widget().get_by_label("Text", exact=True).focus()  # once around
        raise AssertionError(f"{most} tabs did not lead to {selector}; the focus is on {self.focused()!r}")

    def ask(self, expression: str):
        """The value of a Python expression, straight from the kernel, the focus left where it is."""
        return json.loads(self.page.evaluate(ASK_KERNEL, f"import json; print(json.dumps({expression}))"))

    def chips(self) -> list[tuple[str, str]]:
        """Token and number of every chip as they are shown."""
        shown = (
            self.widget()
            .locator(".eh-chip")
            .evaluate_all(
                "chips => chips.map(c => [c.querySelector('bdi').textContent, c.querySelector('.eh-p').textContent.trim()])"
            )
        )
        return [tuple(chip) for chip in shown]

    def theme(self, name: str) -> None:
        self.page.evaluate(SET_THEME, name)
        self.page.wait_for_function(THEME_IS, arg=name)

    def violations(self) -> list:
        """What axe objects to inside the widget, and text whose contrast is below 4.5."""
        self.page.evaluate(AXE.read_text("utf-8"))
        contrasts = self.page.evaluate(PALE_TEXT)
        assert len(contrasts) > 30, "chips, numbers and buttons are measured"
        return self.page.evaluate(RUN_AXE) + [pair for pair in contrasts if pair[1] < 4.5]

    def tab_to_button(self, name: str) -> None:
        """Tab on, or back to the top of the widget and on, until the button with this name has the focus."""
        button = self.widget().get_by_role("button", name=name, exact=True).element_handle()
        for _ in range(2):
            for _ in range(40):
                if button.evaluate("button => button === document.activeElement"):
                    return
                self.page.keyboard.press("Tab")
                if not self.widget().evaluate("widget => widget.contains(document.activeElement)"):
                    break
            self.widget().get_by_label("Text", exact=True).focus()
        raise AssertionError(f"no tab led to {name!r}; the focus is on {self.focused()!r}")

    def cells(self) -> list[str]:
        """The kind of every cell, in order: what a stray one-letter command would change."""
        return self.page.locator(".jp-Notebook .jp-Cell").evaluate_all(
            "cells => cells.map(c => ['jp-CodeCell', 'jp-MarkdownCell', 'jp-RawCell'].find(k => c.classList.contains(k)))"
        )

    def strays(self) -> list[str]:
        """One-letter commands of Jupyter that, pressed now, change the notebook."""
        before = self.cells()
        for keys in ("b", "a", "dd", "x", "m", "r"):
            self.keys(*keys, answers=False)
            if self.cells() != before:
                return [keys]  # the focus is elsewhere now, so the others cannot be tried
        return []

    def unguarded(self) -> list[str]:
        """Everything in the widget that takes the focus and does not keep Jupyter's one-letter commands away."""
        return self.widget().evaluate(
            "w => [...w.querySelectorAll('button, input, select, textarea, summary, [tabindex]')]"
            ".filter(e => e.dataset.lmSuppressShortcuts !== 'true').map(e => e.outerHTML)"
        )

    def picture(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.widget().screenshot(path=path)
