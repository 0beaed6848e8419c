// The token explorer: paints `view` and sends actions. No model logic here.

const stageNames = () => [w("Select"), w("Mask"), w("Sample"), w("Corrupt"), w("Judge")];

/** Random corruption, undo, redo, reset, copying, temperature. */
function tools(line, say, view) {
  const random = button(w("Corrupt 15 %"), () => line.send("corrupt"), { class: "eh-main" });
  const undo = button(w("Undo"), () => line.send("undo"), { title: "Ctrl+Z" });
  const redo = button(w("Redo"), () => line.send("redo"), { title: "Ctrl+Shift+Z" });
  const reset = button(w("Reset"), () => line.send("reset"));
  const copy = button(w("Copy as text"), () =>
    copyText(view().plain).then(() => say(w("Copied.")), (error) => say(error.message)),
  );
  const range = control("input", { type: "range", min: 0.1, max: 3, step: 0.1, "aria-label": w("Temperature") });
  const shown = el("output");
  range.addEventListener("input", () => {
    setText(shown, Number(range.value).toFixed(1));
    line.sendNewest("set_temperature", Number(range.value));
  });
  const heat = el("label", { class: "eh-temperature" }, `${w("Temperature")} `, range, shown);
  const root = el("div", { class: "eh-tools", role: "group", "aria-label": w("Tools") }, random, undo, redo, reset, copy, heat);
  const paint = (now) => {
    random.disabled = !now.can_sample;
    // aria-disabled, not disabled: a button that loses the focus by being pressed would send the reader to the top of the page.
    setAttribute(undo, "aria-disabled", now.can_undo ? null : "true");
    setAttribute(redo, "aria-disabled", now.can_redo ? null : "true");
    if (line.waiting > 0) return; // a newer value is under way: the hand on the slider is right, the answer is late
    range.value = now.temperature;
    setText(shown, now.temperature.toFixed(1));
  };
  return { root, paint };
}

/** The five steps of pre-training, one at a time. */
function stages(line) {
  const next = button(w("Next step"), () => line.send("step"));
  const names = stageNames();
  const items = names.map((name) => el("li", { text: name }));
  const root = el("div", { class: "eh-stages" }, el("ol", { "aria-label": w("Steps of pre-training") }, ...items), next);
  const paint = (view) => {
    items.forEach((item, i) => {
      setAttribute(item, "aria-current", i === view.stage ? "step" : null);
      setAttribute(item, "data-done", i < view.stage);
    });
    next.disabled = !view.can_sample;
    const after = names[view.stage + 1];
    setText(next, after ? w("Next: {stage}", { stage: after.toLowerCase() }) : w("Step by step"));
  };
  return { root, paint };
}

/** The generator at the open position: bars, the rank of the original, a word of one's own. */
function panel(line, close) {
  const title = el("div", { class: "eh-title" });
  const list = el("div", { class: "eh-bars", role: "group", "aria-label": w("Proposals") });
  const rank = el("p", { class: "eh-rank" });
  const input = control("input", { type: "text", dir: "auto", "aria-label": w("Another word"), placeholder: w("another word"), spellcheck: "false" });
  const put = () => line.send("type_word", input.value);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.isComposing) put();
  });
  const sample = button(w("Sample"), () => line.send("sample"), { title: w("Draw from these probabilities") });
  let position = null;
  const back = button(w("Original back"), () => { line.send("restore", position); close(position); });
  const own = el("div", { class: "eh-own" }, input, button(w("Put"), put), sample, back);
  const root = el("div", { class: "eh-panel", role: "group", "aria-label": w("Open token") }, title, list, rank, own);
  root.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    close(position);
  });
  const rows = () => [...list.children];
  const ensureStop = roving(list, rows);
  const paint = (view) => {
    root.hidden = view.position === null;
    const isNew = position !== view.position;
    position = view.position;
    if (root.hidden) return;
    if (isNew) input.value = "";
    const at = { position, token: view.chips[position].token };
    const isAsked = view.proposals !== null;
    setText(title, isAsked ? w("The generator at position {position}, “{token}”", at) : w("At position {position}, “{token}”", at));
    sample.hidden = !view.can_sample;
    list.hidden = rank.hidden = view.proposals === null;
    if (view.proposals) paintBars(list, view.proposals, (token) => line.send("choose", token));
    if (view.proposals) setText(rank, rankOf(view.proposals));
    ensureStop(isNew);
  };
  return { root, paint };
}

function rankOf(made) {
  const { original, original_rank: rank, original_ceiling: ceiling } = made;
  const about = { original, rank, count: made.vocab_size.toLocaleString("en"), p: readable(made.original_p) };
  const place = made.was_masked
    ? w("The original “{original}” is number {rank} of {count}, with probability {p}.", about)
    : w("The original “{original}” is number {rank} of {count}, with probability {p} (the generator sees it here: 15 % of the selected stay as they are).", about);
  if (ceiling == null) return place;
  return place + w(" ◆ marks the ceiling: a generator that knew the little world would give it {ceiling}.", { ceiling: ceiling.toFixed(3) });
}

function readable(p) {
  return p < 0.001 ? w("below 0.001") : p.toFixed(3);
}

function paintBars(list, made, choose) {
  while (list.children.length > made.rows.length) list.lastChild.remove();
  while (list.children.length < made.rows.length) {
    const parts = [el("bdi"), el("span", { class: "eh-bar" }), el("small", { class: "eh-p" }), el("small", { class: "eh-tag" })];
    const row = control("button", { type: "button", class: "eh-proposal", tabindex: -1 }, ...parts);
    row.addEventListener("click", () => choose(row.dataset.token));
    list.append(row);
  }
  made.rows.forEach((proposal, i) => {
    const row = list.children[i];
    const [token, bar, number, tag] = row.children;
    const tags = [proposal.is_original && w("original"), proposal.is_here && w("in the row")].filter(Boolean);
    row.dataset.token = proposal.token;
    setText(token, proposal.token);
    setText(number, proposal.p.toFixed(3));
    setText(tag, tags.length > 1 ? w("{before}, {after}", { before: tags[0], after: tags[1] }) : (tags[0] ?? ""));
    bar.style.setProperty("--q", proposal.p);
    bar.replaceChildren(...ceilingMark(proposal.ceiling));
    setAttribute(row, "title", proposal.ceiling == null ? null : w("ceiling {ceiling}", { ceiling: proposal.ceiling.toFixed(3) }));
    setAttribute(row, "aria-pressed", String(proposal.is_here));
  });
}

/** Where the bar of a perfect generator would end. */
function ceilingMark(ceiling) {
  if (ceiling == null) return [];
  const mark = el("i", { class: "eh-ceiling" });
  mark.style.setProperty("--c", ceiling);
  return [mark];
}

/** The six rungs as aligned rows, as far as the steps have come. */
function ladder(view) {
  const body = el("tbody");
  const rungs = [
    [w("original"), (chip) => chip.token],
    [w("selected"), (chip) => (chip.mark ? "▲" : "")],
    [w("masked"), (chip) => chip.masked],
    [w("sampled"), (chip) => (chip.mark === "blank" ? "" : chip.current)],
    [w("replaced"), (chip) => (chip.mark === "replaced" ? w("yes") : "")],
    ["P(replaced)", (chip) => (chip.p == null || chip.mark === "blank" ? "" : chip.p.toFixed(2))],
  ];
  const frame = control("div", { class: "eh-scroll", tabindex: 0, role: "region", "aria-label": w("Ladder") }, el("table", {}, body));
  const root = el("details", { class: "eh-ladder" }, control("summary", { text: w("The ladder: all steps as rows") }), frame);
  const paint = (now) => {
    if (!root.open) return;
    const rows = rungs.map(([name, read], rung) => {
      const cells = now.chips.map((chip) => {
        const cell = el("td", { text: rung <= now.stage + 1 ? read(chip) : "", "data-mark": chip.mark || null });
        if (rung === 5) cell.style.setProperty("--p", chip.mark === "blank" ? 0 : (chip.p ?? 0));
        return cell;
      });
      return el("tr", {}, el("th", { scope: "row", text: name }), ...cells);
    });
    body.replaceChildren(...rows);
  };
  root.addEventListener("toggle", () => paint(view()));
  return { root, paint };
}

function render({ model, el: place }) {
  const view = () => model.get("view");
  words = model.get("words") ?? {};
  const line = new Line(model);
  const { status, error } = messages();
  const say = (text) => setText(status, text);
  const chips = new Chips(w("Tokens"), {
    press: (i) => line.send("press", i),
    erase: (i) => view().chips[i].mark && line.send("restore", i),
  });
  const close = (position) => chips.buttons[position]?.focus();
  const notices = el("div", { class: "eh-notices" });
  const key = legend(el("span", {}, " · ", el("u", { text: w("underlined") }), w(": replaced, the original below it")));
  const best = el("span", { text: w(" · ◆ the ceiling: a judge that knows every other word") });
  key.append(best);
  const parts = [reader(line), tools(line, say, view), stages(line), panel(line, close), ladder(view)];
  const [read, tool, stage, open, rungs] = parts.map((part) => part.root);
  const root = el("div", { class: "eh-widget", role: "group", "aria-label": w("Token explorer") });
  root.append(read, tool, notices, stage, chips.root, key, status, error, open, rungs);
  root.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.target.matches("input[type=text], textarea")) return;
    const wanted = { z: event.shiftKey ? "redo" : "undo", y: "redo" }[event.key.toLowerCase()];
    if (!wanted) return;
    event.preventDefault();
    event.stopPropagation();
    line.send(wanted);
  });
  return keepPainted({ model, place, root, line, notices, status, error }, (now) => {
    parts.forEach((part) => part.paint(now));
    chips.paint(now.chips, now);
    key.hidden = !now.judges;
    best.hidden = now.chips.every((chip) => chip.best == null);
  });
}

export default { render };
