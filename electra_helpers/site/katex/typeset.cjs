// node typeset.cjs KATEX.js < [{tex, display}] > [html]: HTML for the eye, MathML for screen readers.
const katex = require(require("node:path").resolve(process.argv[2]));
const formulas = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const set = ({ tex, display }) => katex.renderToString(tex, { displayMode: display, output: "htmlAndMathml", strict: "error" });
process.stdout.write(JSON.stringify(formulas.map(set)));
