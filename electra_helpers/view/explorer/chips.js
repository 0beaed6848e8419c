// What explorer and duel share: elements made from text, never from markup; tokens as chips; moving by arrow keys.

/** An element; text goes in as text, so nothing in a token is ever run. */
function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "text") element.textContent = value;
    else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** English words → those of the reader's language, which the view brings; English where it brings none. */
let words = {};

/** A text in the reader's language, its {fields} filled in. */
function w(text, fields = {}) {
  return (words[text] ?? text).replace(/\{(\w+)\}/g, (whole, name) => (name in fields ? String(fields[name]) : whole));
}

/** Something that takes the focus: Jupyter's one-letter shortcuts are kept away from each of these. */
function control(tag, properties = {}, ...children) {
  return el(tag, { "data-lm-suppress-shortcuts": "true", ...properties }, ...children);
}

function button(label, onclick, properties = {}) {
  return control("button", { type: "button", text: label, onclick, ...properties });
}

/** Set what differs only, so that focus, caret and screen reader are left in peace. */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function setAttribute(element, name, value) {
  if (value === false || value == null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value === true ? "" : value);
}

/** One stop for the Tab key; arrows, Home and End move inside. `items()` lists the elements in order. */
function roving(container, items) {
  const stop = (chosen) => items().forEach((item) => setAttribute(item, "tabindex", item === chosen ? 0 : -1));
  const ensure = (atFirst = false) => {
    const kept = items().filter((item) => item.tabIndex === 0);
    if (atFirst || kept.length !== 1) stop((!atFirst && kept[0]) || items()[0]);
  };
  container.addEventListener("focusin", (event) => {
    if (items().includes(event.target)) stop(event.target);
  });
  container.addEventListener("keydown", (event) => {
    const all = items();
    const here = all.indexOf(document.activeElement);
    if (here < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const forward = container.dir === "rtl" ? "ArrowLeft" : "ArrowRight";
    const backward = container.dir === "rtl" ? "ArrowRight" : "ArrowLeft";
    const steps = { [forward]: 1, ArrowDown: 1, [backward]: -1, ArrowUp: -1, Home: -here, End: all.length - 1 - here };
    if (!(event.key in steps)) return;
    event.preventDefault();
    all[Math.min(Math.max(here + steps[event.key], 0), all.length - 1)].focus();
  });
  return ensure;
}

// What a screen reader hears of a token beside its text and number: nothing is said by colour alone.
const marks = () => ({
  selected: w(", selected"),
  blank: w(", masked"),
  drawn: w(", drawn by the generator"),
  guessed: w(", guessed right, so original"),
  replaced: w(", replaced"),
});

/** A row of tokens, the pieces of a word side by side. `press(i)` and `erase(i)` are told of what the reader does. */
class Chips {
  constructor(label, { press, erase }) {
    this.root = el("div", { class: "eh-chips", role: "group", "aria-label": label });
    this.press = press;
    this.erase = erase;
    this.buttons = [];
    this.ensureStop = roving(this.root, () => this.buttons);
  }

  paint(chips, { direction, position }) {
    this.root.dir = direction;
    const key = JSON.stringify(chips.map((chip) => [chip.token, chip.word]));
    if (key !== this.key) this.build(chips);
    this.key = key;
    chips.forEach((chip, i) => this.update(this.buttons[i], chip, i === position));
    this.ensureStop();
  }

  build(chips) {
    this.buttons = chips.map((chip, i) => this.chip(i));
    const groups = [];
    chips.forEach((chip, i) => {
      const joins = i > 0 && chip.word !== null && chip.word === chips[i - 1].word;
      if (!joins) groups.push(el("span", { class: "eh-word" }));
      groups[groups.length - 1].append(this.buttons[i]);
    });
    this.root.replaceChildren(...groups);
  }

  chip(i) {
    const heard = el("span", { class: "eh-heard" });
    const lines = [el("bdi"), heard, el("small", { class: "eh-p" }), el("small", { class: "eh-was" })];
    lines.push(el("small", { class: "eh-best" }));
    const onkeydown = (event) => {
      if (event.key !== "Delete" && event.key !== "Backspace") return;
      event.preventDefault();
      this.erase(i);
    };
    return control("button", { type: "button", class: "eh-chip", onclick: () => this.press(i), onkeydown }, ...lines);
  }

  update(button, chip, isOpen) {
    const [token, heard, number, was, best] = button.children;
    const isJudged = chip.p != null && chip.mark !== "blank";
    setText(token, chip.shown);
    setText(heard, `${marks()[chip.mark] ?? ""}${isJudged ? ", P(replaced) " : ""}`);
    setText(number, isJudged ? chip.p.toFixed(2) : "\u00a0");
    setText(was, chip.mark === "replaced" ? chip.token : "");
    setText(best, chip.best == null ? "" : `◆ ${chip.best.toFixed(2)}`);
    setAttribute(button, "data-mark", chip.mark || null);
    setAttribute(button, "aria-disabled", chip.fixed ? "true" : null);
    setAttribute(button, "aria-pressed", chip.fixed ? null : String(Boolean(chip.mark)));
    setAttribute(button, "aria-current", isOpen ? "true" : null);
    button.style.setProperty("--p", chip.mark === "blank" ? 0 : (chip.p ?? 0));
  }
}

/** Actions to Python one after the other; of a slider's many values only the newest waits. */
class Line {
  constructor(model) {
    this.model = model;
    this.waiting = 0;
    this.newest = null;
  }

  send(name, ...values) {
    this.waiting += 1;
    this.model.send({ do: name, with: values });
  }

  sendNewest(name, value) {
    if (this.waiting > 0) this.newest = [name, value];
    else this.send(name, value);
  }

  answered() {
    this.waiting = Math.max(0, this.waiting - 1);
    if (this.waiting > 0 || this.newest === null) return;
    const [name, value] = this.newest;
    this.newest = null;
    this.send(name, value);
  }
}

/** The legend of the heat, with its numbers. */
function legend(...extra) {
  const steps = [0, 0.25, 0.5, 0.75, 1].map((p) => {
    const step = el("span", { class: "eh-step", text: String(p) });
    step.style.setProperty("--p", p);
    return step;
  });
  return el("p", { class: "eh-legend" }, "P(replaced) ", el("span", { class: "eh-steps" }, ...steps), ...extra);
}

/** Status for screen readers and everybody, errors for everybody, in the same places all the time. */
function messages() {
  const status = el("p", { class: "eh-status", role: "status" });
  const error = el("p", { class: "eh-error", role: "alert" });
  return { status, error };
}

/**
 * Put a widget in its place and paint it, now and after each answer: `paint` its own parts, then what explorer and duel share.
 * Returns what takes the listener off again.
 */
function keepPainted({ model, place, root, line, notices, status, error }, paint) {
  const paintAll = () => {
    const now = model.get("view");
    line.answered();
    paint(now);
    notices.replaceChildren(...now.notices.map((text) => el("p", { class: "eh-notice", text })));
    setText(status, now.status);
    setText(error, now.error ?? "");
    setAttribute(root, "data-answer", now.answer);
  };
  paintAll();
  model.on("change:view", paintAll);
  place.append(root);
  hideSaved(model);
  return () => model.off("change:view", paintAll);
}

/** Hide the saved picture of this widget, where it stands in the same page. */
function hideSaved(model) {
  const id = model.get("_model_id") ?? model.model_id;
  for (const saved of document.querySelectorAll("[data-eh-model]")) {
    if (saved.dataset.ehModel === id) saved.hidden = true;
  }
}

async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without permission, or on a page that is not secure: the old way, through a selection.
    const area = el("textarea", { text, "aria-hidden": "true" });
    document.body.append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (!done) throw new Error(w("The browser does not let this page copy."));
  }
}

/** Text and examples; Enter reads the text, Shift+Enter begins a new line. */
function reader(line) {
  const area = control("textarea", { rows: 2, dir: "auto", spellcheck: "false", "aria-label": w("Text") });
  const pick = control("select", { "aria-label": w("Pick a sentence") });
  const read = () => line.send("set_text", area.value);
  area.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    read();
  });
  pick.addEventListener("change", () => {
    if (pick.selectedIndex > 0) line.send("set_text", pick.value);
  });
  const root = el("div", { class: "eh-read" }, area, el("div", { class: "eh-side" }, button(w("Read"), read), pick));
  let known = null;
  const paint = (view) => {
    if (view.text !== known) area.value = view.text;
    known = view.text;
    if (pick.options.length !== view.examples.length + 1) {
      const options = view.examples.map((text) => el("option", { value: text, text }));
      pick.replaceChildren(el("option", { text: w("Pick a sentence …"), value: "" }), ...options);
      pick.hidden = view.examples.length === 0;
    }
    pick.selectedIndex = view.examples.indexOf(view.text) + 1;
  };
  return { root, paint };
}
