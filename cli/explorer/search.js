/* Search: words, all of which must occur, over passes, nodes, operators, weights, C functions and the lines of the
 * chosen pass. */

const MOST_FOUND = 8; /* of a kind */

/* [{kind, items: [{text, note, go}], more}] */
function searchAll(app, query) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return [];
  const {model} = app, found = [];
  const add = (kind, list, textOf, noteOf, go) => {
    const hits = list.filter(x => {
      const text = (textOf(x) + ' ' + noteOf(x)).toLowerCase();
      return words.every(w => text.includes(w));
    });
    const items = hits.slice(0, MOST_FOUND).map(x => ({text: textOf(x), note: noteOf(x), go: () => go(x)}));
    if (items.length) found.push({kind, items, more: hits.length - items.length});
  };
  const ops = model.final.statements.filter(isComputed);
  const program = model.programs[app.pass];
  add('Passes', model.programs, p => p.pass, p => p.doc, p => app.go({pass: p.pass}));
  add('Nodes', [...model.nodes.values()], n => n.name, n => n.op, n => app.go({node: n.key}));
  add('Operators', ops, s => `%${s.id} ${s.op}`, s => s.type + (s.group ? ' ' + s.group.family : ''), s => app.go({op: s.id}));
  add('Weights', model.weights, s => attrOf(s.fields.attrs, 'name'), s => s.type, s => app.go({op: s.id}));
  add('C functions', targetOf(app).kernels, k => k.name, k => k.calls.length + ' calls', k => app.go({kernel: k.index}));
  add('Lines after ' + program.pass, program.program.statements, s => s.line.slice(0, 160), () => '',
    s => app.go({pass: program.pass, line: s}));
  return found;
}

function showFound(app) {
  const box = byId('found'), input = byId('search');
  const found = searchAll(app, input.value);
  app.found = found.flatMap(f => f.items);
  app.foundAt = app.found.length ? 0 : -1;
  let n = 0;
  box.replaceChildren(...found.map(f => h('div', {class: 'kind'}, h('h3', null, f.kind, f.more ? h('span', null, `${f.more} more`) : null),
    f.items.map(item => {
      const index = n++;
      return h('div', {class: 'hit', role: 'option', id: 'hit-' + index, 'aria-selected': index === app.foundAt,
        onmousedown: e => { e.preventDefault(); takeFound(app, index); }}, h('span', {class: 'main'}, item.text), h('span', {class: 'side'}, item.note));
    }))));
  if (!found.length && input.value.trim()) box.replaceChildren(h('p', {class: 'notice'}, 'Nothing found.'));
  box.hidden = !input.value.trim();
  input.setAttribute('aria-expanded', String(!box.hidden));
}

function moveFound(app, by) {
  if (!app.found || !app.found.length) return;
  app.foundAt = (app.foundAt + by + app.found.length) % app.found.length;
  document.querySelectorAll('#found .hit').forEach((e, i) => {
    e.setAttribute('aria-selected', String(i === app.foundAt));
    if (i === app.foundAt) e.scrollIntoView({block: 'nearest'});
  });
  byId('search').setAttribute('aria-activedescendant', 'hit-' + app.foundAt);
}

function takeFound(app, index) {
  const item = app.found && app.found[index];
  if (!item) return;
  closeFound();
  byId('search').blur();
  item.go();
}

function closeFound() {
  byId('found').hidden = true;
  byId('search').setAttribute('aria-expanded', 'false');
}
