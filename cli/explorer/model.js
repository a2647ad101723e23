/* What the views show, made once from the page's data: programs, final operators, groups (one kernel launch each), the
 * nodes of the model, blocks. */

/* The statement whose memory a value shares: reshapes of computed values are views. */
function rootOf(model, value) {
  let s = model.final.byValue.get(value);
  while (s && s.op === 'reshape' && !s.info.constant) s = model.final.byValue.get(s.operands[0]);
  return s;
}

function buildModel(data) {
  const model = {data, programs: [], nodes: new Map(), groups: [], groupById: new Map(), weights: []};
  for (const p of data.programs) {
    const before = model.programs[model.programs.length - 1];
    const program = p.text === null ? before.program : parseProgram(p.text);
    model.programs.push({...p, program, index: model.programs.length});
  }
  model.final = model.programs[model.programs.length - 1].program;
  addInfo(model);
  addNodes(model);
  addGroups(model);
  addSteps(model);
  model.blocks = findBlocks(model);
  return model;
}

/* Each statement of the final program gets info (figures), uses (statements) and group. */
function addInfo(model) {
  const info = new Map(model.data.ops.map(o => [o.id, o]));
  const unplaced = {bytes: 0};
  for (const s of model.final.statements) {
    s.id = s.results.length ? s.results[0] : null;
    s.info = info.get(s.id) || unplaced;
    s.uses = [];
    s.group = null;
    for (const v of s.operands) {
      const made = v === null ? null : model.final.byValue.get(v);
      if (made && !made.uses.includes(s)) made.uses.push(s);
    }
    if (s.op === 'weight') model.weights.push(s);
  }
}

/* Nodes in the order of the model, with the final statements that came from them. */
function addNodes(model) {
  for (const s of model.programs[0].program.statements)
    for (const n of s.nodes) if (!model.nodes.has(n.key)) model.nodes.set(n.key, {...n, ops: []});
  for (const s of model.final.statements)
    for (const n of s.nodes) {
      if (!model.nodes.has(n.key)) model.nodes.set(n.key, {...n, ops: []});
      model.nodes.get(n.key).ops.push(s);
    }
}

function addGroups(model) {
  for (const s of model.final.statements) {
    if (!s.info.runtime) continue;
    const g = groupOf(s);
    if (!g) continue;
    if (!model.groupById.has(g.id)) {
      const group = {...g, index: model.groups.length, ops: [], macs: 0, bytes: 0, inputs: new Set()};
      model.groupById.set(g.id, group);
      model.groups.push(group);
    }
    const group = model.groupById.get(g.id);
    s.group = group;
    group.ops.push(s);
    group.macs += s.info.macs;
    group.bytes += s.info.in + s.info.weights + s.info.out;
  }
  for (const group of model.groups)
    for (const s of group.ops)
      for (const v of s.operands) {
        const root = v === null ? null : rootOf(model, v);
        if (root && !root.info.constant && root.group !== group) group.inputs.add(root);
      }
  model.maxMacs = Math.max(1, ...model.groups.map(g => g.macs));
  model.maxBytes = Math.max(1, ...model.groups.map(g => g.bytes));
}

/* steps of each target by group; calls of each kernel. */
function addSteps(model) {
  for (const t of model.data.targets) {
    t.byGroup = new Map();
    t.kernels.forEach((k, i) => Object.assign(k, {index: i, target: t, calls: []}));
    t.steps.forEach((s, i) => {
      s.index = i;
      if (!t.byGroup.has(s.group)) t.byGroup.set(s.group, []);
      t.byGroup.get(s.group).push(s);
      t.kernels[s.kernel].calls.push(s);
    });
  }
}

/* ---- blocks ---- */
/* Names of the weights that an operator reads, through its constant expressions. */
function weightNames(model, s, names = new Set(), seen = new Set()) {
  for (const v of s.operands) {
    const made = v === null ? null : model.final.byValue.get(v);
    if (!made || !made.info.constant || seen.has(made)) continue;
    seen.add(made);
    if (made.op === 'weight') names.add(attrOf(made.fields.attrs, 'name'));
    else weightNames(model, made, names, seen);
  }
  return names;
}

/* "stages.0.blocks.1" of ["stages.0.blocks.1.norm.weight", ...]: what names of at least two parts have in common. */
function commonPath(names) {
  const paths = names.filter(n => /[./]/.test(n)).map(n => n.split(/[./]+/).filter(Boolean).slice(0, -1));
  if (!paths.length) return [];
  let n = 0;
  while (paths.every(p => p.length > n && p[n] === paths[0][n])) n++;
  return paths[0].slice(0, n);
}

/* For each i: does one value alone go from groups 0..i to those after? Values that wait for a reader far away, as in a
 * U-Net, hold no block together. */
function findCuts(model) {
  const FAR = 32, last = new Map(), cuts = [];
  for (const g of model.groups) for (const s of g.inputs) last.set(s, g.index);
  const waits = s => last.get(s) - (s.group ? s.group.index : 0) > FAR;
  let live = new Set(model.final.statements.filter(s => s.op === 'input' && last.has(s)));
  for (const g of model.groups) {
    for (const s of g.ops) if (last.has(s) && last.get(s) > g.index) live.add(s);
    live = new Set([...live].filter(s => last.get(s) > g.index));
    cuts.push([...live].filter(s => !waits(s)).length <= 1);
  }
  return cuts;
}

/* What two paths have in common; a path of no weights agrees with any. */
function sharedPath(a, b) {
  if (!a.length || !b.length) return a.length ? a : b;
  let n = 0;
  while (n < a.length && a[n] === b[n]) n++;
  return a.slice(0, n);
}

/* Runs of groups between places where one value alone lives. Runs of a single group are joined where their weights have
 * a name in common (a stem, a downsampling, a head), any runs where they have the same one (the halves of a layer). */
function findBlocks(model) {
  const cuts = findCuts(model), blocks = [];
  let run = [];
  for (const g of model.groups) {
    run.push(g);
    if (!cuts[g.index] && g.index < model.groups.length - 1) continue;
    const path = commonPath(run.flatMap(r => r.ops.flatMap(s => [...weightNames(model, s)])));
    const before = blocks[blocks.length - 1], single = run.length === 1;
    const same = before && path.length > 0 && path.join('.') === before.path.join('.');
    const shared = before ? sharedPath(before.path, path) : path;
    const near = shared.length > 0 && shared.length >= Math.min(path.length, before ? before.path.length : 0) - 1;
    const joins = single && before && before.single && (near || !path.length || !before.path.length);
    if (same || joins) {
      before.groups.push(...run);
      before.path = shared;
    } else blocks.push({single, groups: run, path});
    run = [];
  }
  blocks.forEach((b, i) => describeBlock(b, i));
  return blocks;
}

function describeBlock(b, index) {
  const last = b.groups[b.groups.length - 1], result = last.ops[last.ops.length - 1];
  const nodePath = commonPath(b.groups.flatMap(g => g.ops.flatMap(s => s.nodes.map(n => n.name))));
  b.index = index;
  b.title = b.path.join('.') || nodePath[nodePath.length - 1] || (b.groups.length === 1 ? last.family : 'block ' + (index + 1));
  b.type = result.type;
  b.macs = b.groups.reduce((sum, g) => sum + g.macs, 0);
  b.bytes = b.groups.reduce((sum, g) => sum + g.bytes, 0);
  for (const g of b.groups) g.block = b;
}
