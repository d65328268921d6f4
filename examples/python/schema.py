"""Schemas of docs/SCHEMA.md: their digest, and rows that are arranged by them."""
import csv, decimal, gzip, hashlib, json, math, re
import numpy as np

MISSING = {"", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "?", "-", "na"}
NUMBER = re.compile(r"[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
WORDS = {**dict.fromkeys("true yes t y 1".split(), 1), **dict.fromkeys("false no f n 0".split(), 0)}

def number_text(x):
    """A number as JavaScript writes it."""
    if x == int(x) and abs(x) < 1e21: return str(int(x))
    sign, digits, exponent = decimal.Decimal(repr(float(x))).normalize().as_tuple()
    text, point, minus = "".join(map(str, digits)), len(digits) + exponent, "-" * sign
    if 0 < point <= 21: return f"{minus}{text[:point]}.{text[point:]}"
    if -6 < point <= 0: return f"{minus}0.{'0' * -point}{text}"
    return f"{minus}{text[0]}{'.' * (len(text) > 1)}{text[1:]}e{point - 1:+d}"

def canonical(value):
    """JSON in the canonical form of RFC 8785."""
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return "{" + ",".join(f"{canonical(key)}:{canonical(value[key])}" for key in keys) + "}"
    if isinstance(value, list): return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, (int, float)) and not isinstance(value, bool): return number_text(value)
    return json.dumps(value, ensure_ascii=False)

def digest(schema):
    return hashlib.sha256(canonical(schema).encode()).hexdigest()

def has_names(schema):
    return any("shape" not in one and not re.fullmatch(r"column [1-9]\d*", one["name"])
               for one in schema["inputs"])

def class_name(text):
    """The canonical spelling of a class or category: -1.0 is -1, True is true."""
    text = text.strip()
    if text.lower() in ("true", "false"): return text.lower()
    digits = re.sub(r"\D", "", re.split("[eE]", text)[0])
    return number_text(float(text)) if NUMBER.fullmatch(text) and len(digits) <= 15 else text

class Refusal(Exception):
    """Rows that do not fit a schema; one line."""

def to_number(text, place):
    if NUMBER.fullmatch(text.strip()) and math.isfinite(float(text)): return float(text)
    raise Refusal(f"{place}: expected a number, got {text!r}")

def features(one, text, place):
    """The features of an input for a text, which is None where the value is missing."""
    missing, kind = one.get("missing", {}), one["kind"]
    filled = text is None
    if filled:
        if "fill" not in missing: raise Refusal(f"{place}: expected a {kind}, got a missing value")
        fill = missing["fill"]
        text = fill if isinstance(fill, str) else str(fill).lower() if isinstance(fill, bool) else number_text(fill)
    if kind == "number":
        scale = one.get("standardize", {"mean": 0, "deviation": 1})
        value, deviation = to_number(text, place), scale["deviation"]
        row = [(value - scale["mean"]) / deviation if deviation else 0]
    elif kind == "boolean":
        if class_name(text).lower() not in WORDS: raise Refusal(f"{place}: expected true or false, got {text!r}")
        row = [WORDS[class_name(text).lower()]]
    else:
        names, other = one["categories"], one.get("unknown") == "other"
        if class_name(text) not in names and not other:
            raise Refusal(f"{place}: expected a category of {', '.join(names)}, got {text!r}")
        row = [int(name == class_name(text)) for name in names]
        row += [1 - sum(row)] * other
    return row + [int(filled)] * missing.get("indicator", False)

def arrange(rows, schema, name="the rows"):
    """Features and class numbers of rows, each a dict of texts, by a schema of named columns."""
    target = schema["target"]
    if target["task"] != "classification" or "from" in target:
        raise Refusal(f"Cannot use {name}: expected a schema with a column of classes")
    for column in [one["name"] for one in schema["inputs"]] + [target["name"]]:
        if rows and column not in rows[0]:
            others = [one for one in rows[0] if one not in {each["name"] for each in schema["inputs"]}]
            raise Refusal(f"Cannot use {name}: expected the column {column}, got {', '.join(others) or 'none of this name'}")
    marks = {one["name"]: one.get("missing", {}).get("values", []) for one in schema["inputs"]}
    marks[target["name"]] = target.get("missingValues", [])
    x, y = [], []
    for i, row in enumerate(rows):
        values = {key: None if text.strip() in MISSING or class_name(text) in marks.get(key, ()) else text
                  for key, text in row.items()}
        if any(one.get("missing", {}).get("policy") == "drop" and values[one["name"]] is None
               for one in schema["inputs"]): continue
        where = f"Cannot use {name}: row {i + 1}"
        x.append([value for one in schema["inputs"]
                  for value in features(one, values[one["name"]], f"{where}, column {one['name']}")])
        label = class_name(values[target["name"]] or "")
        if label not in target["classes"]:
            raise Refusal(f"{where}: expected the classes {', '.join(target['classes'])}; got {label or 'none'}")
        y.append(target["classes"].index(label))
    if not x: raise Refusal(f"Cannot use {name}: expected at least one row, got 0 rows")
    return np.array(x, np.float32), np.array(y)

def read(path, part, parts, scale=1):
    """Each `parts`-th row of a CSV file as dicts by its header; arrays and their scale where it names
    no columns, or for the digits' folder of IDX files."""
    if path.is_dir():
        y, x = (gzip.decompress((path / f"digits-{kind}-ubyte.gz").read_bytes())
                for kind in ("labels-idx1", "images-idx3"))
        y, x = np.frombuffer(y[8:], np.uint8), np.frombuffer(x[16:], np.uint8).reshape(-1, 64) / 16
        return x[part - 1::parts].astype(np.float32), y[part - 1::parts].astype(int), 1 / 16
    with open(path, newline="", encoding="utf-8-sig") as file:
        header, *rows = [row for row in csv.reader(file) if row]
    rows = rows[part - 1::parts]
    if header and rows and len(header) == len(rows[0]): return [dict(zip(header, row)) for row in rows]
    *x, y = np.array(rows, float).T
    return np.array(x, np.float32).T, y.astype(int), scale

def agree(data, given, own, name):
    """Features, class numbers and the digest for `Ready`, by the server's schema or one's own."""
    schema = given.get("schema")
    if schema and digest(schema) != given["schemaDigest"]:
        raise Refusal("Cannot read the server's schema: its digest is another than the server says")
    if schema and schema["format"] != "fedlab.schema/1":
        raise Refusal(f"Cannot read the server's schema: expected fedlab.schema/1, got {schema['format']}")
    if schema and own and digest(schema) != digest(own):
        raise Refusal("Cannot join: the server has another schema than this client was given")
    agreed = schema or own
    told = {"schemaDigest": digest(agreed)} if agreed else {}
    if isinstance(data, list):
        if not agreed: raise Refusal("Cannot join: expected a server with a schema of columns, got one without; give --schema")
        return (*arrange(data, agreed, name), told)
    x, y, scale = data
    if not agreed: return x, y, told
    one, classes = agreed["inputs"][0], agreed["target"].get("classes", [])
    plain = len(agreed["inputs"]) == 1 and "shape" in one and not {"standardize", "columns"} & set(one)
    fits = plain and (own or "generator" not in one)
    fits = fits and math.prod(one["shape"]) == x.shape[1] and (own or one.get("scale", 1) == scale)
    if not fits or classes[:y.max() + 1] != [str(i) for i in range(y.max() + 1)]:
        raise Refusal(f"Cannot use {name}: expected data of {agreed['inputs'][0]['name']}, got {x.shape[1]} features "
                      f"without names, of scale {scale:g} and {y.max() + 1} classes")
    return x, y, told
