/* The passes: a timeline, and the program before and after the chosen one. */

const CONTEXT = 2; /* unchanged lines around changed ones */
const SHORTEST_FOLD = 4;

function passDiff(model, index) {
  const p = model.programs[index];
  if (p.diff === undefined)
    p.diff = index && p.text !== null ? diffPrograms(model.programs[index - 1].program, p.program) : null;
  return p.diff;
}

/* ---- timeline ---- */
function drawTimeline(app) {
  const {model} = app;
  const sizes = model.programs.map(p => Object.values(p.ops).reduce((a, b) => a + b, 0));
  const largest = Math.max(1, ...sizes);
  byId('timeline').replaceChildren(...model.programs.map((p, i) => {
    const d = passDiff(model, i);
    const lines = d ? d.counts : null;
    const n = p.rewrites, what = n === undefined ? sizes[i] + ' operators' : n === 1 ? '1 rewrite' : n + ' rewrites';
    return h('li', {class: !i || lines ? '' : 'idle'},
      h('button', {'data-pass': p.pass, 'aria-pressed': i === app.pass, title: p.doc, onclick: () => app.go({pass: p.pass})},
        h('span', {class: 'column', 'aria-hidden': true},
          h('span', {class: 'bar', style: `height:${Math.round(100 * sizes[i] / largest)}%`}),
          h('span', {class: 'size'}, String(sizes[i]))),
        h('span', {class: 'dot'}),
        h('span', {class: 'name'}, p.pass),
        h('span', {class: 'what'}, i && !lines ? 'no change' : what),
        h('span', {class: 'lines'}, lines ? lineCounts(lines) : ''),
        h('span', {class: 'ms'}, p.ms === undefined ? '' : p.ms.toFixed(p.ms < 1 ? 2 : 1) + ' ms')));
  }));
  showChosenPass(app);
}

function showChosenPass(app) {
  for (const b of document.querySelectorAll('#timeline button'))
    b.setAttribute('aria-pressed', b.dataset.pass === app.model.programs[app.pass].pass);
  const chosen = document.querySelector('#timeline [aria-pressed=true]');
  if (chosen) {
    const list = byId('timeline');
    list.scrollLeft = chosen.parentElement.offsetLeft - (list.clientWidth - chosen.offsetWidth) / 2;
  }
}

const SIGNS = {added: '+', removed: '−', changed: '~', moved: '→'};

function lineCounts(counts) {
  return Object.keys(SIGNS).filter(kind => counts[kind])
    .map(kind => h('span', {class: 'count ' + kind, title: counts[kind] + ' lines ' + kind}, SIGNS[kind] + counts[kind]));
}

/* ---- before and after ---- */
function drawDiff(app) {
  const {model} = app, p = model.programs[app.pass], d = passDiff(model, app.pass);
  const index = app.pass;
  const title = h('div', {class: 'diff-title'},
    h('h2', null, index ? p.pass : 'as read'), h('p', null, p.doc), d ? h('span', {class: 'lines'}, lineCounts(d.counts)) : null,
    d ? h('div', {class: 'segmented', role: 'group', 'aria-label': 'Lines'},
      ['changed', 'all'].map(word => h('button', {'aria-pressed': app.allLines === (word === 'all'), 'data-lines': word,
        onclick: () => app.setAllLines(word === 'all')}, word === 'all' ? 'All lines' : 'Changed'))) : null);
  const body = index ? [passFigures(model, index), d ? diffTable(app, d) : h('p', {class: 'notice'}, 'This pass changed nothing.')]
    : programTable(app, p.program);
  byId('diff').replaceChildren(title, ...[body].flat(2).filter(Boolean));
}

/* "transpose 44 → 1": the operators whose number changed; then the rules that did it. */
function passFigures(model, index) {
  const p = model.programs[index], before = model.programs[index - 1].ops;
  const names = [...new Set([...Object.keys(before), ...Object.keys(p.ops)])].filter(n => before[n] !== p.ops[n]);
  const figures = (title, list) => list.length ? h('p', {class: 'pass-figures'}, h('span', null, title), list) : null;
  return [
    figures('operators', names.map(n => h('span', {class: 'figure', title: model.data.opDocs[n]}, h('b', null, n), ` ${before[n] || 0} → ${p.ops[n] || 0}`))),
    figures('rules', Object.entries(p.rules || {}).map(([name, n]) => h('span', {class: 'figure'}, h('b', null, name), ` ${n}`))),
  ];
}

function line(app, s, row, side) {
  if (!s) return h('div', {class: 'line none ' + side});
  const mark = row.kind === 'same' ? '' : row.kind === 'changed' ? '~' : row.kind === 'moved' ? (side === 'before' ? '↗' : '↘') :
    side === 'before' ? '−' : '+';
  const onvalue = v => showValue(app, side, v);
  return h('div', {class: 'line ' + side}, h('span', {class: 'sign', 'aria-label': row.kind}, mark),
    h('code', null, highlightStatement(s, row.fields, onvalue)));
}

function diffRow(app, row, index) {
  return h('div', {class: 'row ' + row.kind, 'data-row': index, role: 'row'},
    line(app, row.before, row, 'before'), line(app, row.after, row, 'after'));
}

/* Runs of unchanged rows but for CONTEXT lines become a button that shows them. */
function diffTable(app, d) {
  const near = new Array(d.rows.length).fill(app.allLines);
  d.rows.forEach((r, i) => {
    if (r.kind !== 'same')
      for (let j = Math.max(0, i - CONTEXT); j <= Math.min(d.rows.length - 1, i + CONTEXT); j++) near[j] = true;
  });
  for (let i = 0, from = 0; i <= near.length; i++) {
    if (i < near.length && !near[i]) continue;
    if (i - from < SHORTEST_FOLD) near.fill(true, from, i);
    from = i + 1;
  }
  const table = h('div', {class: 'diff', role: 'table', 'aria-label': 'Program before and after'},
    h('div', {class: 'row heads'}, h('div', null, 'before'), h('div', null, 'after')));
  for (let i = 0; i < d.rows.length;) {
    if (near[i]) {
      table.append(diffRow(app, d.rows[i], i));
      i++;
      continue;
    }
    const from = i;
    while (i < d.rows.length && !near[i]) i++;
    const to = i;
    const fold = h('button', {class: 'fold', onclick: () => fold.replaceWith(
      ...d.rows.slice(from, to).map((r, k) => diffRow(app, r, from + k)))}, `${to - from} unchanged lines`);
    table.append(fold);
  }
  return table;
}

function programTable(app, program) {
  const row = {kind: 'same', fields: null};
  return h('div', {class: 'diff single'}, program.statements.map((s, i) =>
    h('div', {class: 'row same', 'data-row': i}, line(app, s, row, 'after'))));
}

/* Marks a value where it is made and used, on its side, and shows where it is made. */
function showValue(app, side, value) {
  const on = document.querySelectorAll('#diff .lit');
  for (const e of on) e.classList.remove('lit');
  const found = document.querySelectorAll(`#diff .${side} [data-value="${value}"]`);
  for (const e of found) e.classList.add('lit');
  for (const e of found)
    if (e.parentElement.classList.contains('ir-head')) e.scrollIntoView({block: 'nearest'});
}

/* The next (+1) or previous (-1) run of changed rows comes to the top. */
function stepChange(app, direction) {
  const rows = [...document.querySelectorAll('#diff .row:not(.same):not(.heads)')];
  const heads = rows.filter((r, i) => i === 0 || rows[i - 1].nextElementSibling !== r);
  if (!heads.length) return;
  const now = heads.findIndex(r => r.classList.contains('current'));
  const next = heads[Math.max(0, Math.min(heads.length - 1, now < 0 ? (direction > 0 ? 0 : heads.length - 1) : now + direction))];
  for (const r of heads) r.classList.toggle('current', r === next);
  next.scrollIntoView({block: 'center'});
}

/* Shows the row that has a statement of the chosen program. */
function showStatement(app, s) {
  const rows = app.pass && passDiff(app.model, app.pass) ? passDiff(app.model, app.pass).rows : null;
  const index = rows ? rows.findIndex(r => r.after === s) : s.index;
  if (rows && !document.querySelector(`#diff [data-row="${index}"]`)) app.setAllLines(true);
  const row = document.querySelector(`#diff [data-row="${index}"]`);
  if (!row) return;
  for (const r of document.querySelectorAll('#diff .current')) r.classList.remove('current');
  row.classList.add('current');
  row.scrollIntoView({block: 'center'});
}
