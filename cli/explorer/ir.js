/* .nir text as data. A program: {statements, byValue}; byValue finds a statement by the number of a result. */

/* One line cut into its fields, which joined give the line again; null: no statement (head lines).
 * results, operands: numbers, null where an operand is left out; nodes: of its location. */
function parseStatement(line) {
  const masked = line.replace(/"(?:[^"\\]|\\.)*"/g, s => '"' + '_'.repeat(s.length - 2) + '"');
  const m = masked.match(
    /^((?:%\d+(?:, )?)+ = )?([a-z0-9_]+)((?: (?:%\d+|_),?)*)( \{[^}]*\})?( @\{[^}]*\})?( : [^!]*)?( !.*)?$/);
  if (!m) return null;
  const fields = {};
  let at = 0;
  for (const [i, name] of ['head', 'op', 'args', 'attrs', 'sched', 'types', 'loc'].entries()) {
    const length = (m[i + 1] || '').length;
    fields[name] = line.slice(at, at + length);
    at += length;
  }
  return {
    line, fields, op: fields.op,
    results: (fields.head.match(/\d+/g) || []).map(Number),
    operands: (fields.args.match(/%\d+|_/g) || []).map(x => x === '_' ? null : Number(x.slice(1))),
    type: fields.types.replace(/^ : /, '').trim(),
    nodes: parseNodes(fields.loc),
  };
}

/* [{key, name, op, opset, source}]; key: the same for the same node of the same file. */
function parseNodes(loc) {
  const nodes = [];
  const pattern = /(?:(\d+):)?"((?:[^"\\]|\\.)*)"(?::("(?:[^"\\]|\\.)*"|[\w.]+))?(?:@(\d+))?/g;
  for (const m of loc.matchAll(pattern)) {
    const name = m[2].replace(/\\(["\\])/g, '$1');
    nodes.push({key: (m[1] || '0') + ':' + name, name, op: (m[3] || '').replace(/"/g, ''), opset: m[4] || '',
                source: Number(m[1] || 0)});
  }
  return nodes;
}

function parseProgram(text) {
  const statements = [], byValue = new Map();
  for (const line of text.split('\n')) {
    if (!line || /^(nir \d|source \d|graph "|labels "|preprocess mean=)/.test(line)) continue;
    const s = parseStatement(line);
    if (!s) throw new Error('no statement: ' + line);
    s.index = statements.length;
    statements.push(s);
    for (const r of s.results) byValue.set(r, s);
  }
  return {statements, byValue};
}

/* The value of one word in {} or @{}: attrOf(s.fields.sched, 'inplace'). */
function attrOf(field, name) {
  const m = field.match(new RegExp('[{ ]' + name + '=("(?:[^"\\\\]|\\\\.)*"|\\[[^\\]]*\\]|[^ }]+)'));
  return m ? m[1].replace(/^"|"$/g, '') : null;
}

/* "gemm" of @{kernel=7:gemm ...} with its number. */
function groupOf(s) {
  const word = attrOf(s.fields.sched, 'kernel');
  return word === null ? null : {id: parseInt(word, 10), family: word.slice(word.indexOf(':') + 1)};
}
