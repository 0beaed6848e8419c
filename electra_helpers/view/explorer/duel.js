// Beat the discriminator: choose a word, type another, read the verdict; the attempts are listed below.

const columns = () => [w("original"), w("yours"), "P(replaced)", w("score"), w("ceiling"), ""];

function attemptRow(attempt) {
  const verdict = attempt.is_noticed ? w("noticed") : w("not noticed");
  const numbers = [attempt.p_replaced, attempt.score, attempt.ceiling].map((x) => x.toFixed(2));
  const cells = [attempt.original, attempt.word, ...numbers, verdict];
  return el("tr", {}, ...cells.map((text) => el("td", { text })));
}

function render({ model, el: place }) {
  const view = () => model.get("view");
  words = model.get("words") ?? {};
  const line = new Line(model);
  const { status, error } = messages();
  const read = reader(line);
  const chips = new Chips(w("Sentence: choose the word to change"), {
    press: (i) => line.send("choose", i),
    erase: (i) => view().chips[i].mark && line.send("choose", i),
  });
  const input = control("input", { type: "text", dir: "auto", "aria-label": w("Your word"), placeholder: w("your word"), spellcheck: "false" });
  const put = () => line.send("put", input.value);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.isComposing) put();
    if (event.key === "Escape") chips.buttons[view().position]?.focus();
  });
  const own = el("div", { class: "eh-own" }, input, button(w("Try it"), put, { class: "eh-main" }));
  const notices = el("div", { class: "eh-notices" });
  const body = el("tbody");
  const head = el("thead", {}, el("tr", {}, ...columns().map((text) => el(text ? "th" : "td", text ? { text, scope: "col" } : {}))));
  const table = el("table", { class: "eh-attempts", "aria-label": w("Your attempts") }, head, body);
  const root = el("div", { class: "eh-widget", role: "group", "aria-label": w("Beat the discriminator") });
  root.append(read.root, notices, chips.root, legend(), status, error, own, table);
  return keepPainted({ model, place, root, line, notices, status, error }, (now) => {
    read.paint(now);
    chips.paint(now.chips, now);
    own.hidden = now.position === null;
    table.hidden = now.attempts.length === 0;
    body.replaceChildren(...now.attempts.map(attemptRow));
  });
}

export default { render };
