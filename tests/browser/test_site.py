"""The website as a reader has it: from a folder and from a server, on a phone and on a desk, with the explorer at work.

Numbers in the page are compared with Python's; how fast it is, is measured by tests/benchmarks/site_speed.py.
"""

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import expect

from electra_helpers.exchange.store import load
from electra_helpers.site.models import AT_ONCE, models_for_pages
from electra_helpers.tasks.proposals import generator_logits, judge_edited, read_row
from tests.browser.widgets import AXE
from tests.site import written
from tests.site.javascript import model_data, source
from tests.site.texts import ODD, sentences

WIDTHS = (390, 768, 1440)
LOOKED_AT = (
    "index.html",
    "en/02_encoder.html",
    "en/api.html",
)  # the other pages have no other parts; test-all looks at each
RUN_AXE = "async () => (await axe.run()).violations.map(v => [v.id, v.nodes.map(n => n.html.slice(0, 200))])"
TOO_WIDE = "() => document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth"
SHOWN = "chips => chips.map(c => [c.querySelector('bdi').textContent, c.querySelector('.eh-p').textContent.trim()])"
TEXT = "Oscar was a writer in an ancient port , and he loved his old typewriter ."


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def site():
    return written.site()


@pytest.fixture(scope="module")
def addresses(site):
    """Where the site is opened from: its folder, and a server that has it in a folder of its own, as GitHub Pages does."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site.out.parent)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield {"folder": site.out.as_uri(), "server": f"http://127.0.0.1:{server.server_port}/{site.out.name}"}
    server.shutdown()


class Reader:
    """A page of the browser, with what it complained of and what it asked for elsewhere."""

    def __init__(self, browser, addresses, **options):
        self.page = browser.new_page(**{"viewport": {"width": 1440, "height": 900}} | options)
        self.addresses, self.complaints = addresses, []
        self.page.on(
            "console", lambda said: self.complaints.append(said.text) if said.type in ("error", "warning") else None
        )
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self.note)

    def note(self, request):
        if not request.url.startswith((*self.addresses.values(), "data:", "blob:")):
            self.complaints.append(f"asked for {request.url}")

    def open(self, name="index.html", place="folder"):
        self.page.goto(f"{self.addresses[place]}/{name}")
        if name == "index.html":
            self.wait_for(AT_ONCE)
        return self.page

    def wait_for(self, model):
        self.page.wait_for_selector(f'.live[data-ready="{model}"]')

    @property
    def widget(self):
        return self.page.locator(".eh-widget")

    def chip(self, i):
        return self.page.locator(".eh-chip").nth(i)

    def answers(self):
        return int(self.widget.get_attribute("data-answer"))

    def after(self, act):
        """Do something and wait until the page has answered."""
        before = self.answers()
        act()
        self.page.wait_for_function(f"() => Number(document.querySelector('.eh-widget').dataset.answer) > {before}")

    def click(self, name):
        self.after(self.widget.get_by_role("button", name=name, exact=True).click)

    def type(self, text):
        area = self.page.get_by_label("Text", exact=True)
        area.fill(text)
        self.after(lambda: area.press("Enter"))

    def chips(self):
        return [tuple(pair) for pair in self.page.locator(".eh-chip").evaluate_all(SHOWN)]


@pytest.fixture
def reader(browser, addresses):
    reader = Reader(browser, addresses)
    yield reader
    reader.page.close()
    assert reader.complaints == []


@pytest.mark.parametrize("place", ["folder", pytest.param("server", marks=pytest.mark.slow)])
def test_every_page_opens_and_fits_on_a_phone_and_a_desk_and_asks_nobody_else(reader, site, place):
    for page in site.pages if place == "folder" else site.pages[:3]:
        opened = reader.open(page.name, place)
        for width in WIDTHS:
            opened.set_viewport_size({"width": width, "height": 900})
            assert opened.evaluate(TOO_WIDE) <= 0, (page.name, width)
    assert reader.complaints == []


@pytest.mark.parametrize(
    ("width", "theme"),
    [
        (390, "light"),
        pytest.param(768, "dark", marks=pytest.mark.slow),
        pytest.param(1440, "light", marks=pytest.mark.slow),
    ],
)
def test_axe_finds_nothing(browser, addresses, site, width, theme):
    reader = Reader(browser, addresses, viewport={"width": width, "height": 900}, color_scheme=theme)
    for name in LOOKED_AT:
        page = reader.open(name)
        page.evaluate(AXE.read_text("utf-8"))
        assert page.evaluate(RUN_AXE) == [], (name, width, theme)
    reader.page.close()


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(browser, addresses, site, theme):
    reader = Reader(browser, addresses, color_scheme=theme)
    for page in site.pages:
        opened = reader.open(page.name)
        opened.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        opened.evaluate(AXE.read_text("utf-8"))
        assert opened.evaluate(RUN_AXE) == [], (page.name, theme)
    reader.page.close()


@pytest.mark.parametrize("place", ["folder", "server"])
def test_the_first_sentence_has_pythons_numbers(reader, place):
    reader.open(place=place)
    model, start = load(AT_ONCE), written_start()
    row = read_row(model, start["text"])
    p = judge_edited(
        model, row.encoding.ids, {int(i): model.tokenizer.backend.token_to_id(w) for i, w in start["sampled"].items()}
    )
    assert [number for _, number in reader.chips()] == [f"{x:.2f}" for x in p]


def written_start():
    from electra_helpers.site.home import start

    return start()


def test_a_click_masks_and_shows_the_generators_proposals(reader):
    reader.open()
    reader.type(TEXT)
    reader.after(reader.chip(4).click)
    assert reader.chip(4).get_attribute("data-mark") == "blank"
    model = load(AT_ONCE)
    logits = generator_logits(model, read_row(model, TEXT).encoding.ids, [4], [4])[0]
    best = logits.softmax(-1).topk(8)
    rows = reader.page.locator(".eh-proposal")
    assert rows.evaluate_all("rows => rows.map(row => row.dataset.token)") == model.tokenizer.tokens(
        best.indices.tolist()
    )
    shown = rows.evaluate_all("rows => rows.map(row => Number(row.querySelector('.eh-p').textContent))")
    assert shown == pytest.approx(best.values.tolist(), abs=2e-3)


def test_a_word_that_was_put_in_is_judged_and_can_be_taken_back(reader):
    reader.open()
    reader.type(TEXT)
    before = reader.chips()
    reader.after(reader.chip(4).click)
    reader.page.get_by_label("Another word").fill("horse")
    reader.click("Put")
    model = load(AT_ONCE)
    edits = {4: model.tokenizer.backend.token_to_id("horse")}
    p = judge_edited(model, read_row(model, TEXT).encoding.ids, edits)
    assert [number for _, number in reader.chips()] == [f"{x:.2f}" for x in p]
    assert reader.chip(4).get_attribute("data-mark") == "replaced"
    reader.chip(4).focus()
    for _ in range(2):
        reader.after(lambda: reader.page.keyboard.press("Control+z"))
    assert reader.chips() == before


def test_the_five_steps_the_ladder_and_the_keyboard(reader):
    reader.open()
    reader.type(TEXT)
    for number, name in enumerate(("Step by step", "Next: mask", "Next: sample", "Next: corrupt", "Next: judge")):
        reader.click(name)
        assert (
            reader.page.locator(".eh-stages [aria-current]").inner_text()
            == ("Select", "Mask", "Sample", "Corrupt", "Judge")[number]
        )
    marked = reader.page.locator(".eh-chip[data-mark]:not([data-mark=''])")
    expect(marked).to_have_count(2, timeout=90_000)  # of 18 tokens, int(0.155 · 18)
    reader.page.get_by_text("The ladder").click()
    expect(reader.page.locator(".eh-ladder tr")).to_have_count(6, timeout=90_000)  # it is drawn behind the click
    reader.chip(1).focus()
    reader.page.keyboard.press("ArrowRight")
    reader.after(lambda: reader.page.keyboard.press("Enter"))
    expect(reader.page.locator(".eh-panel")).to_be_visible(timeout=90_000)
    reader.page.keyboard.press("Escape")
    reader.click("Corrupt 15 %")
    reader.page.get_by_label("Temperature").fill("2")
    reader.page.wait_for_function("() => document.querySelector('.eh-temperature output').textContent === '2.0'")


def test_what_is_wrong_is_said_in_the_page(reader):
    reader.open()
    reader.after(reader.chip(4).click)
    reader.page.get_by_label("Another word").fill("xylophonists")
    reader.click("Put")
    assert "xylophonists" in reader.page.locator(".eh-error").inner_text()
    reader.type("   ")
    assert "type at least one word" in reader.page.locator(".eh-error").inner_text()


def test_a_text_of_the_readers_own_stays_when_the_model_is_changed(reader):
    page, name = reader.open(), models_for_pages()[1]
    text = "The museum opens at nine , but the café next door opens at seven ."
    reader.type(text)
    page.locator(f'[data-name="{name}"]').click()
    reader.wait_for(name)
    assert page.get_by_label("Text", exact=True).input_value() == text
    model = load(name)
    p = judge_edited(model, read_row(model, text).encoding.ids, {})
    assert [float(number) for _, number in reader.chips()] == pytest.approx(p, abs=0.0051)
    assert page.locator(".models progress").is_hidden()


def test_without_a_worker_the_page_computes_the_same(browser, addresses, reader):
    reader.open()
    beside = Reader(browser, addresses)
    beside.page.add_init_script("delete globalThis.Worker")
    beside.open()
    assert beside.chips() == reader.chips()
    beside.page.close()


@pytest.mark.parametrize("name", models_for_pages())
def test_the_browsers_tokenizer_and_networks_are_pythons(reader, name):
    page, model, texts = (
        reader.open("en/recipes.html"),
        load(name),
        [*ODD, *sentences("en")[:10], *sentences("zh")[:10]],
    )
    page.add_script_tag(content=source())
    page.evaluate("({name, about, parts}) => { globalThis.opened = openModel(name, about, parts); }", model_data(name))
    found = page.evaluate("([name, texts]) => texts.map(text => answer(opened, name, text))", [name, texts])
    most = min(512, model.net.config.max_positions)
    for text, here in zip(texts, found, strict=True):
        assert here["ids"] == model.tokenizer.encode(text, max_length=most).ids, text
        if "p" in here:
            assert here["p"] == pytest.approx(judge_edited(model, here["ids"], {}), abs=1e-4), text


def test_the_search_finds_and_leads_there(reader, site):
    page = reader.open("en/03_generator.html")
    page.get_by_role("searchbox").fill("gather")
    page.wait_for_selector(".found a")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/*#*")
    assert "gather" in page.locator(":target").inner_text().lower()


def test_a_chosen_theme_stays_and_colours_the_explorer_too(reader):
    page = reader.open(place="server")
    light = page.evaluate("getComputedStyle(document.querySelector('.eh-widget')).backgroundColor")
    page.get_by_role("button", name="Light or dark").click()
    dark = page.evaluate("getComputedStyle(document.querySelector('.eh-widget')).backgroundColor")
    assert light == "rgb(255, 255, 255)"
    assert dark == page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    reader.open("en/recipes.html", place="server")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_without_scripts_everything_is_read(browser, addresses):
    reader = Reader(browser, addresses, java_script_enabled=False)
    reader.page.goto(f"{addresses['folder']}/index.html")
    assert reader.page.locator(".live img").is_visible()
    reader.page.goto(f"{addresses['folder']}/en/03_generator.html")
    assert reader.page.get_by_role("heading", name="Train it").is_visible()
    assert reader.page.locator(".contents").get_by_role("link", name="04 · Corrupted inputs").is_visible()
    reader.page.close()


def test_in_print_only_the_text_is_left(reader):
    page = reader.open("en/03_generator.html")
    page.emulate_media(media="print")
    assert page.locator("article").is_visible()
    for left_out in (".bar", ".contents", ".toc", ".neighbours"):
        assert page.locator(left_out).is_hidden()
