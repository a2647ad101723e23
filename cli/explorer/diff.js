/* What a pass did to a program. Values are numbered by their place, so numbers shift; a statement is known by all else
 * that it says, and its operands by the statements that make them. */

const GAP_LIMIT = 250000; /* cells of a table that aligns a gap */

function contentKey(s) {
  const f = s.fields;
  return f.op + f.attrs + f.sched + f.types + f.loc;
}

/* The longest ascending run of pairs [i, j] that are in order of i. */
function longestAscending(pairs) {
  const tails = [], before = new Array(pairs.length).fill(-1);
  pairs.forEach(([, j], n) => {
    let low = 0, high = tails.length;
    while (low < high) {
      const mid = (low + high) >> 1;
      if (pairs[tails[mid]][1] < j) low = mid + 1;
      else high = mid;
    }
    if (low) before[n] = tails[low - 1];
    tails[low] = n;
  });
  const run = [];
  for (let n = tails.length ? tails[tails.length - 1] : -1; n >= 0; n = before[n]) run.push(pairs[n]);
  return run.reverse();
}

/* Pairs of [aFrom, aTo) and [bFrom, bTo) in order, for the greatest sum of score(i, j) > 0. */
function align(aFrom, aTo, bFrom, bTo, score) {
  const n = aTo - aFrom, m = bTo - bFrom;
  if (!n || !m || n * m > GAP_LIMIT) return [];
  const best = Array.from({length: n + 1}, () => new Float64Array(m + 1));
  for (let i = n - 1; i >= 0; i--)
    for (let j = m - 1; j >= 0; j--) {
      const s = score(aFrom + i, bFrom + j);
      best[i][j] = Math.max(best[i + 1][j], best[i][j + 1], s > 0 ? s + best[i + 1][j + 1] : 0);
    }
  const pairs = [];
  for (let i = 0, j = 0; i < n && j < m;) {
    const s = score(aFrom + i, bFrom + j);
    if (s > 0 && best[i][j] === s + best[i + 1][j + 1]) pairs.push([aFrom + i++, bFrom + j++]);
    else if (best[i][j] === best[i + 1][j]) i++;
    else j++;
  }
  return pairs;
}

/* Equal statements in order: common ends, then keys that occur once on both sides as anchors, then a table. */
function matchEqual(a, b, aFrom, aTo, bFrom, bTo, match) {
  while (aFrom < aTo && bFrom < bTo && a[aFrom] === b[bFrom]) match[aFrom++] = bFrom++;
  while (aFrom < aTo && bFrom < bTo && a[aTo - 1] === b[bTo - 1]) match[--aTo] = --bTo;
  if (aFrom === aTo || bFrom === bTo) return;
  const seen = new Map();
  const note = (key, side, at) => {
    const e = seen.get(key) || {count: [0, 0], at: [0, 0]};
    e.count[side]++;
    e.at[side] = at;
    seen.set(key, e);
  };
  for (let i = aFrom; i < aTo; i++) note(a[i], 0, i);
  for (let j = bFrom; j < bTo; j++) note(b[j], 1, j);
  const once = [...seen.values()].filter(e => e.count[0] === 1 && e.count[1] === 1).map(e => e.at);
  const anchors = longestAscending(once.sort((x, y) => x[0] - y[0]));
  if (!anchors.length) {
    for (const [i, j] of align(aFrom, aTo, bFrom, bTo, (x, y) => a[x] === b[y] ? 1 : 0)) match[i] = j;
    return;
  }
  for (const [i, j] of [...anchors, [aTo, bTo]]) {
    matchEqual(a, b, aFrom, i, bFrom, j, match);
    if (i < aTo) match[i] = j;
    aFrom = i + 1;
    bFrom = j + 1;
  }
}

/* How much two different statements are one that was changed; 0: they are not. */
function likeness(s, t) {
  const nodes = s.nodes.some(x => t.nodes.some(y => x.key === y.key));
  if (!nodes && (s.op !== t.op || s.nodes.length && t.nodes.length)) return 0;
  return (s.op === t.op ? 4 : 0) + (nodes ? 3 : 0) + (s.type && s.type === t.type ? 1 : 0) +
    (s.operands.length === t.operands.length ? 1 : 0);
}

/* Same operator, type and first node: one statement, wherever it stands now. */
function nearKey(s) {
  return s.nodes.length ? s.op + ' ' + s.type + ' ' + s.nodes[0].key : null;
}

/* Pairs indices [i, j] of equal keys among those that are free, first with first. Keys that are null pair with nothing. */
function pairByKey(a, b, freeA, freeB) {
  const waiting = new Map(), pairs = [];
  b.forEach((key, j) => {
    if (!freeB(j) || key === null) return;
    if (!waiting.has(key)) waiting.set(key, []);
    waiting.get(key).push(j);
  });
  a.forEach((key, i) => {
    const list = freeA(i) && waiting.get(key);
    if (list && list.length) pairs.push([i, list.shift()]);
  });
  return pairs;
}

/* Which fields of a pair differ: names of fields, and 'args' where an operand is made by another statement. */
function changedFields(s, t, valueMap) {
  const changed = new Set(['op', 'attrs', 'sched', 'types', 'loc'].filter(f => s.fields[f] !== t.fields[f]));
  const same = s.operands.length === t.operands.length &&
    s.operands.every((v, i) => v === null ? t.operands[i] === null : valueMap.get(v) === t.operands[i]);
  if (!same) changed.add('args');
  return changed;
}

/* Pairs of the statements [i, j] that were changed and stand between the same unchanged ones. */
function alignGaps(A, B, matchA, matchB, freeA, freeB) {
  const pairs = [];
  let i = 0, j = 0;
  while (i < A.length || j < B.length) {
    if (i < A.length && matchA[i] === j) {
      i++;
      j++;
      continue;
    }
    const left = [], right = [];
    for (; i < A.length && matchA[i] === undefined; i++) if (freeA(i)) left.push(i);
    for (; j < B.length && matchB[j] === undefined; j++) if (freeB(j)) right.push(j);
    const score = (x, y) => likeness(A[left[x]], B[right[y]]);
    for (const [x, y] of align(0, left.length, 0, right.length, score)) pairs.push([left[x], right[y]]);
  }
  return pairs;
}

/* Rows to show side by side: {before, after: statement or null, kind: same changed removed added moved, fields: Set}.
 * counts: of each kind; a moved statement has two rows and counts once. A changed one stands at its new place. */
function diffPrograms(before, after) {
  const A = before.statements, B = after.statements;
  const a = A.map(contentKey), b = B.map(contentKey);
  const matchA = [], matchB = [], moved = new Map(), arrived = new Set(), left = new Set(), from = new Map();
  const freeA = i => matchA[i] === undefined && !moved.has(i) && !left.has(i);
  const freeB = j => matchB[j] === undefined && !arrived.has(j) && !from.has(j);
  matchEqual(a, b, 0, a.length, 0, b.length, matchA);
  matchA.forEach((j, i) => { if (j !== undefined) matchB[j] = i; });
  for (const [i, j] of pairByKey(a, b, freeA, freeB)) moved.set(i, j), arrived.add(j);
  for (const [i, j] of pairByKey(A.map(nearKey), B.map(nearKey), freeA, freeB)) left.add(i), from.set(j, i);
  for (const [i, j] of alignGaps(A, B, matchA, matchB, freeA, freeB)) left.add(i), from.set(j, i);
  const valueMap = new Map();
  const mapResults = (i, j) => A[i].results.forEach((v, r) => valueMap.set(v, B[j].results[r]));
  matchA.forEach((j, i) => { if (j !== undefined) mapResults(i, j); });
  moved.forEach((j, i) => mapResults(i, j));
  from.forEach((i, j) => mapResults(i, j));
  return makeRows(A, B, {matchA, matchB, moved, arrived, left, from}, valueMap);
}

function makeRows(A, B, m, valueMap) {
  const rows = [], counts = {same: 0, changed: 0, removed: 0, added: 0, moved: m.moved.size};
  const push = (before, after, kind, fields) => {
    rows.push({before, after, kind, fields: fields || new Set()});
    if (kind !== 'moved') counts[kind]++;
  };
  const pair = (s, t) => {
    const fields = changedFields(s, t, valueMap);
    push(s, t, fields.size ? 'changed' : 'same', fields);
  };
  for (let i = 0, j = 0; i < A.length || j < B.length;) {
    if (i < A.length && m.matchA[i] === undefined) {
      if (!m.left.has(i)) push(A[i], null, m.moved.has(i) ? 'moved' : 'removed');
      i++;
    } else if (j < B.length && m.matchB[j] === undefined) {
      if (m.from.has(j)) pair(A[m.from.get(j)], B[j]);
      else push(null, B[j], m.arrived.has(j) ? 'moved' : 'added');
      j++;
    } else pair(A[i++], B[j++]);
  }
  return {rows, counts};
}
