// What can be done in the explorer, as in view/explorer/exploration.py: moments, actions on them, undo and redo; and what is painted.
//
// The networks answer later (`models.judge`, `models.logits` return promises), so `view()` does too. What an oracle of the little
// world would say stays in Python.

const STEPS = ["select", "mask", "sample", "corrupt", "judge"];
const LONGEST = 512, MASK_SHARE = 0.15, KEEP_SHARE = 0.15, SLACK = 0.005, MOST_UNDONE = 200, TOP = 8;

/** Uniform numbers from 0 to 1 (mulberry32): the same seed and number of the draw give the same again. */
function uniform(seed, number) {
  let state = (seed * 0x9e3779b1 + number * 0x85ebca6b + 0x6d2b79f5) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Half to even, as torch rounds. */
function roundHalfEven(x) {
  const low = Math.floor(x), rest = x - low;
  return rest > 0.5 || (rest === 0.5 && low % 2) ? low + 1 : low;
}

/** n: how many of a row's tokens are selected, multiplied in 32 bits as the reference does. */
function countSelected(length, candidates) {
  const wanted = roundHalfEven(Math.fround(Math.fround(MASK_SHARE) * length));
  const most = Math.max(1, Math.min(wanted, Math.floor((MASK_SHARE + SLACK) * length)));
  return Math.min(Math.max(wanted, 1), most, candidates);
}

/** softmax(logits / temperature). */
function probabilities(logits, temperature) {
  let most = -Infinity, sum = 0;
  for (const logit of logits) if (logit > most) most = logit;
  const raised = Float64Array.from(logits, (logit) => Math.exp((logit - most) / temperature));
  for (const p of raised) sum += p;
  return raised.map((p) => p / sum);
}

/** One token by the inverse CDF. */
function draw(logits, temperature, u) {
  const p = probabilities(logits, temperature);
  let dart = u;
  for (let id = 0; id < p.length; id++) if ((dart -= p[id]) < 0) return id;
  return p.indexOf(Math.max(...p));
}

/** The last answers by their question: undo, redo and the temperature ask no network. */
class Remembered {
  constructor(size) {
    this.size = size;
    this.answers = new Map();
  }

  get(question, ask) {
    const key = JSON.stringify(question);
    const known = this.answers.get(key) ?? ask();
    this.answers.delete(key);
    this.answers.set(key, known);
    if (this.answers.size > this.size) this.answers.delete(this.answers.keys().next().value);
    return known;
  }
}

const FROM_RIGHT = /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}]/gu, LETTER = /\p{L}/gu;

/** The side the text starts from. */
function direction(tokens) {
  const [right, letters] = [FROM_RIGHT, LETTER].map((kind) => (tokens.join("").match(kind) ?? []).length);
  return 2 * right > letters ? "rtl" : "ltr";
}

class Exploration {
  /** `model`: name, tokenizer, longest (tokens), judge(ids) and logits(ids, positions), which promise their answers. */
  constructor(model, text, { seed = 0 } = {}) {
    this.model = model;
    this.seed = seed;
    this.judged = new Remembered(8);
    this.proposed = new Remembered(8);
    this.now = this.start = this.moment(text);
    this.row = this.read(text);
    this.past = [];
    this.future = [];
    this.last = "";
  }

  moment(text, more = {}) {
    return { text, selected: [], masked: [], sampled: {}, position: null, stage: "judge", temperature: 1, draws: 0, ...more };
  }

  /** Tokenise a text, cut to what the model reads. */
  read(text) {
    const row = this.model.tokenizer.encode(text, Math.min(LONGEST, this.model.longest));
    if (row.ids.length <= 2) throw new Error(w("There is nothing to read: type at least one word."));
    return row;
  }

  isFixed(i) {
    const { padId, clsId, sepId, maskId } = this.model.tokenizer;
    return [padId, clsId, sepId, maskId].includes(this.row.ids[i]);
  }

  // ---- what is there ----

  /** What the discriminator reads: the original with the sampled tokens put in. */
  currentIds() {
    return this.row.ids.map((id, i) => this.now.sampled[i] ?? id);
  }

  isReplaced(i) {
    return i in this.now.sampled && this.now.sampled[i] !== this.row.ids[i];
  }

  pReplaced() {
    const ids = this.currentIds();
    return this.judged.get(ids, () => this.model.judge(ids));
  }

  /** Vocabulary logits at the positions, the row being read with the blanks of `moment`. */
  logitsAt(positions, masked = this.now.masked) {
    const ids = this.row.ids.map((id, i) => (masked.includes(i) ? this.model.tokenizer.maskId : id));
    return this.proposed.get([ids, positions], () => this.model.logits(ids, positions));
  }

  // ---- what can be done; every action ends in a new moment ----

  go(moment, action) {
    if (JSON.stringify(moment) === JSON.stringify(this.now)) return;
    if (!(action === "temperature" && this.last === action)) this.past = [...this.past, this.now].slice(-MOST_UNDONE);
    this.future = [];
    this.last = action;
    this.show(moment);
  }

  show(moment) {
    if (moment.text !== this.now.text) this.row = this.read(moment.text);
    this.now = moment;
  }

  check(i) {
    const { ids, tokens } = this.row;
    if (!Number.isInteger(i) || i < 0 || i >= ids.length) throw new Error(`There is no position ${i}: the tokens are numbered 0 to ${ids.length - 1}.`);
    if (this.isFixed(i)) throw new Error(w("{token} at position {position} is a special token: it is never masked.", { token: tokens[i], position: i }));
    return i;
  }

  set_text(text) {
    this.read(text);
    this.go(this.moment(text, { temperature: this.now.temperature, draws: this.now.draws }), "text");
  }

  press(i) {
    this.check(i);
    if (!this.now.selected.includes(i)) this.mask(i);
    else if (i !== this.now.position || this.now.stage !== "judge") this.go({ ...this.now, position: i, stage: "judge" }, "open");
    else this.restore(i);
  }

  mask(i) {
    this.check(i);
    const { [i]: _, ...sampled } = this.now.sampled;
    const [selected, masked] = [this.now.selected, this.now.masked].map((old) => [...new Set([...old, i])].sort((a, b) => a - b));
    this.go({ ...this.now, selected, masked, sampled, position: i, stage: "judge" }, "mask");
  }

  restore(i) {
    this.check(i);
    const { [i]: _, ...sampled } = this.now.sampled;
    const [selected, masked] = [this.now.selected, this.now.masked].map((old) => old.filter((j) => j !== i));
    this.go({ ...this.now, selected, masked, sampled, position: null, stage: "judge" }, "restore");
  }

  open() {
    if (this.now.position === null) throw new Error(w("No token is open: choose a token first."));
    return this.now.position;
  }

  fill(id, action) {
    this.go({ ...this.now, sampled: { ...this.now.sampled, [this.open()]: id }, stage: "judge" }, action);
  }

  choose(token) {
    const id = this.model.tokenizer.ids.get(token);
    if (id === undefined) throw new Error(w("“{token}” is no token of this vocabulary.", { token }));
    this.fill(id, "choose");
  }

  type_word(word) {
    this.fill(this.model.tokenizer.single(word, this.row.tokens[this.open()]), "type");
  }

  async sample() {
    const sampled = { ...this.now.sampled, ...(await this.drawn(this.now, [this.open()])) };
    this.go({ ...this.now, sampled, draws: this.now.draws + 1, stage: "judge" }, "sample");
  }

  async corrupt() {
    let moment = this.selection();
    while (moment.stage !== STEPS.at(-1)) moment = await this.following(moment);
    this.go(moment, "corrupt");
  }

  async step() {
    this.go(this.now.stage === STEPS.at(-1) ? this.selection() : await this.following(this.now), "step");
  }

  /** A fresh selection by pre-training's rule: n of the candidates, without repeats. */
  selection() {
    const { text, temperature, draws } = this.now, random = uniform(this.seed, draws);
    const candidates = [...this.row.ids.keys()].filter((i) => !this.isFixed(i));
    const keys = new Map(candidates.map((i) => [i, random()]));
    const n = countSelected(this.row.ids.length, candidates.length);
    const selected = candidates.sort((a, b) => keys.get(b) - keys.get(a)).slice(0, n).sort((a, b) => a - b);
    return this.moment(text, { selected, stage: "select", temperature, draws: draws + 1 });
  }

  /** The next rung: masking and sampling ask chance, corrupting and judging only reveal what follows. */
  async following(moment) {
    const stage = STEPS[STEPS.indexOf(moment.stage) + 1];
    const random = uniform(this.seed, moment.draws);
    if (stage === "mask") {
      return { ...moment, stage, masked: moment.selected.filter(() => random() >= KEEP_SHARE), draws: moment.draws + 1 };
    }
    if (stage === "sample") return { ...moment, stage, sampled: await this.drawn(moment, moment.selected), draws: moment.draws + 1 };
    return { ...moment, stage };
  }

  /** One sampled id a position; every blank is filled without knowing what fills the others. */
  async drawn(moment, positions) {
    if (!positions.length) return {};
    const random = uniform(this.seed, moment.draws), logits = await this.logitsAt(positions, moment.masked);
    return Object.fromEntries(positions.map((i, n) => [i, draw(logits[n], moment.temperature, random())]));
  }

  set_temperature(temperature) {
    this.go({ ...this.now, temperature: Math.min(3, Math.max(0.1, temperature)) }, "temperature");
  }

  undo() {
    if (!this.past.length) return;
    this.future.push(this.now);
    this.show(this.past.pop());
    this.last = "undo";
  }

  redo() {
    if (!this.future.length) return;
    this.past.push(this.now);
    this.show(this.future.pop());
    this.last = "redo";
  }

  reset() {
    this.go({ ...this.start, draws: this.now.draws }, "reset");
  }

  // ---- what is painted: the dictionary of view/explorer/widget.py ----

  async view() {
    const { now, row, model } = this;
    const [p, proposals] = await Promise.all([this.pReplaced(), this.proposals()]);
    return {
      name: model.name,
      text: now.text,
      direction: direction(row.tokens.slice(1, -1)),
      chips: row.tokens.map((token, i) => this.chip(token, i, p)),
      stage: STEPS.indexOf(now.stage),
      position: now.position,
      proposals,
      can_sample: true,
      judges: true,
      temperature: now.temperature,
      can_undo: this.past.length > 0,
      can_redo: this.future.length > 0,
      notices: row.cut ? [w("The text is longer than what can be shown: the first {kept} tokens are here, {cut} are cut.", { kept: row.ids.length, cut: row.cut.toLocaleString("en") })] : [],
      status: this.status(),
      plain: this.plain(p),
    };
  }

  chip(token, i, p) {
    const { now, model } = this;
    const isMasked = now.masked.includes(i), isFilled = i in now.sampled;
    const current = isFilled ? model.tokenizer.vocabulary[now.sampled[i]] : token, masked = isMasked ? MASK : token;
    const shown = { select: token, mask: masked }[now.stage] ?? (isFilled ? current : masked);
    const isJudged = now.stage === "judge";
    return { token, masked, current, shown, word: this.row.words[i], fixed: this.isFixed(i), mark: this.mark(i), p: isJudged ? p[i] : null, best: null };
  }

  /** What happened to a token, in a word: "", selected, blank, drawn, guessed (right), replaced. */
  mark(i) {
    const { now } = this;
    if (!now.selected.includes(i)) return "";
    if (now.stage === "sample") return "drawn";
    if (i in now.sampled) return this.isReplaced(i) ? "replaced" : "guessed";
    return now.masked.includes(i) && now.stage !== "select" ? "blank" : "selected";
  }

  /** The generator's likeliest tokens at the open position, with the rank of the original among all. */
  async proposals() {
    const { now, row } = this, { position } = now;
    if (position === null) return null;
    const { vocabulary, size } = this.model.tokenizer;
    const [logits] = await this.logitsAt([position]);
    const p = probabilities(logits, now.temperature), original = row.ids[position];
    const best = [...p.keys()].sort((a, b) => p[b] - p[a]).slice(0, TOP);
    return {
      position,
      rows: best.map((id) => ({ token: vocabulary[id], p: p[id], is_original: id === original, is_here: now.sampled[position] === id, ceiling: null })),
      original: vocabulary[original],
      original_p: p[original],
      original_rank: 1 + logits.reduce((above, logit) => above + (logit > logits[original]), 0),
      original_ceiling: null,
      vocab_size: size,
      was_masked: now.masked.includes(position),
    };
  }

  /** What a screen reader is told after every action, and what stands under the tokens. */
  status() {
    const { selected, masked, sampled, stage } = this.now, filled = Object.keys(sampled).length;
    if (!selected.length) return w("Nothing is masked. Choose a token to hide it from the generator.");
    if (stage === "select") return w("{count} tokens are selected: the generator will have to predict them.", { count: selected.length });
    if (stage === "mask") return w("{masked} of {selected} selected tokens show [MASK]; the others stay as they are.", { masked: masked.length, selected: selected.length });
    if (stage === "sample") return w("{count} tokens are drawn from the generator's proposals, each without knowing the others.", { count: filled });
    const replaced = this.row.ids.filter((_, i) => this.isReplaced(i)).length;
    const parts = filled ? [w("{total} of {count} filled tokens are replaced; a right guess counts as original.", { total: replaced, count: filled })] : [];
    if (selected.length > filled) parts.push(w("An open blank counts as original: the discriminator never reads [MASK]."));
    return parts.join(" ");
  }

  /** The present moment as text: what “Copy as text” copies. */
  plain(p) {
    const { vocabulary } = this.model.tokenizer;
    const lines = this.currentIds().map((id, i) => {
      const was = this.isReplaced(i) ? `  ${w("replaced, was {token}", { token: this.row.tokens[i] })}` : "";
      return `${vocabulary[id]}  ${p[i].toFixed(2)}${p[i] >= 0.5 ? "*" : ""}${was}`;
    });
    return [w("Token explorer: {name}", { name: this.model.name }), "", ...lines, "", w("The number is P(replaced); * marks 0.5 and more.")].join("\n");
  }
}
