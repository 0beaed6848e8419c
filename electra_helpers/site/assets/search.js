// Search over the sections of all pages, in the page: English by the beginnings of words, Chinese by pairs of characters.
(() => {
  const CHINESE = /[\u3400-\u9fff\uf900-\ufaff]+/gu;

  /** What a query asks for: words in lower case, and of Chinese every pair of neighbouring characters, so that nobody has to cut words. */
  function termsOf(query) {
    const lower = query.toLowerCase();
    const pairs = (lower.match(CHINESE) ?? []).flatMap((run) =>
      run.length === 1 ? [run] : [...run].slice(1).map((character, i) => [...run][i] + character),
    );
    const words = lower.replace(CHINESE, " ").match(/[\p{L}\p{N}_.\-]*[\p{L}\p{N}]/gu) ?? [];
    return [...new Set([...pairs, ...words])];
  }

  /** How often a term occurs: Chinese anywhere, a word only where a word begins. */
  function count(text, term) {
    let found = 0;
    const anywhere = term.match(CHINESE) !== null;
    for (let at = text.indexOf(term); at >= 0; at = text.indexOf(term, at + term.length)) {
      if (anywhere || at === 0 || !/[\p{L}\p{N}]/u.test(text[at - 1])) found += 1;
    }
    return found;
  }

  /** The sections that hold every term, or where there are none, most of them; the best first. */
  function search(sections, query, most = 20) {
    const terms = termsOf(query);
    if (!terms.length) return [];
    const judged = sections.map((section) => {
      const [title, text, page] = [section.title, section.text, section.page].map((s) => s.toLowerCase());
      const scores = terms.map((term) => 12 * Math.min(count(title, term), 2) + 3 * Math.min(count(page, term), 1) + Math.min(count(text, term), 6));
      return { section, held: scores.filter(Boolean).length, score: scores.reduce((a, b) => a + b, 0) };
    });
    const held = Math.max(...judged.map((one) => one.held));
    if (held === 0) return [];
    const found = judged.filter((one) => one.held === held && held * 2 >= terms.length);
    return found.sort((a, b) => b.score - a.score).slice(0, most).map((one) => one.section);
  }

  /** Some words around the first place where a term stands, as [before, term, after]. */
  function excerpt(text, terms, around = 60) {
    const lower = text.toLowerCase();
    const places = terms.map((term) => [lower.indexOf(term), term]).filter(([at]) => at >= 0).sort((a, b) => a[0] - b[0]);
    if (!places.length) return [text.slice(0, 2 * around), "", ""];
    const [[at, term]] = places, start = Math.max(0, at - around), end = at + term.length;
    return [(start ? "… " : "") + text.slice(start, at), text.slice(at, end), `${text.slice(end, end + around)} …`];
  }

  globalThis.electraSearch = { termsOf, search, excerpt };
  if (typeof document === "undefined") return;

  const form = document.querySelector(".search"), input = form.querySelector("input"), list = form.querySelector(".found");
  const { root, language } = document.body.dataset;
  let loading = null;

  function load() {
    loading ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = `${root}/assets/sections.${language}.js`;
      script.onload = () => resolve(globalThis.electraSections);
      script.onerror = reject;
      document.head.append(script);
    });
    return loading;
  }

  function element(tag, text, ...children) {
    const made = document.createElement(tag);
    made.textContent = text;
    made.append(...children);
    return made;
  }

  function result(section, terms) {
    const link = element("a", section.title);
    link.href = `${root}/${section.url}`;
    const [before, term, after] = excerpt(section.text, terms);
    link.append(element("small", section.title === section.page ? "" : section.page), element("small", before, element("mark", term), after));
    return link;
  }

  async function show() {
    const query = input.value.trim();
    list.hidden = !query;
    if (!query) return;
    const found = search(await load(), query);
    if (query !== input.value.trim()) return; // the reader typed on
    const count = found.length ? `${found.length} ${list.dataset.found}` : list.dataset.nothing;
    const said = element("p", count);
    said.setAttribute("role", "status");
    list.replaceChildren(said, ...found.map((section) => result(section, termsOf(query))));
  }

  form.hidden = false;
  input.addEventListener("focus", load, { once: true });
  input.addEventListener("input", show);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    list.querySelector("a")?.click();
  });
  form.addEventListener("keydown", (event) => {
    const links = [...list.querySelectorAll("a")], here = links.indexOf(document.activeElement);
    if (event.key === "Escape") {
      list.hidden = true;
      input.focus();
    } else if (event.key === "ArrowDown" && here + 1 < links.length) links[here + 1].focus();
    else if (event.key === "ArrowUp" && here >= 0) (links[here - 1] ?? input).focus();
    else return;
    event.preventDefault();
  });
  document.addEventListener("click", (event) => {
    if (!form.contains(event.target)) list.hidden = true;
  });
})();
