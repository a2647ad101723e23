/* The lists beside the details: nodes of the model and operators; C functions. What is linked to the selection is lit in
 * all of them. */

/* The final statements that the selection stands for. */
function selectedOps(app) {
  const {model, selection} = app;
  if (!selection) return [];
  if (selection.kind === 'op') return [model.final.byValue.get(selection.id)];
  if (selection.kind === 'node') return model.nodes.get(selection.id).ops;
  const groups = new Set(kernelOf(app, selection.id).calls.map(c => c.group));
  return model.groups.filter(g => groups.has(g.id)).flatMap(g => g.ops);
}

function targetOf(app) {
  return app.model.data.targets.find(t => t.name === app.target) || app.model.data.targets[0];
}

function kernelOf(app, index) {
  return targetOf(app).kernels[index];
}

/* Operators on computed values: those that kernels run, and views of them. */
function isComputed(s) {
  return s.results.length > 0 && s.op !== 'input' && !s.info.constant;
}

function nodeButton(app, n) {
  return h('button', {class: 'item node', 'data-node': n.key, onclick: () => app.go({node: n.key})},
    h('span', {class: 'main'}, n.name), h('span', {class: 'side'}, n.op + (n.opset ? ' ' + n.opset : '')));
}

function opButton(app, s) {
  return h('button', {class: 'item op', 'data-op': s.id, onclick: () => app.go({op: s.id})},
    h('span', {class: 'main'}, h('span', {class: 'number'}, '%' + s.id), ' ', h('b', null, s.op)),
    h('span', {class: 'side'}, s.info.macs ? formatCount(s.info.macs) : ''),
    h('span', {class: 'type'}, s.type));
}

function drawLists(app) {
  const {model} = app;
  const nodes = h('div', {class: 'list', id: 'nodes'}, h('h2', null, `Nodes of the model`, h('span', null, String(model.nodes.size))),
    [...model.nodes.values()].map(n => nodeButton(app, n)));
  const computed = model.final.statements.filter(isComputed), groups = [];
  for (const s of computed) {
    const last = groups[groups.length - 1];
    if (last && last.group && last.group === s.group) last.ops.push(s);
    else groups.push({group: s.group, ops: [s]});
  }
  const ops = h('div', {class: 'list', id: 'ops'}, h('h2', null, 'Operators', h('span', null, String(computed.length))),
    groups.map(g => h('div', {class: 'group'}, h('div', {class: 'group-head'}, g.group ?
      [familyTag(model, g.group.family), h('span', {class: 'muted'}, g.group.block.title)] : h('span', {class: 'muted'}, 'view, no kernel')),
      g.ops.map(s => opButton(app, s)))));
  byId('view-ops').replaceChildren(nodes, ops);
  showLinks(app);
}

function drawKernels(app) {
  const {model} = app, target = targetOf(app);
  byId('view-code').replaceChildren(
    h('div', {class: 'toolbar'}, targetSwitch(app), h('span', {class: 'muted'}, target.doc)),
    h('div', {class: 'list', id: 'kernels'},
      h('h2', null, 'C functions', h('span', null, String(target.kernels.length))),
      target.kernels.map(k => h('button', {class: 'item kernel', 'data-kernel': k.index, onclick: () => app.go({kernel: k.index})},
        h('span', {class: 'main'}, h('code', null, k.name)),
        h('span', {class: 'side'}, k.calls.length === 1 ? '1 call' : k.calls.length + ' calls'),
        h('span', {class: 'type'}, familyTag(model, k.family), ' ', blocksOf(model, k))))));
  showLinks(app);
}

function blocksOf(model, kernel) {
  const titles = [...new Set(kernel.calls.map(c => model.groupById.get(c.group)).filter(Boolean).map(g => g.block.title))];
  return titles.length > 3 ? `${titles[0]}, ${titles[1]} … ${titles[titles.length - 1]}` : titles.join(', ');
}

function targetSwitch(app) {
  return h('div', {class: 'segmented', role: 'group', 'aria-label': 'Target'}, app.model.data.targets.map(t =>
    h('button', {'aria-pressed': t === targetOf(app), 'data-target': t.name, title: t.doc, onclick: () => app.setTarget(t.name)}, t.name)));
}

/* Lights what the selection is and what it is linked to; brings the first of each list into view. */
function showLinks(app) {
  const {selection} = app, ops = selectedOps(app);
  const lit = {
    node: new Set(ops.flatMap(s => s.nodes.map(n => n.key))),
    op: new Set(ops.map(s => String(s.id))),
    kernel: new Set(ops.flatMap(s => kernelsOf(app, s)).map(k => String(k.index))),
  };
  if (selection) lit[selection.kind].add(String(selection.id));
  for (const kind of ['node', 'op', 'kernel']) {
    let first = null;
    for (const e of document.querySelectorAll('.item.' + kind)) {
      const id = e.dataset[kind], chosen = Boolean(selection) && selection.kind === kind && String(selection.id) === id;
      e.classList.toggle('linked', lit[kind].has(id));
      e.classList.toggle('selected', chosen);
      e.setAttribute('aria-current', chosen ? 'true' : 'false');
      if (chosen || !first && lit[kind].has(id)) first = e;
    }
    if (first) reveal(first);
  }
}

/* Scrolls the element's list, and only that, so that it can be seen. */
function reveal(e) {
  const list = e.closest('.list');
  if (!list || !list.offsetParent || list.scrollHeight <= list.clientHeight) return;
  const top = e.getBoundingClientRect().top - list.getBoundingClientRect().top;
  if (top < 40 || top > list.clientHeight - 60) list.scrollTop += top - list.clientHeight / 3;
}

/* The C functions that compute a statement, on the chosen target. */
function kernelsOf(app, s) {
  if (!s.group) return [];
  const target = targetOf(app), calls = target.byGroup.get(s.group.id) || [];
  return [...new Set(calls.map(c => target.kernels[c.kernel]))];
}
