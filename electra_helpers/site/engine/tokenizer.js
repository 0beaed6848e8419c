// WordPiece with BERT's normalisation, as in text/tokenizer.py: the same ids for every text.
//
// Which characters are dropped, are blanks, punctuation, accents or Chinese is read from tables that the Python library wrote
// (characters.py): browsers know other versions of Unicode. Decomposing and lower-casing are the browser's own.

/** Ranges [gap, length, gap, length, …] → a test for code points; the gap is counted from the end of the range before. */
function rangeTest(numbers) {
  const starts = [], ends = [];
  let place = 0;
  for (let i = 0; i < numbers.length; i += 2) {
    starts.push((place += numbers[i]));
    ends.push((place += numbers[i + 1]));
  }
  return (code) => {
    let low = 0, high = starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (starts[middle] <= code) low = middle + 1;
      else high = middle;
    }
    return low > 0 && code < ends[low - 1];
  };
}

const CLS = "[CLS]", SEP = "[SEP]", UNK = "[UNK]", MASK = "[MASK]", PAD = "[PAD]";
const SPECIAL = [PAD, UNK, CLS, SEP, MASK];

class Tokenizer {
  /** `rules`: lowercase, strip_accents, chinese, compose, longest_word; `characters`: ranges by kind. */
  constructor(vocabulary, rules, characters) {
    this.vocabulary = vocabulary;
    this.ids = new Map(vocabulary.map((token, id) => [token, id]));
    this.rules = rules;
    this.is = Object.fromEntries(Object.entries(characters).map(([kind, ranges]) => [kind, rangeTest(ranges)]));
    [this.padId, this.unkId, this.clsId, this.sepId, this.maskId] = SPECIAL.map((token) => this.ids.get(token));
  }

  get size() {
    return this.vocabulary.length;
  }

  /** Words as BERT cuts them: cleaned, without accents, in lower case, punctuation and Chinese characters by themselves. */
  words(text) {
    const { rules, is } = this, words = [];
    let clean = "", word = "";
    for (const character of (rules.compose ? text.normalize("NFC") : text).toWellFormed()) {
      const code = character.codePointAt(0);
      if (is.dropped(code)) continue;
      if (is.blank(code)) clean += " ";
      else clean += rules.chinese && is.chinese(code) ? ` ${character} ` : character;
    }
    if (rules.strip_accents) clean = [...clean.normalize("NFD")].filter((c) => !is.accent(c.codePointAt(0))).join("");
    // Letter by letter: a sigma at the end of a word stays the sigma that it is elsewhere.
    if (rules.lowercase) clean = Array.from(clean, (c) => c.toLowerCase()).join("");
    const close = () => {
      if (word) words.push(word);
      word = "";
    };
    for (const character of clean) {
      const code = character.codePointAt(0);
      if (is.blank(code)) close();
      else if (is.punctuation(code)) {
        close();
        words.push(character);
      } else word += character;
    }
    close();
    return words;
  }

  /** The ids of one word's pieces, the longest piece first; [UNK] alone where some piece is missing. */
  pieces(word) {
    const letters = Array.from(word), found = [];
    if (letters.length > this.rules.longest_word) return [this.unkId];
    for (let start = 0; start < letters.length; ) {
      let end = letters.length, id;
      for (; end > start; end--) {
        id = this.ids.get((start ? "##" : "") + letters.slice(start, end).join(""));
        if (id !== undefined) break;
      }
      if (id === undefined) return [this.unkId];
      found.push(id);
      start = end;
    }
    return found;
  }

  /** `[CLS] text [SEP]`, cut to `longest` tokens: ids, tokens, the word of each token (null for the two), and how many were cut. */
  encode(text, longest = Infinity) {
    const ids = [this.clsId], words = [null];
    this.words(text).forEach((word, number) => {
      for (const id of this.pieces(word)) {
        ids.push(id);
        words.push(number);
      }
    });
    const cut = Math.max(0, ids.length + 1 - longest);
    if (cut) ids.length = words.length = longest - 1;
    ids.push(this.sepId);
    words.push(null);
    return { ids, words, tokens: ids.map((id) => this.vocabulary[id]), cut };
  }

  /** The id of a typed word, which must be one token. `like` is the token it stands in for: a piece ##x is kept a piece. */
  single(word, like = "") {
    const wanted = word.trim();
    if (!wanted) throw new Error("Type a word first.");
    let id = this.ids.get(wanted);
    if (id === undefined && like.startsWith("##")) id = this.ids.get(`##${wanted}`);
    if (id === undefined) {
      const { ids, tokens } = this.encode(wanted);
      const pieces = tokens.slice(1, -1).join(" ");
      if (ids.length !== 3) throw new Error(`“${wanted}” is ${ids.length - 2} tokens here (${pieces}); one position takes one token.`);
      id = ids[1];
    }
    if (id === this.unkId) throw new Error(`“${wanted}” is not in this model's vocabulary of ${this.size.toLocaleString("en")} tokens.`);
    if (SPECIAL.includes(this.vocabulary[id])) throw new Error(`“${wanted}” is a special token; the discriminator never reads it inside a text.`);
    return id;
  }
}
