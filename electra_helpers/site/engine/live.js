// The explorer on a page of the site: models come as scripts, since a page from a folder may load nothing else; the networks run in a
// worker where the browser allows one, and the widget's own code paints and listens.

const ACTIONS = ["set_text", "press", "restore", "choose", "type_word", "sample", "corrupt", "step", "set_temperature", "undo", "redo", "reset"];
const arrived = {}; // what the models' scripts brought: name → {about, parts}
globalThis.electraModel = (name, about) => ((arrived[name] ??= { parts: [] }).about = about);
globalThis.electraPart = (name, number, text) => (arrived[name].parts[number] = text);

function loadScript(address) {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = () => (script.remove(), resolve());
    script.onerror = () => reject(new Error(`${address} could not be loaded.`));
    document.head.append(script);
  });
}

/** The networks behind promises: in a worker, or, where there can be none, beside the page. */
class Networks {
  constructor() {
    this.waiting = new Map();
    this.count = 0;
    try {
      const source = `const models = (${createEngine})();
        onmessage = ({ data: { id, call, args } }) => {
          try { postMessage({ id, answer: models[call](...args) }); } catch (error) { postMessage({ id, error: error.message }); }
        };`;
      this.worker = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
      this.worker.onmessage = ({ data }) => this.answered(data);
      this.worker.onerror = (event) => {
        for (const id of this.waiting.keys()) this.answered({ id, error: event.message || "The worker stopped." });
      };
    } catch {
      this.models = createEngine(); // no worker from a page like this one: the same answers, between two clicks
    }
  }

  ask(call, ...args) {
    if (!this.worker) return new Promise((resolve) => setTimeout(() => resolve(this.models[call](...args))));
    return new Promise((resolve, reject) => {
      const id = this.count++;
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ id, call, args });
    });
  }

  answered({ id, answer, error }) {
    const { resolve, reject } = this.waiting.get(id);
    this.waiting.delete(id);
    if (error === undefined) resolve(answer);
    else reject(new Error(error));
  }
}

/** A model by its scripts: `progress` hears of each part. */
async function openModel(networks, name, { base, progress = () => {} }) {
  await loadScript(`${base}/${name}/model.js`);
  const { about, parts } = arrived[name];
  for (let number = 0; number < about.parts; number++) {
    await loadScript(`${base}/${name}/${number}.js`);
    await networks.ask("part", name, parts[number]);
    parts[number] = null;
    progress((number + 1) / about.parts);
  }
  await networks.ask("open", name, about.config);
  return {
    name,
    examples: about.examples,
    tokenizer: new Tokenizer(about.vocabulary.split("\n"), about.rules, CHARACTERS),
    longest: about.config.max_positions,
    judge: (ids) => networks.ask("judge", name, ids),
    logits: (ids, positions) => networks.ask("logits", name, ids, positions),
  };
}

/** What the widget takes for its Python: actions go in one after the other, `view` comes out. */
class Bridge {
  constructor(exploration, examples) {
    Object.assign(this, { exploration, examples, listeners: new Set(), queue: Promise.resolve(), answers: 0 });
  }

  get(name) {
    return name === "view" ? this.view : name === "words" ? words : undefined;
  }

  on(_, listener) {
    this.listeners.add(listener);
  }

  off(_, listener) {
    this.listeners.delete(listener);
  }

  send({ do: action, with: values = [] }) {
    this.queue = this.queue.then(() => this.act(action, values));
  }

  async act(action, values) {
    let error = null;
    try {
      if (!ACTIONS.includes(action)) throw new Error(`There is no action “${action}”.`);
      await this.exploration[action](...values);
    } catch (mistake) {
      error = mistake.message;
    }
    await this.paint(error);
  }

  async paint(error = null) {
    this.answers += 1;
    this.view = { ...(await this.exploration.view()), examples: this.examples, error, answer: this.answers };
    this.listeners.forEach((listener) => listener());
  }
}

/** Put an explorer into `place`; `data-models` lists what can be chosen, the first is opened at once. */
async function mount(place) {
  const choices = JSON.parse(place.dataset.models), base = place.dataset.base;
  words = JSON.parse(place.dataset.words ?? "{}");
  const networks = new Networks(), opened = {};
  const frame = el("div"), bar = el("progress", { max: 1, value: 0, hidden: true }), said = el("p", { class: "model-said", role: "status" });
  const buttons = choices.map(({ name, label, size }) =>
    el("button", { type: "button", text: `${label} (${size})`, "data-name": name, onclick: () => choose(name) }),
  );
  const row = el("div", { class: "models", role: "group", "aria-label": place.dataset.label }, ...buttons, bar);
  let bridge = null, close = () => {};

  async function choose(name, start = null) {
    if (bridge?.exploration.model.name === name) return;
    buttons.forEach((button) => setAttribute(button, "aria-pressed", String(button.dataset.name === name)));
    const about = choices.find((choice) => choice.name === name);
    try {
      if (!opened[name]) {
        bar.hidden = place.contains(row) === false;
        setText(said, about.loading);
        opened[name] = await openModel(networks, name, { base, progress: (share) => (bar.value = share) });
      }
      await show(opened[name], start);
      setText(said, about.about);
    } catch (error) {
      setText(said, error.message);
    }
    bar.hidden = true;
  }

  /** The model's explorer in place of the one before; a text of the reader's own stays. */
  async function show(model, start) {
    const typed = bridge && !bridge.examples.includes(bridge.exploration.now.text) ? bridge.exploration.now.text : null;
    const exploration = new Exploration(model, start?.text ?? typed ?? model.examples[0]);
    for (const [position, token] of Object.entries(start?.sampled ?? {})) {
      exploration.press(Number(position));
      exploration.choose(token);
    }
    exploration.past = [];
    const next = new Bridge(exploration, model.examples);
    await next.paint();
    close();
    frame.replaceChildren();
    close = render({ model: next, el: frame });
    bridge = next;
    if (!place.contains(row)) place.replaceChildren(row, said, frame);
    place.dataset.ready = model.name;
  }

  await choose(choices[0].name, place.dataset.start ? JSON.parse(place.dataset.start) : null);
}

for (const place of document.querySelectorAll(".live")) mount(place);
