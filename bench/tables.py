"""What was measured, as it is stored (compare.json, measured.json) and told: rows of several runs joined, tables, the
section of README.md. Python's own library only.

A store is a dict of "machine", "hidden" and "clock", which hold for all of it, and of three lists of rows; each row has the
facts of its run in "run"."""
import json
import os

LISTS = {"results": ("model", "threads"), "first_results": ("model",), "ms_an_image": ("model",)}  # and what names a row
PLACE = ("machine", "hidden", "clock")
RUN = ("date", "versions", "path")


class Failed(Exception):
    """In words for who ran the comparison."""


# ---- stores ----
def new(machine, hidden, clock):
    return {"machine": machine, "hidden": hidden, "clock": clock, **{kind: [] for kind in LISTS}}


def load(path):
    try:
        data = json.loads(path.read_text())
        for row in rows_of(data):
            if "run" not in row:  # of a file that tells it once
                row["run"] = {k: data[k] for k in RUN}
        return {k: data[k] for k in (*PLACE, *LISTS)}
    except KeyError as e:
        raise Failed(f"{path}: no stored measurements, {e} is missing") from e
    except (ValueError, TypeError) as e:
        raise Failed(f"{path}: no stored measurements: {e}") from e


def write(path, text):
    """Whole or not at all."""
    beside = path.with_name(path.name + ".new")
    try:
        beside.write_text(text)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def save(data, path):
    write(path, json.dumps(data, indent=1, allow_nan=False) + "\n")


def rows_of(data):
    return [row for kind in LISTS for row in data[kind]]


def differ(a, b):
    """The first fact in which two stores' places differ, in words; None if rows of both may stand in one table."""
    return next((f"{k} {a[k]!r}, not {b[k]!r}" for k in PLACE if a[k] != b[k]), None)


def join(old, fresh, order=()):
    """The rows of both; of those that both have, the fresh one. Sorted by the models' order (others after them, as they
    come) and threads."""
    ranks = {model: i for i, model in enumerate(order)}
    joined = {k: fresh[k] for k in PLACE}
    for kind, keys in LISTS.items():
        rows = {tuple(row[k] for k in keys): row for row in (*old[kind], *fresh[kind])}
        joined[kind] = sorted(rows.values(), key=lambda row: (ranks.setdefault(row["model"], len(ranks)), row.get("threads", 0)))
    return joined


def runs(data):
    """The facts of all runs that rows are of, each once, the oldest first."""
    found = []
    for row in rows_of(data):
        if row["run"] not in found:
            found.append(row["run"])
    return sorted(found, key=lambda run: run["date"])


# ---- tables ----
def line(*cells):
    return "| " + " | ".join(str(c).replace("|", "\\|") for c in cells) + " |"


def head(*cells):
    return [line(*cells), "|" + "---|" * len(cells)]


def time_rows(result):
    for name, e in result["engines"].items():
        ratio = f"{e['ratio']:.3f}" if e["ratio"] and name.startswith("nextc") else ""
        yield (result["model"], result["threads"], name, f"{e['best_ms']:.2f}", f"{e['median_ms']:.2f}",
               f"{100 * e['of_peak']:.1f} % of {result['peak_gflops']:.1f}", ratio)


def first_rows(first):
    for name, e in first["engines"].items():
        yield first["model"], name, f"{e['best_ms']:.0f}", f"{e['median_ms']:.0f}", f"{e['resident'] / 1e6:.1f}"


def image_rows(images):
    for name, e in images["engines"].items():
        yield images["model"], name, f"{e['1']:.2f}", f"{e['8']:.2f}"


TABLES = {
    "results": (time_rows, ("model", "threads", "engine", "best ms", "median ms", "of FMA peak",
                            "against the faster of the others")),
    "first_results": (first_rows, ("model", "engine", "first result, best ms", "median ms", "resident MB")),
    "ms_an_image": (image_rows, ("model, one thread", "engine", "ms an image, batch 1", "batch 8")),
}


def tables(data):
    """With a column of runs' numbers where there are several."""
    known, parts = runs(data), []
    several = len(known) > 1
    for kind, (cells, titles) in TABLES.items():
        if data[kind]:
            lines = head(*titles, *["run"] * several)
            for row in data[kind]:
                lines += [line(*c, *[known.index(row["run"]) + 1] * several) for c in cells(row)]
            parts.append("\n".join(lines))
    return "\n\n".join(parts)


def lines_of(kind, row):
    """A row's lines of its table."""
    return "\n".join(line(*cells) for cells in TABLES[kind][0](row))


def caption(data):
    facts = data["machine"]
    family = f" (family {facts['family']}, model {facts['model']})" if facts["family"] else ""
    caches = "".join(f", {k} {v}" for k, v in facts["caches"].items())
    return f"{facts['cpu']}{family}, {facts['cpus']} CPUs{caches}{data['hidden']}"


def of_run(run):
    return "; ".join(f"{k} {v}" for k, v in run["versions"].items()) + f". FMA peak with path {run['path']}"


def section(data):
    """The body of README.md's section."""
    known = runs(data)
    if len(known) == 1:
        return f"{caption(data)}. {of_run(known[0])}, {data['clock']} clock. {known[0]['date']}.\n\n{tables(data)}\n"
    told = [f"{n}. {run['date']}: {of_run(run)}." for n, run in enumerate(known, 1)]
    return "\n".join([f"{caption(data)}, {data['clock']} clock. Rows are of {len(known)} runs:", "", *told, "", tables(data), ""])


# ---- README.md ----
def put_section(text, name, body):
    """The text with another body between the lines <!-- NAME --> and <!-- end of NAME -->."""
    begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
    for mark in (begin, end):
        if text.count(mark) != 1:
            raise Failed(f"{text.count(mark)} lines {mark.strip()}, not one")
    start, stop = text.index(begin) + len(begin), text.index(end)
    if stop < start:
        raise Failed(f"{end.strip()} comes first")
    return text[:start] + body + text[stop:]
