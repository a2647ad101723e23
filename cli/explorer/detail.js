/* The details of what is selected: an operator, a node of the model, or a C function. */

function drawDetail(app) {
  const {selection} = app, panel = byId('detail');
  panel.hidden = app.view === 'passes' || (!selection && app.view !== 'passes' && app.narrow());
  if (panel.hidden) return;
  const parts = !selection ? [h('p', {class: 'notice'}, 'Choose an operator, a node or a function.')] :
    selection.kind === 'op' ? opDetail(app, app.model.final.byValue.get(selection.id)) :
    selection.kind === 'node' ? nodeDetail(app, app.model.nodes.get(selection.id)) :
    kernelDetail(app, kernelOf(app, selection.id));
  panel.replaceChildren(selection ? h('button', {class: 'close', 'aria-label': 'Close', onclick: () => app.go({close: true})}, '×') : '',
    ...parts.flat());
  panel.scrollTop = 0;
}

function section(title, ...content) {
  return h('section', null, h('h3', null, title), content);
}

function fact(name, value, note) {
  return h('div', {class: name === 'Arena slot' || name === 'Place' ? 'wide' : null}, h('dt', null, name), h('dd', null, value, note ? h('span', {class: 'note'}, note) : null));
}

function opChip(app, s) {
  const text = s.results.length ? `%${s.id} ${s.op}` : `${s.op} ${attrOf(s.fields.attrs, 'name') || ''}`;
  return s.results.length ? chip(text, 'op', () => app.go({op: s.id}), s.type) : h('span', {class: 'chip plain'}, text);
}

function nodeChip(app, n) {
  return chip([h('span', null, n.name), h('small', null, n.op)], 'node', () => app.go({node: n.key}));
}

function kernelChip(app, k) {
  return chip(h('code', null, k.name), 'kernel', () => app.go({kernel: k.index}), 'All calls of this function');
}

/* ---- an operator ---- */
function opDetail(app, s) {
  const {model} = app;
  return [
    h('header', null, h('h2', null, h('span', {class: 'number'}, '%' + s.id), ' ', s.op, ' ', s.group ? familyTag(model, s.group.family) : null),
      h('p', {class: 'shape'}, s.type), h('p', {class: 'muted'}, model.data.opDocs[s.op])),
    h('dl', {class: 'figures'}, opFigures(app, s)),
    section('Nodes of the model', h('div', {class: 'chips'}, s.nodes.length ? s.nodes.map(n => nodeChip(app, n)) : h('span', {class: 'muted'}, 'none'))),
    s.group ? section('C functions', h('div', {class: 'chips'}, kernelsOf(app, s).map(k => kernelChip(app, k)))) : null,
    section('Operands', h('ol', {class: 'operands'}, s.operands.map(v => operandItem(app, v)))),
    section('Used by', h('div', {class: 'chips'}, s.uses.map(u => opChip(app, u)))),
    s.group && s.group.ops.length > 1 ? section('In one kernel with', h('div', {class: 'chips'},
      s.group.ops.filter(o => o !== s).map(o => opChip(app, o)))) : null,
    section('Statement', h('pre', {class: 'statement'}, highlightStatement(s, null, v => app.go({op: v})))),
    arenaMap(app, s),
    s.group ? section('Emitted C', targetSwitch(app), callsOf(app, s.group)) : null,
  ].filter(Boolean);
}

function opFigures(app, s) {
  const {model} = app, o = s.info;
  const moved = (o.in || 0) + (o.weights || 0) + (o.out || 0);
  const list = [];
  if (o.runtime) {
    list.push(fact('MACs', formatCount(o.macs), o.macs ? formatShare(o.macs, model.data.macs) + ' of the model' : ''));
    list.push(fact('Bytes moved', formatBytes(moved), o.macs && moved ? (o.macs / moved).toFixed(1) + ' MACs a byte' : ''));
    list.push(fact('read', formatBytes(o.in)), fact('weights', formatBytes(o.weights)), fact('written', formatBytes(o.out)));
  }
  list.push(fact('Size', formatBytes(o.bytes)), fact(o.runtime && !/^out/.test(o.place) ? 'Arena slot' : 'Place', ...placeText(app, s)));
  return list;
}

/* ["at 4816896", "takes over %12"] */
function placeText(app, s) {
  const o = s.info, over = attrOf(s.fields.sched, 'inplace');
  const note = over === null ? '' : `in place of %${s.operands[Number(over)]}`;
  if (!o.place) {
    if (o.constant) return ['none', 'part of a constant expression'];
    return o.runtime ? ['none', 'stays inside its kernel'] : ['none', `a view of %${(rootOf(app.model, s.id) || s).id}`];
  }
  const [space, offset] = o.place.split('+');
  return [space === 'arena' ? `${offset} … ${Number(offset) + o.bytes}` : `${space} + ${offset}`, note];
}

function operandItem(app, v) {
  if (v === null) return h('li', {class: 'muted'}, 'left out');
  const made = app.model.final.byValue.get(v);
  return h('li', null, opChip(app, made), h('span', {class: 'type'}, made.type),
    made.info.constant ? h('code', {class: 'expression'}, expressionText(app.model, made)) : null);
}

/* pack(mul("a.weight", reshape("b.gamma"))) */
function expressionText(model, s, depth = 0) {
  if (s.op === 'weight') return `"${attrOf(s.fields.attrs, 'name')}"`;
  if (s.op === 'const') return s.fields.attrs.trim().replace(/^\{|\}$/g, '').slice(0, 40);
  if (depth > 12) return '…';
  const parts = s.operands.map(v => v === null ? '_' : expressionText(model, model.final.byValue.get(v), depth + 1));
  return `${s.op}(${parts.join(', ')})`;
}

/* ---- the arena ---- */
/* Every slot as a bar: from left to right the kernels during which it is held, from top to bottom its bytes. */
function arenaMap(app, chosen) {
  const {model} = app;
  if (!model.slots) model.slots = arenaSlots(model);
  if (!model.slots.some(x => x.s === chosen)) return null;
  const end = Math.max(...model.slots.map(x => x.offset + x.s.info.bytes)), count = model.groups.length, height = 120;
  const bars = model.slots.map(x => h('rect', {x: x.from, y: height * x.offset / end, width: x.to - x.from + 1,
    height: Math.max(0.8, height * x.s.info.bytes / end), class: x.s === chosen ? 'chosen' : 'slot',
    onclick: () => app.go({op: x.s.id})}, h('title', null, `%${x.s.id} ${x.s.op} ${x.s.type}: ${formatBytes(x.s.info.bytes)} at ${x.offset}`)));
  return section('Arena', h('svg', {class: 'arena', viewBox: `0 0 ${count} ${height}`, preserveAspectRatio: 'none', role: 'img',
    'aria-label': 'Slots of the arena over the kernels'}, bars),
    h('p', {class: 'muted axis'}, h('span', null, 'first kernel'), h('span', null, formatBytes(end) + ' from top to bottom'), h('span', null, 'last')));
}

function arenaSlots(model) {
  const last = new Map();
  for (const g of model.groups) for (const s of g.inputs) last.set(s, g.index);
  return model.groups.flatMap(g => g.ops.filter(s => /^arena/.test(s.info.place)).map(s =>
    ({s, offset: Number(s.info.place.slice(6)), from: g.index, to: last.get(s) || g.index})));
}

/* ---- C ---- */
function callsOf(app, group) {
  const target = targetOf(app), calls = target.byGroup.get(group.id) || [];
  return calls.map(c => {
    const k = target.kernels[c.kernel];
    return h('div', {class: 'call'},
      kernelChip(app, k),
      k.calls.length > 1 ? h('span', {class: 'muted'}, ` shared by ${k.calls.length} calls`) : null,
      placesTable(k, c), codeBlock(k));
  });
}

function placesTable(k, call) {
  return h('table', {class: 'places'}, k.params.map((name, i) => {
    const [space, offset] = call.places[i].split('+');
    return h('tr', null, h('td', null, h('code', null, name)), h('td', null, space), h('td', null, '+ ' + offset));
  }));
}

function codeBlock(k) {
  return h('pre', {class: 'code', tabindex: 0, 'aria-label': k.name}, h('code', null, highlightC(k.code)));
}

function kernelDetail(app, k) {
  const {model} = app;
  const groups = k.calls.map(c => model.groupById.get(c.group)).filter(Boolean);
  return [
    h('header', null, h('h2', null, h('code', null, k.name)), h('p', null, familyTag(model, k.family), ' ', model.data.familyDocs[k.family] || '')),
    section(k.calls.length === 1 ? 'Called once, for' : `Called ${k.calls.length} times, for`, h('div', {class: 'calls'}, groups.map(g =>
      h('div', null, h('span', {class: 'muted'}, g.block.title), h('div', {class: 'chips'}, g.ops.map(s => opChip(app, s))))))),
    section('C', targetSwitch(app), codeBlock(k)),
    section('Nodes of the model', h('div', {class: 'chips'}, uniqueNodes(groups).map(n => nodeChip(app, n)))),
  ];
}

function uniqueNodes(groups) {
  const seen = new Map();
  for (const g of groups) for (const s of g.ops) for (const n of s.nodes) seen.set(n.key, n);
  return [...seen.values()];
}

/* ---- a node of the model ---- */
function nodeDetail(app, n) {
  const {model} = app;
  const runtime = n.ops.filter(s => s.info.runtime), others = n.ops.filter(s => !s.info.runtime);
  return [
    h('header', null, h('h2', {class: 'long'}, n.name), h('p', {class: 'muted'}, n.op, n.opset ? `, opset ${n.opset}` : '')),
    section('Operators', h('div', {class: 'chips'}, runtime.length ? runtime.map(s => opChip(app, s)) :
      h('span', {class: 'muted'}, n.ops.length ? 'Only constants are left of it.' : 'Nothing is left of it.'))),
    others.length ? section('In constants', h('div', {class: 'chips'}, others.map(s => opChip(app, s)))) : null,
    section('C functions', h('div', {class: 'chips'}, [...new Set(runtime.flatMap(s => kernelsOf(app, s)))].map(k => kernelChip(app, k)))),
    section('Its way through the passes', h('ol', {class: 'way'}, nodeWay(app, n))),
  ].filter(Boolean);
}

/* The statements of a node after each pass that changed them. */
function nodeWay(app, n) {
  let before = null;
  return app.model.programs.map(p => {
    const own = p.program.statements.filter(s => s.nodes.some(x => x.key === n.key));
    const key = own.map(s => contentKey(s)).join('\n');
    if (key === before) return null;
    before = key;
    return h('li', null, h('button', {class: 'chip pass', onclick: () => app.go({pass: p.pass})}, p.pass),
      own.length ? own.map(s => h('pre', {class: 'statement'}, highlightStatement(s, null, null))) : h('p', {class: 'muted'}, 'gone'));
  });
}
