/* Making elements, and the spellings of numbers and of code. */

/* h('button', {class: 'chip', onclick: f}, 'text', element, [more], null) */
function h(tag, props, ...children) {
  const svg = ['svg', 'path', 'rect', 'line', 'g', 'title', 'circle'].includes(tag);
  const e = svg ? document.createElementNS('http://www.w3.org/2000/svg', tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(props || {})) {
    if (name.startsWith('aria-')) e.setAttribute(name, String(value));
    else if (value === null || value === undefined || value === false) continue;
    else if (name.startsWith('on')) e.addEventListener(name.slice(2), value);
    else e.setAttribute(name, value === true ? '' : value);
  }
  e.append(...children.flat(Infinity).filter(c => c !== null && c !== undefined && c !== false));
  return e;
}

const byId = id => document.getElementById(id);

function formatCount(n) {
  if (n < 1000) return String(n);
  const units = ['', ' K', ' M', ' G', ' T'];
  const u = Math.min(4, Math.floor(Math.log10(n) / 3));
  const x = n / 1000 ** u;
  return (x >= 100 ? x.toFixed(0) : x >= 10 ? x.toFixed(1) : x.toFixed(2)) + units[u];
}

function formatBytes(n) {
  if (n < 1024) return n + ' B';
  const u = n < 1024 ** 2 ? 1 : n < 1024 ** 3 ? 2 : 3;
  const x = n / 1024 ** u;
  return (x >= 100 ? x.toFixed(0) : x.toFixed(1)) + ['', ' KiB', ' MiB', ' GiB'][u];
}

function formatShare(part, whole) {
  const x = whole ? 100 * part / whole : 0;
  return x === 0 ? '0 %' : x < 0.1 ? '< 0.1 %' : x.toFixed(1) + ' %';
}

/* "56 × 56 × 96" of "f32[1,56,56,96]" */
function shapeText(type) {
  const dims = type.replace(/^\w+\[/, '').replace(/\]$/, '').split(',').filter(Boolean);
  while (dims.length > 1 && dims[0] === '1') dims.shift();
  return dims.join(' × ') || 'scalar';
}

/* A hue for each family, in the order in which the model has them. */
const HUES = [255, 150, 45, 320, 195, 95, 20, 285, 225, 120, 70, 345, 170, 300];
function hueOf(model, family) {
  const families = [...new Set(model.groups.map(g => g.family))];
  return HUES[Math.max(0, families.indexOf(family)) % HUES.length];
}

/* ---- code ---- */
const C_WORDS = new Set(('static const void int float double for if else return restrict int32_t int64_t uint8_t int8_t ' +
  'int16_t uint16_t uint32_t uint64_t sizeof struct').split(' '));

/* C text as spans: comments, words of the language, numbers, macros, called functions. */
function highlightC(text) {
  const out = [];
  const pattern = /(\/\*[\s\S]*?\*\/)|([A-Za-z_]\w*)|(\b\d[\w.]*(?:[eE][+-]\d+f?)?)|(#[^\n]*)/g;
  let at = 0;
  for (const m of text.matchAll(pattern)) {
    if (m.index > at) out.push(text.slice(at, m.index));
    at = m.index + m[0].length;
    const called = text[at] === '(';
    const kind = m[1] ? 'c' : m[3] ? 'n' : m[4] ? 'p' : C_WORDS.has(m[2]) ? 'w' : /^[A-Z_0-9]+$/.test(m[2]) ? 'p' : called ? 'f' : null;
    out.push(kind ? h('span', {class: 'tok-' + kind}, m[0]) : m[0]);
  }
  out.push(text.slice(at));
  return out;
}

/* A statement as spans, one a field; changed: names of fields to mark; onvalue(number): %12 becomes a button. */
function highlightStatement(s, changed, onvalue) {
  const parts = [];
  for (const [name, text] of Object.entries(s.fields)) {
    if (!text) continue;
    const marked = changed && changed.has(name) ? ' mark' : '';
    const word = text.trimStart();
    const pieces = (name === 'head' || name === 'args') && onvalue ? valueButtons(word, onvalue) : [word];
    parts.push(text.slice(0, text.length - word.length), h('span', {class: 'ir-' + name + marked}, pieces));
  }
  return parts;
}

function valueButtons(text, onvalue) {
  return text.split(/(%\d+)/).map(piece => piece[0] !== '%' ? piece :
    h('button', {class: 'value', 'data-value': piece.slice(1), onclick: () => onvalue(Number(piece.slice(1)))}, piece));
}

/* A chip that leads somewhere. */
function chip(text, kind, onclick, title) {
  return h('button', {class: 'chip ' + kind, onclick, title}, text);
}

function familyTag(model, family) {
  return h('span', {class: 'family', style: '--h:' + hueOf(model, family), title: model.data.familyDocs[family]}, family);
}
