"""The page's own JavaScript, asked from Python: in node, where it is installed, or in a page of the browser."""

import json
import shutil
import subprocess
from pathlib import Path

from electra_helpers.resources import bundled_models
from electra_helpers.site import engine, models

NODE = shutil.which("node")
# What the tests ask: every text's ids and words, P(replaced), and the logits behind one masked position.
QUESTIONS = """
function openModel(name, about, parts) {
  const made = createEngine();
  parts.forEach((part) => made.part(name, part));
  made.open(name, about.config);
  return { made, tokenizer: new Tokenizer(about.vocabulary.split("\\n"), about.rules, CHARACTERS), about };
}
function answer({ made, tokenizer, about }, name, text, asksNetworks = true) {
  const { ids, words, cut } = tokenizer.encode(text, Math.min(512, about.config.max_positions));
  if (ids.length < 3 || !asksNetworks) return { ids, words, cut };
  const position = ids.length >> 1, blank = ids.map((id, i) => (i === position ? tokenizer.maskId : id));
  const logits = made.logits(name, blank, [position])[0];
  const p = probabilities(logits, 1), best = [...p.keys()].sort((a, b) => p[b] - p[a]).slice(0, 8);
  return { ids, words, cut, position, p: made.judge(name, ids), best: best.map((id) => [id, p[id]]) };
}
"""
IN_NODE = """
const { readFileSync } = require("node:fs");
const { name, about, parts, texts, every } = JSON.parse(readFileSync(0, "utf8"));
const model = openModel(name, about, parts);
process.stdout.write(JSON.stringify(texts.map((text, i) => answer(model, name, text, i % every === 0))));
"""


def source() -> str:
    """All that the page computes with, as one script without an enclosing scope."""
    files = [(engine.HERE / name).read_text("utf-8") for name in engine.PAGE]
    return "\n".join([engine.networks_source(), engine.tables_source(), *files, QUESTIONS])


def model_data(name: str) -> dict:
    """A bundled model as the page gets it: what is known of it, and its weights in base 85."""
    import base64

    folder = bundled_models()[name]
    weights = (folder / "model.safetensors").read_bytes()
    parts = [weights[start : start + models.PART] for start in range(0, len(weights), models.PART)]
    return {
        "name": name,
        "about": models.describe(folder),
        "parts": [base64.b85encode(part).decode() for part in parts],
    }


def in_node(script: str, given: object, folder: Path) -> object:
    """What a script prints as JSON, `given` being its standard input."""
    path = folder / "script.cjs"
    path.write_text(script, "utf-8")
    done = subprocess.run([NODE, path], input=json.dumps(given), capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)
