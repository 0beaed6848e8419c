// The matrix product, where all the time goes: a WebAssembly function with SIMD, put together here byte by byte, and the same in JavaScript.
//
// product(x, n, k, w, m, b, out): out (n, m) = x (n, k) · wᵀ, w being (m, k), + b (m). Rows of both lie one after the other, so every
// entry is a dot product of two rows; 4 rows of x and 2 of w are held at a time, 8 sums of 4 lanes in registers. n is a multiple of 4,
// m of 2 and, for SIMD, k of 4: whoever calls pads.

/** An unsigned number as LEB128. */
function leb(number) {
  const bytes = [];
  do {
    bytes.push((number & 127) | (number > 127 ? 128 : 0));
    number >>>= 7;
  } while (number);
  return bytes;
}

/** Bytes of the module; addresses are in bytes. */
function productModule() {
  const [X, N, K, W, M, B, OUT, I, J, END, X0, X1, X2, X3, W0, W1] = Array(16).keys();
  const ACC = 16, A = 24, V = 28; // 8 sums, 4 rows of x, 2 rows of w
  const get = (i) => [0x20, i], set = (i) => [0x21, i], num = (n) => [0x41, n]; // n below 64
  const add = 0x6a, mul = 0x6c;
  const load = (from) => [...get(from), 0xfd, 0, 4, 0];
  const step = (i, by) => [...get(i), ...num(by), add, ...set(i)];
  const again = (i, until) => [...get(i), ...get(until), 0x49, 0x0d, 0, 0x0b]; // while i < until (unsigned)
  const zero = [0xfd, 0x0c, ...Array(16).fill(0)];
  const sums = [...Array(8).keys()];
  const madd = (s) => [...get(ACC + s), ...get(A + (s >> 1)), ...get(V + (s & 1)), 0xfd, 0xe6, 1, 0xfd, 0xe4, 1, ...set(ACC + s)];
  const lane = (s, l) => [...get(ACC + s), 0xfd, 0x1f, l];
  // OUT is the address of entry (I, J); row r of the block lies r · 4M behind it.
  const store = (s) => [
    ...get(OUT), ...get(M), ...num(4 * (s >> 1)), mul, add,
    ...lane(s, 0), ...lane(s, 1), 0x92, ...lane(s, 2), ...lane(s, 3), 0x92, 0x92,
    ...get(B), 0x2a, 2, ...leb(4 * (s & 1)), 0x92, 0x38, 2, ...leb(4 * (s & 1)),
  ];
  const code = [
    ...get(K), ...num(2), 0x74, ...set(K), // K in bytes
    ...num(0), ...set(I),
    0x03, 0x40, // for each 4 rows of x
    ...num(0), ...set(J), ...get(W), ...set(W0),
    0x03, 0x40, // for each 2 rows of w
    ...sums.flatMap((s) => [...zero, ...set(ACC + s)]),
    ...get(X), ...set(X0), ...[X1, X2, X3].flatMap((to, r) => [...get(X0 + r), ...get(K), add, ...set(to)]),
    ...get(W0), ...get(K), add, ...set(W1), ...get(X1), ...set(END),
    0x03, 0x40, // along the rows, 4 numbers at a time
    ...[X0, X1, X2, X3].flatMap((from, r) => [...load(from), ...set(A + r)]),
    ...load(W0), ...set(V), ...load(W1), ...set(V + 1),
    ...sums.flatMap(madd),
    ...[X0, X1, X2, X3, W0, W1].flatMap((i) => step(i, 16)),
    ...again(X0, END),
    ...sums.flatMap(store),
    ...get(W1), ...set(W0), ...step(B, 8), ...step(OUT, 8), ...step(J, 2),
    ...again(J, M),
    ...get(B), ...get(M), ...num(4), mul, 0x6b, ...set(B), // back to the first of b
    ...get(OUT), ...get(M), ...num(12), mul, add, ...set(OUT), // three more rows down
    ...get(X), ...get(K), ...num(4), mul, add, ...set(X), ...step(I, 4),
    ...again(I, N),
    0x0b,
  ];
  const locals = [2, ...leb(9), 0x7f, ...leb(14), 0x7b]; // 9 more addresses, 14 vectors of 4 floats
  const body = [...locals, ...code];
  const section = (id, content) => [id, ...leb(content.length), ...content];
  const name = (text) => [text.length, ...[...text].map((c) => c.charCodeAt(0))];
  return new Uint8Array([
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, [1, 0x60, 7, ...Array(7).fill(0x7f), 0]),
    ...section(2, [1, ...name("e"), ...name("m"), 2, 0, 1]),
    ...section(3, [1, 0]),
    ...section(7, [1, ...name("product"), 0, 0]),
    ...section(10, [1, ...leb(body.length), ...body]),
  ]);
}

/** The same in JavaScript, 4 × 2 sums at a time; `f` is the memory, places are numbers of floats. */
function productInJavaScript(f, x, n, k, w, m, b, out) {
  for (let i = 0; i < n; i += 4) {
    const x0 = x + i * k, x1 = x0 + k, x2 = x1 + k, x3 = x2 + k;
    for (let j = 0; j < m; j += 2) {
      const w0 = w + j * k, w1 = w0 + k;
      let a0 = 0, a1 = 0, b0 = 0, b1 = 0, c0 = 0, c1 = 0, d0 = 0, d1 = 0;
      for (let p = 0; p < k; p++) {
        const u = f[w0 + p], v = f[w1 + p], a = f[x0 + p], c = f[x1 + p], d = f[x2 + p], e = f[x3 + p];
        a0 += a * u; a1 += a * v; b0 += c * u; b1 += c * v;
        c0 += d * u; c1 += d * v; d0 += e * u; d1 += e * v;
      }
      const p0 = f[b + j], p1 = f[b + j + 1];
      const o0 = out + i * m + j, o1 = o0 + m, o2 = o1 + m, o3 = o2 + m;
      f[o0] = a0 + p0; f[o0 + 1] = a1 + p1; f[o1] = b0 + p0; f[o1 + 1] = b1 + p1;
      f[o2] = c0 + p0; f[o2 + 1] = c1 + p1; f[o3] = d0 + p0; f[o3 + 1] = d1 + p1;
    }
  }
}

/** Memory for `floats` numbers, and the product on it: in WebAssembly where the browser has SIMD, otherwise in JavaScript. */
function createKernel(floats, { simd = true } = {}) {
  if (simd) {
    try {
      const memory = new WebAssembly.Memory({ initial: Math.ceil((4 * floats) / 65536) });
      const { product } = new WebAssembly.Instance(new WebAssembly.Module(productModule()), { e: { m: memory } }).exports;
      const fast = (x, n, k, w, m, b, out) => product(4 * x, n, k, 4 * w, m, 4 * b, 4 * out);
      return { f: new Float32Array(memory.buffer), isFast: true, product: fast };
    } catch {
      // No SIMD in this browser: the next lines do the same, more slowly.
    }
  }
  const f = new Float32Array(floats);
  return { f, isFast: false, product: (...places) => productInJavaScript(f, ...places) };
}
