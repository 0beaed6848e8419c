// ELECTRA's two networks in plain JavaScript, for one text at a time: the forward pass of model/encoder.py and model/electra.py.
//
// Shapes: L tokens, H hidden size, E embedding size, A heads, D head size, F feed-forward size, V vocabulary. Everything lies in one
// memory of 32-bit floats; a place is a number of floats from its start. Rows are padded to a multiple of 4, as the product wants.

const padded = (n, by = 4) => Math.ceil(n / by) * by;

/** Tensors of a safetensors file: name → {shape, read(to)}, where `read` writes the numbers as floats into an array. */
function readSafetensors(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = Number(view.getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  const { __metadata__: aliases = {}, ...entries } = header;
  const raw = (name) => bytes.slice(8 + length + entries[name].data_offsets[0], 8 + length + entries[name].data_offsets[1]);
  const tensors = {};
  for (const [name, { dtype, shape }] of Object.entries(entries)) {
    const scales = entries[`${name}_scale`] ? new Float32Array(raw(`${name}_scale`).buffer) : null;
    tensors[name] = { shape, read: (to) => decode(raw(name), dtype, scales, to) };
  }
  for (const [alias, name] of Object.entries(aliases)) if (tensors[name]) tensors[alias] ??= tensors[name];
  return tensors;
}

/** Numbers as they are stored → floats: F32, F16, or I8 with one scale a row. */
function decode(bytes, dtype, scales, to) {
  if (dtype === "F32") to.set(new Float32Array(bytes.buffer));
  else if (dtype === "F16") {
    const table = halves();
    new Uint16Array(bytes.buffer).forEach((half, i) => (to[i] = table[half]));
  } else if (dtype === "I8") {
    const whole = new Int8Array(bytes.buffer), width = whole.length / scales.length;
    for (let row = 0, i = 0; row < scales.length; row++) {
      for (const end = i + width; i < end; i++) to[i] = whole[i] * scales[row];
    }
  } else throw new Error(`Weights of type ${dtype} are not read here.`);
}

let halfTable = null;

/** Every number that 16 bits hold. */
function halves() {
  if (halfTable) return halfTable;
  halfTable = new Float32Array(65536);
  for (let i = 0; i < 65536; i++) {
    const exponent = (i >> 10) & 31, fraction = i & 1023;
    const size = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
    halfTable[i] = (i & 32768 ? -1 : 1) * (exponent === 31 ? (fraction ? NaN : Infinity) : size);
  }
  return halfTable;
}

/** erf, off by 1.5e-7 at most (Abramowitz and Stegun, 7.1.26). */
function erf(x) {
  const t = 1 / (1 + 0.3275911 * Math.abs(x));
  const tail = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))) * Math.exp(-x * x);
  return x < 0 ? tail - 1 : 1 - tail;
}

const ACTIVATIONS = {
  gelu: (x) => 0.5 * x * (1 + erf(x * Math.SQRT1_2)),
  gelu_new: (x) => 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  relu: (x) => Math.max(x, 0),
  silu: (x) => x / (1 + Math.exp(-x)),
};

/** One pair of networks. `config`: {discriminator, generator} with the shape of each or null, `sharing`, `max_positions`. */
class Network {
  constructor(bytes, config, options) {
    this.config = config;
    this.tensors = readSafetensors(bytes);
    const shapes = [config.discriminator, config.generator].filter(Boolean);
    const most = (read) => Math.max(...shapes.map(read));
    const L = padded(config.max_positions), V = padded(config.vocab_size);
    const H = most((s) => Math.max(s.hidden_size, s.embedding_size)), F = most((s) => s.intermediate_size);
    const D = most((s) => s.hidden_size / s.num_heads);
    const scratch = { x: L * H, y: L * H, qkv: 3 * L * H, mixed: L * H, q: L * D, k: L * D, v: L * D, head: L * D, scores: L * L, up: L * F };
    scratch.logits = Network.ROWS * V;
    scratch.none = Math.max(V, L, 3 * H, F); // a bias of zeros
    const wanted = this.weightsWanted();
    const size = (sizes) => Object.values(sizes).reduce((sum, n) => sum + padded(n), 0);
    const weights = wanted.reduce((sum, name) => sum + padded(this.room(name)), 0);
    const fits = shapes.every((s) => [s.hidden_size, s.embedding_size, s.intermediate_size, s.hidden_size / s.num_heads].every((n) => n % 4 === 0));
    Object.assign(this, createKernel(weights + size(scratch), { simd: fits, ...options }));
    let end = 0;
    const take = (n) => (end += padded(n)) - padded(n);
    this.at = Object.fromEntries(Object.entries(scratch).map(([name, n]) => [name, take(n)]));
    this.place = {};
    for (const name of wanted) this.put(name, take(this.room(name)));
    this.addSharedTables();
    this.tensors = null;
  }

  /** Names of all weights, one for each tensor. */
  weightsWanted() {
    return Object.keys(this.tensors).filter((name) => !name.endsWith("_scale"));
  }

  /** Floats of a tensor, its rows padded to an even number. */
  room(name) {
    const [rows, ...rest] = this.tensors[name].shape;
    return padded(rows) * rest.reduce((a, b) => a * b, 1);
  }

  put(name, place) {
    const { shape, read } = this.tensors[name];
    this.place[name] = place;
    read(this.f.subarray(place, place + shape.reduce((a, b) => a * b, 1)));
  }

  /** Tables that one net takes from the other: the same, or, disentangled, the other's plus a difference of its own. */
  addSharedTables() {
    for (const table of ["word.weight", "position.weight", "token_type.weight", "layer_norm.weight", "layer_norm.bias"]) {
      const [mine, theirs] = ["discriminator", "generator"].map((net) => `${net}.encoder.embeddings.${table}`);
      const [here, there] = [this.place[mine], this.place[theirs]];
      if (here === undefined && there !== undefined) this.place[mine] = there;
      else if (there === undefined && here !== undefined) this.place[theirs] = here;
      else if (this.config.sharing === "disentangled" && here !== undefined && !table.startsWith("layer_norm")) {
        const [rows, width] = this.tensors[mine].shape;
        for (let i = 0; i < rows * width; i++) this.f[here + i] += this.f[there + i];
      }
    }
  }

  weight(name) {
    const place = this.place[name];
    if (place === undefined) throw new Error(`The model has no ${name}.`);
    return place;
  }

  /** out (rows, m) = x (rows, k) times the named layer (m, k), plus its bias. */
  linear(name, { x, rows, k, m, out }) {
    this.product(x, padded(rows), k, this.weight(`${name}.weight`), m, this.weight(`${name}.bias`), out);
  }

  /** Each row of x (rows, width), plus the row of `more` where given, to mean 0 and deviation 1, scaled and shifted. */
  layerNorm(name, { x, rows, width, eps, more = null }) {
    const { f } = this, scale = this.weight(`${name}.weight`), shift = this.weight(`${name}.bias`);
    for (let row = 0; row < rows; row++) {
      const start = x + row * width;
      let mean = 0, squares = 0;
      if (more !== null) for (let i = 0; i < width; i++) f[start + i] += f[more + row * width + i];
      for (let i = 0; i < width; i++) mean += f[start + i];
      mean /= width;
      for (let i = 0; i < width; i++) squares += (f[start + i] - mean) ** 2;
      const by = 1 / Math.sqrt(squares / width + eps);
      for (let i = 0; i < width; i++) f[start + i] = (f[start + i] - mean) * by * f[scale + i] + f[shift + i];
    }
  }

  activate(kind, x, count) {
    const { f } = this, activation = ACTIVATIONS[kind];
    for (let i = x; i < x + count; i++) f[i] = activation(f[i]);
  }

  /** Word + position + segment 0, LayerNorm, and the projection E → H where they differ: leaves (L, H) in `x`. */
  embed(net, ids) {
    const { f, at } = this, { embedding_size: E, hidden_size: H, layer_norm_eps: eps } = this.config[net];
    const name = `${net}.encoder.embeddings`;
    const [word, position, segment] = ["word", "position", "token_type"].map((table) => this.weight(`${name}.${table}.weight`));
    const to = E === H ? at.x : at.y;
    ids.forEach((id, row) => {
      for (let i = 0; i < E; i++) f[to + row * E + i] = f[word + id * E + i] + f[position + row * E + i] + f[segment + i];
    });
    this.layerNorm(`${name}.layer_norm`, { x: to, rows: ids.length, width: E, eps });
    if (E !== H) this.linear(`${net}.encoder.project`, { x: to, rows: ids.length, k: E, m: H, out: at.x });
  }

  /** Multi-head attention over `qkv` (L, 3H): leaves (L, H) in `mixed`. */
  attend(L, H, heads) {
    const { f, at } = this, D = H / heads, P = padded(L), scale = 1 / Math.sqrt(D);
    for (let head = 0; head < heads; head++) {
      for (let row = 0; row < P; row++) {
        const from = at.qkv + row * 3 * H + head * D;
        for (let i = 0; i < D; i++) {
          f[at.q + row * D + i] = row < L ? f[from + i] * scale : 0;
          f[at.k + row * D + i] = row < L ? f[from + H + i] : 0;
          f[at.v + i * P + row] = row < L ? f[from + 2 * H + i] : 0; // transposed, (D, P): the product wants rows
        }
      }
      this.product(at.q, P, D, at.k, P, at.none, at.scores); // (P, P)
      for (let row = 0; row < L; row++) this.softmax(at.scores + row * P, L, P);
      this.product(at.scores, P, P, at.v, D, at.none, at.head); // (P, D)
      for (let row = 0; row < L; row++) f.copyWithin(at.mixed + row * H + head * D, at.head + row * D, at.head + (row + 1) * D);
    }
  }

  /** softmax over the first `count` of a row; the rest of its `width` is 0. */
  softmax(start, count, width) {
    const { f } = this;
    let most = -Infinity, sum = 0;
    for (let i = start; i < start + count; i++) if (f[i] > most) most = f[i];
    for (let i = start; i < start + count; i++) sum += f[i] = Math.exp(f[i] - most);
    for (let i = start; i < start + count; i++) f[i] /= sum;
    f.fill(0, start + count, start + width);
  }

  /** The encoder's last vectors, in `x`: of all L tokens, or of the tokens at `positions` only, in their order. */
  encode(net, ids, positions = null) {
    const { f, at } = this;
    const { hidden_size: H, intermediate_size: F, num_heads, num_layers, layer_norm_eps: eps, hidden_act } = this.config[net];
    let rows = ids.length;
    this.embed(net, ids);
    for (let layer = 0; layer < num_layers; layer++) {
      const name = `${net}.encoder.layers.${layer}`;
      this.linear(`${name}.attention.qkv`, { x: at.x, rows, k: H, m: 3 * H, out: at.qkv });
      this.attend(rows, H, num_heads);
      if (positions && layer === num_layers - 1) {
        // Whatever is asked of the last layer is asked at these positions alone. They ascend, so no row is overwritten before it is read.
        positions.forEach((from, to) => {
          for (const place of [at.x, at.mixed]) f.copyWithin(place + to * H, place + from * H, place + (from + 1) * H);
        });
        rows = positions.length;
      }
      this.linear(`${name}.attention.out`, { x: at.mixed, rows, k: H, m: H, out: at.y });
      this.layerNorm(`${name}.attention_norm`, { x: at.x, more: at.y, rows, width: H, eps });
      this.linear(`${name}.up`, { x: at.x, rows, k: H, m: F, out: at.up });
      this.activate(hidden_act, at.up, rows * F);
      this.linear(`${name}.down`, { x: at.up, rows, k: F, m: H, out: at.y });
      this.layerNorm(`${name}.output_norm`, { x: at.x, more: at.y, rows, width: H, eps });
    }
    return rows;
  }

  /** P(replaced) of every token of a row of ids: L numbers. */
  judge(ids) {
    const { f, at } = this, { hidden_size: H, hidden_act } = this.config.discriminator;
    this.encode("discriminator", ids);
    this.linear("discriminator.head.dense", { x: at.x, rows: ids.length, k: H, m: H, out: at.y });
    this.activate(hidden_act, at.y, ids.length * H);
    const w = this.weight("discriminator.head.logit.weight"), bias = f[this.weight("discriminator.head.logit.bias")];
    return ids.map((_, row) => {
      let logit = bias;
      for (let i = 0; i < H; i++) logit += f[at.y + row * H + i] * f[w + i];
      return 1 / (1 + Math.exp(-logit));
    });
  }

  /** Vocabulary logits at ascending `positions` of a row of ids with its [MASK]s: an array of V floats for each. */
  logits(ids, positions) {
    const found = [];
    for (let start = 0; start < positions.length; start += Network.ROWS) {
      found.push(...this.someLogits(ids, positions.slice(start, start + Network.ROWS)));
    }
    return found;
  }

  someLogits(ids, positions) {
    const { f, at } = this, { hidden_size: H, embedding_size: E, layer_norm_eps: eps } = this.config.generator;
    const V = this.config.vocab_size, even = padded(V), rows = this.encode("generator", ids, positions);
    this.linear("generator.head.dense", { x: at.x, rows, k: H, m: E, out: at.y });
    this.activate("gelu", at.y, rows * E);
    this.layerNorm("generator.head.layer_norm", { x: at.y, rows, width: E, eps });
    const word = this.weight("generator.encoder.embeddings.word.weight"); // tied: the word table is the output matrix
    this.product(at.y, padded(rows), E, word, even, this.weight("generator.head.bias"), at.logits);
    return positions.map((_, row) => f.slice(at.logits + row * even, at.logits + row * even + V));
  }
}
Network.ROWS = 96; // positions whose logits are computed at once

const DIGITS_85 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~";
const VALUES_85 = new Uint8Array(128);
for (let value = 0; value < 85; value++) VALUES_85[DIGITS_85.charCodeAt(value)] = value;

/** Base 85, as Python's b85encode writes it → bytes: five characters are four bytes, of a shorter end one byte fewer than characters. */
function fromBase85(text) {
  const bytes = new Uint8Array(Math.floor(text.length * 4 / 5));
  for (let at = 0, to = 0; at < text.length; at += 5, to += 4) {
    let number = 0; // below 2 ** 32
    for (let i = at; i < at + 5; i++) number = number * 85 + (i < text.length ? VALUES_85[text.charCodeAt(i)] : 84);
    for (let i = 0; i < 4 && to + i < bytes.length; i++) bytes[to + i] = number >>> (24 - 8 * i);
  }
  return bytes;
}

/** The models of this page by name, and what is asked of them; the same in a worker and beside the page. */
function createModels() {
  const networks = {}, parts = {};
  return {
    /** One part of a model's weights, in base 85. */
    part(name, text) {
      (parts[name] ??= []).push(fromBase85(text));
    },
    /** All parts are there: make the network. */
    open(name, config) {
      const bytes = new Uint8Array(parts[name].reduce((sum, part) => sum + part.length, 0));
      parts[name].reduce((end, part) => (bytes.set(part, end), end + part.length), 0);
      delete parts[name];
      networks[name] = new Network(bytes, config);
    },
    judge: (name, ids) => networks[name].judge(ids),
    logits: (name, ids, positions) => networks[name].logits(ids, positions),
  };
}
