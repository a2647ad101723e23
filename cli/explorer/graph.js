/* The graph, drawn block by block: a card a block, in it a box a kernel launch from top to bottom, and its values as
 * lines: straight to the next box, in a lane at the left past others. */

const BOX = 60, GAP = 20, PORT = 30, LANE = 12, LANES = 24;

/* Values that go into or out of boxes of a block: {from, to: row; -1: from above, -2: from another block}. */
function blockEdges(model, block) {
  const rowOf = new Map(block.groups.map((g, i) => [g, i]));
  const previous = model.blocks[block.index - 1];
  const edges = [], far = [];
  for (const g of block.groups)
    for (const s of g.inputs) {
      const to = rowOf.get(g);
      const above = s.op === 'input' ? block.index === 0 : s.group && s.group.block === previous;
      if (s.group && rowOf.has(s.group)) edges.push({from: rowOf.get(s.group), to, value: s});
      else if (above) edges.push({from: -1, to, value: s});
      else far.push({to, value: s});
    }
  return {edges, far};
}

/* A lane for each edge that passes boxes, so that no two share a stretch of one but of the last; far edges come to their
 * box alone. */
function giveLanes(edges) {
  const lanes = [];
  const long = edges.filter(e => e.to - e.from > 1).sort((x, y) => (x.to - x.from) - (y.to - y.from));
  for (const e of long) {
    let lane = 0;
    while (lane < LANES - 1 && (lanes[lane] || []).some(x => x.from < e.to && e.from < x.to && !(x.from === e.from && x.value === e.value))) lane++;
    (lanes[lane] = lanes[lane] || []).push(e);
    e.lane = lane;
  }
  return lanes.length;
}

function edgePath(e, left) {
  const top = e.from < 0 ? 0 : PORT + e.from * (BOX + GAP) + BOX;
  const bottom = PORT + e.to * (BOX + GAP);
  if (e.lane === undefined) return `M${left + 24} ${top} V${bottom - 1}`;
  const x = left - 6 - e.lane * LANE, turn = 6;
  const start = e.from < 0 ? 4 : top - BOX / 2, end = bottom + BOX / 2;
  const out = e.from < 0 ? `M${left + 24} ${start} H${x + turn}` : `M${left} ${start} H${x + turn}`;
  return `${out} Q${x} ${start} ${x} ${start + turn} V${end - turn} Q${x} ${end} ${x + turn} ${end} H${left - 1}`;
}

function groupBox(app, g, top, left) {
  const {model} = app;
  const heat = app.colour === 'family' ? null : app.colour === 'macs' ? g.macs / model.maxMacs : g.bytes / model.maxBytes;
  const style = `top:${top}px;left:${left}px;--h:${hueOf(model, g.family)}` + (heat === null ? '' : `;--heat:${heat.toFixed(3)}`);
  const figure = app.colour === 'bytes' ? formatBytes(g.bytes) : g.macs ? formatCount(g.macs) : '';
  return h('button', {class: 'box' + (heat === null ? '' : ' heat'), style, 'data-group': g.id,
    title: `kernel ${g.id}: ${model.data.familyDocs[g.family] || g.family}`, onclick: () => app.go({op: mainOp(g).id})},
    h('b', null, g.family), h('span', {class: 'ops'}, g.ops.map(s => s.op + outputNames(s)).join(' · ')),
    h('span', {class: 'figure'}, figure));
}

/* " → y" where the graph's output y is what the operator computes, also through views. */
function outputNames(s) {
  return s.uses.map(u => u.op === 'output' ? ' → ' + attrOf(u.fields.attrs, 'name') :
    u.op === 'reshape' && !u.info.constant ? outputNames(u) : '').join('');
}

/* The operator that a kernel is about: the one with the most work, else the first. */
function mainOp(g) {
  return g.ops.reduce((best, s) => s.info.macs > best.info.macs ? s : best, g.ops[0]);
}

function blockCard(app, block) {
  const {edges, far} = blockEdges(app.model, block);
  const lanes = giveLanes(edges);
  const left = lanes ? 10 + lanes * LANE : 2;
  const height = PORT + block.groups.length * (BOX + GAP) - GAP + PORT;
  const bottom = height - PORT;
  const picture = h('svg', {class: 'edges', height, 'aria-hidden': true},
    edges.map(e => h('path', {d: edgePath(e, left)}, h('title', null, `%${e.value.id} ${e.value.type}`))),
    h('path', {d: `M${left + 24} ${bottom} V${height - 2}`}));
  const boxes = block.groups.map((g, i) => groupBox(app, g, PORT + i * (BOX + GAP), left));
  const ports = far.map(f => h('button', {class: 'port', style: `top:${PORT + f.to * (BOX + GAP) - 15}px;left:${left + 34}px`,
    onclick: () => app.go({op: f.value.id})}, '← ' + (f.value.group ? f.value.group.block.title : attrOf(f.value.fields.attrs, 'name'))));
  const entry = edges.find(e => e.from === -1);
  return h('article', {class: 'block', 'data-block': block.index, style: `--lanes:${left}px`},
    h('h3', null, block.title),
    h('p', null, formatCount(block.macs), ' MACs · ', formatShare(block.macs, app.model.data.macs)),
    h('div', {class: 'drawing', style: `height:${height}px`}, picture, boxes, ports,
      entry ? h('span', {class: 'type', style: `top:0;left:${left + 34}px`}, shapeText(entry.value.type)) : null,
      h('span', {class: 'type', style: `top:${bottom + 5}px;left:${left + 34}px`}, shapeText(block.type))));
}

function drawGraph(app) {
  const {model} = app, rows = [];
  for (const b of model.blocks) {
    const row = rows[rows.length - 1];
    if (row && row.type === b.type) row.blocks.push(b);
    else rows.push({type: b.type, blocks: [b]});
  }
  const modes = {family: 'Family', macs: 'MACs', bytes: 'Bytes'};
  const switches = h('div', {class: 'segmented', role: 'group', 'aria-label': 'Colour'}, Object.keys(modes).map(mode =>
    h('button', {'aria-pressed': app.colour === mode, 'data-colour': mode, onclick: () => {
      app.colour = mode;
      drawGraph(app);
    }}, modes[mode])));
  const legend = app.colour === 'family' ? [...new Set(model.groups.map(g => g.family))].map(f => familyTag(model, f)) : [];
  byId('view-graph').replaceChildren(
    h('div', {class: 'toolbar'}, h('span', {class: 'muted'}, 'Colour'), switches, h('span', {class: 'legend'}, legend)),
    ...rows.map(r => h('section', {class: 'stage'}, h('h2', null, shapeText(r.type)),
      h('div', {class: 'blocks'}, r.blocks.map(b => blockCard(app, b))))));
  showSelectedGroup(app);
}

function showSelectedGroup(app) {
  const groups = new Set(selectedOps(app).map(s => s.group && String(s.group.id)));
  for (const b of document.querySelectorAll('#view-graph .box')) b.classList.toggle('selected', groups.has(b.dataset.group));
}
