/* The page: what is shown and selected, the address, keys, dark and light. */

const VIEWS = ['passes', 'graph', 'ops', 'code'];

function readAddress() {
  return Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
}

/* App: model; view; pass (index); selection {kind: op node kernel, id} or null; target; colour; allLines. */
function makeApp(model) {
  const app = {model, view: 'passes', pass: model.programs.length > 1 ? 1 : 0, selection: null, colour: 'family', allLines: false,
    target: model.data.targets[model.data.targets.length - 1].name, drawn: new Set(), found: [], foundAt: -1};
  app.narrow = () => matchMedia('(max-width: 900px)').matches;
  /* Goes to what an address or a click names: view, pass, op, node, kernel, target, line; close: nothing selected. */
  app.go = to => {
    const sidebar = app.view === 'graph' && to.node === undefined && to.kernel === undefined;
    if (to.target) app.target = to.target;
    if (to.pass !== undefined) choosePass(app, to.pass);
    if (to.close) app.selection = null;
    if (to.op !== undefined && model.final.byValue.has(Number(to.op))) select(app, 'op', Number(to.op), sidebar ? 'graph' : 'ops');
    if (to.node !== undefined) select(app, 'node', nodeKey(model, to.node), 'ops');
    if (to.kernel !== undefined && kernelOf(app, to.kernel)) select(app, 'kernel', Number(to.kernel), 'code');
    if (VIEWS.includes(to.view)) app.view = to.view;
    show(app);
    if (to.line) showStatement(app, to.line);
  };
  app.setTarget = name => {
    const kernel = app.selection && app.selection.kind === 'kernel' ? kernelOf(app, app.selection.id) : null;
    app.target = name;
    if (kernel) app.selection = sameKernel(app, kernel);
    app.drawn.delete('code');
    show(app);
  };
  app.setAllLines = all => {
    app.allLines = all;
    drawDiff(app);
  };
  return app;
}

/* The function of the new target that does what another target's does. */
function sameKernel(app, kernel) {
  const target = targetOf(app), place = kernel.target.byGroup.get(kernel.calls[0].group).indexOf(kernel.calls[0]);
  const calls = target.byGroup.get(kernel.calls[0].group) || [];
  return calls[place] ? {kind: 'kernel', id: calls[place].kernel} : null;
}

function nodeKey(model, name) {
  return model.nodes.has(name) ? name : [...model.nodes.values()].filter(n => n.name === name).map(n => n.key)[0];
}

function select(app, kind, id, view) {
  if (id === undefined) return;
  app.selection = {kind, id};
  app.view = view;
}

function choosePass(app, name) {
  const index = app.model.programs.findIndex(p => p.pass === name);
  if (index < 0) return;
  if (index !== app.pass) app.drawn.delete('diff');
  app.pass = index;
  app.view = 'passes';
}

/* ---- showing ---- */
const draw = {
  passes: app => drawTimeline(app), graph: app => drawGraph(app), ops: app => drawLists(app), code: app => drawKernels(app)};

function show(app) {
  for (const v of VIEWS) {
    byId('view-' + v).hidden = v !== app.view;
    byId('tab-' + v).setAttribute('aria-selected', String(v === app.view));
    byId('tab-' + v).tabIndex = v === app.view ? 0 : -1;
  }
  document.body.dataset.view = app.view;
  if (!app.drawn.has(app.view)) draw[app.view](app);
  app.drawn.add(app.view);
  if (app.view === 'passes') {
    if (!app.drawn.has('diff')) drawDiff(app);
    app.drawn.add('diff');
    showChosenPass(app);
  }
  drawDetail(app);
  showLinks(app);
  showSelectedGroup(app);
  writeAddress(app);
}

function writeAddress(app) {
  const {selection} = app, words = new URLSearchParams();
  if (app.view === 'passes') words.set('pass', app.model.programs[app.pass].pass);
  else {
    if (selection) words.set(selection.kind, selection.id);
    words.set('view', app.view);
    if (app.target !== app.model.data.targets[app.model.data.targets.length - 1].name) words.set('target', app.target);
  }
  const hash = '#' + words;
  if (location.hash !== hash) history[location.hash ? 'pushState' : 'replaceState'](null, '', hash);
}

function drawFacts(app) {
  const {model} = app, d = model.data;
  const count = p => Object.values(p.ops).reduce((a, b) => a + b, 0);
  const first = model.programs[0], last = model.programs[model.programs.length - 1];
  const ports = op => model.final.statements.filter(s => s.op === op);
  byId('model').textContent = d.name;
  document.title = d.name + ' · nextc explorer';
  const typeOf = s => s.op === 'output' ? model.final.byValue.get(s.operands[0]).type : s.type;
  byId('facts').replaceChildren(
    fact('input', ports('input').map(typeOf).join(', ')), fact('output', ports('output').map(typeOf).join(', ')),
    fact('MACs', formatCount(d.macs)), fact('parameters', formatCount(d.params)), fact('weights', formatBytes(d.weightBytes)),
    fact('workspace', formatBytes(d.workspaceBytes)), fact('operators', `${count(first)} → ${count(last)}`),
    fact('kernels', `${model.groups.length} launches`));
}

/* ---- dark and light ---- */
const THEMES = ['', 'light', 'dark'];

function setTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  byId('theme').textContent = {'': '◐', light: '☀', dark: '☾'}[theme];
  byId('theme').title = `${theme || 'as the system'} (t)`;
  try {
    localStorage.setItem('nextc-theme', theme);
  } catch { /* a page from a file may have no storage */ }
}

function storedTheme() {
  try {
    return localStorage.getItem('nextc-theme') || '';
  } catch {
    return '';
  }
}

function nextTheme() {
  const now = document.documentElement.dataset.theme || '';
  const dark = matchMedia('(prefers-color-scheme: dark)').matches;
  const order = dark ? ['', 'light', 'dark'] : ['', 'dark', 'light'];
  setTheme(order[(order.indexOf(now) + 1) % THEMES.length]);
}

/* ---- keys ---- */
function stepPass(app, by) {
  const index = app.pass + by;
  if (app.model.programs[index]) app.go({pass: app.model.programs[index].pass});
}

/* The next or previous thing of the view. */
function stepItem(app, by) {
  const {model, selection} = app;
  if (app.view === 'passes') return stepChange(app, by);
  const ids = app.view === 'code' ? targetOf(app).kernels.map(k => k.index) :
    app.view === 'graph' ? model.groups.map(g => mainOp(g).id) :
    selection && selection.kind === 'node' ? [...model.nodes.keys()] : model.final.statements.filter(isComputed).map(s => s.id);
  const kind = app.view === 'code' ? 'kernel' : app.view === 'ops' && selection && selection.kind === 'node' ? 'node' : 'op';
  const now = selection && selection.kind === kind ? ids.indexOf(selection.id) : -1;
  const next = Math.max(0, Math.min(ids.length - 1, now + by));
  app.go({[kind]: ids[next]});
  const box = app.view === 'graph' && document.querySelector('#view-graph .box.selected');
  if (box) box.scrollIntoView({block: 'nearest'});
}

function onKey(app, e) {
  if (e.ctrlKey || e.metaKey || e.altKey) return;
  const typing = e.target === byId('search');
  if (typing) return onSearchKey(app, e);
  const actions = {
    '/': () => byId('search').focus(), 't': nextTheme, '?': () => byId('keys').showModal(),
    'ArrowRight': () => app.view === 'passes' && stepPass(app, 1), 'ArrowLeft': () => app.view === 'passes' && stepPass(app, -1),
    'j': () => stepItem(app, 1), 'k': () => stepItem(app, -1), 'a': () => app.view === 'passes' && app.setAllLines(!app.allLines),
    'Escape': () => app.view !== 'passes' && app.selection && app.go({close: true}),
  };
  VIEWS.forEach((view, i) => { actions[String(i + 1)] = () => app.go({view}); });
  if (!actions[e.key] || byId('keys').open) return;
  if (e.key !== 'Escape') e.preventDefault();
  actions[e.key]();
}

function onSearchKey(app, e) {
  if (e.key === 'ArrowDown' || e.key === 'ArrowUp') moveFound(app, e.key === 'ArrowDown' ? 1 : -1);
  else if (e.key === 'Enter') takeFound(app, app.foundAt);
  else if (e.key === 'Escape') closeFound(), byId('search').blur();
  else return;
  e.preventDefault();
}

function start() {
  const app = makeApp(buildModel(JSON.parse(byId('data').textContent)));
  setTheme(storedTheme());
  drawFacts(app);
  for (const b of document.querySelectorAll('.tabs button')) b.addEventListener('click', () => app.go({view: b.dataset.view}));
  byId('theme').addEventListener('click', nextTheme);
  byId('help').addEventListener('click', () => byId('keys').showModal());
  byId('search').addEventListener('input', () => showFound(app));
  byId('search').addEventListener('focus', () => showFound(app));
  byId('search').addEventListener('blur', closeFound);
  document.addEventListener('keydown', e => onKey(app, e));
  window.addEventListener('popstate', () => app.go(readAddress()));
  app.go(readAddress());
}

start();
