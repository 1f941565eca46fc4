"""The description as one HTML page that needs nothing else: no script, no font, no server, no network."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

from openapi.schemas import Schema

STYLE = """
:root { color-scheme: light dark; --line: light-dark(#d8dde3, #363c44); --soft: light-dark(#f4f6f8, #1c2127);
  --dim: light-dark(#57606a, #9aa4af); --link: light-dark(#0b5cad, #7cb7ff); }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; font: 1rem/1.55 system-ui, sans-serif;
  background: light-dark(#fff, #14181d); color: light-dark(#1c2127, #dfe5eb); overflow-wrap: anywhere; }
a { color: var(--link); }
h1 { margin: .5rem 0; } h2 { margin: 2.5rem 0 .5rem; }
code, pre { font: .875rem/1.5 ui-monospace, Menlo, Consolas, monospace; }
nav ul { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .25rem 1rem; }
details { border: 1px solid var(--line); border-radius: .5rem; margin: .5rem 0; }
details[open] > summary { border-bottom: 1px solid var(--line); }
summary { padding: .75rem; cursor: pointer; display: flex; flex-wrap: wrap; gap: .25rem .75rem; align-items: baseline; }
summary:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; }
summary small { color: var(--dim); flex-basis: 100%; }
.inside { padding: .25rem .75rem .75rem; }
.inside h3 { margin: 1rem 0 .25rem; font-size: 1rem; }
.method { font-weight: 700; min-width: 4rem; }
ul.fields { list-style: none; margin: 0; padding: 0 0 0 .75rem; border-left: 2px solid var(--line); }
ul.fields li { padding: .15rem 0; }
.type, .note { color: var(--dim); }
b.must::after { content: " *"; }
"""

BOUNDS = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to", "maxLength": "up to"}


def page(described: Schema) -> str:
    """Return the page of a description."""
    about, tags = described["info"], described["tags"]
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(about['title'])} API</title><style>{STYLE}</style></head><body>",
            f"<h1>{escape(about['title'])} API</h1>",
            *(f"<p>{_prose(each)}</p>" for each in about["description"].split("\n\n")),
            f'<p class="note">Base address: <code>{escape(described["servers"][0]["url"])}</code>. '
            "Fields marked * are required.</p>",
            "<nav><ul>",
            *(f'<li><a href="#{_anchor(each["name"])}">{escape(each["name"])}</a></li>' for each in tags),
            '<li><a href="#objects">Objects</a></li></ul></nav><main>',
            *(line for each in tags for line in _section(each, described)),
            '<h2 id="objects">Objects</h2>',
            *(line for name, schema in described["components"]["schemas"].items() for line in _object(name, schema)),
            "</main></body></html>\n",
        ]
    )


def _section(tag: Schema, described: Schema) -> Iterator[str]:
    yield f'<h2 id="{_anchor(tag["name"])}">{escape(tag["name"])}</h2><p>{_prose(tag["description"])}</p>'
    for path, item in described["paths"].items():
        for method, operation in item.items():
            if method != "servers" and operation["tags"] == [tag["name"]]:
                yield from _operation(method, path, item, operation, described)


def _operation(method: str, path: str, item: Schema, operation: Schema, described: Schema) -> Iterator[str]:
    yield f'<details id="{escape(operation["operationId"])}"><summary><span class="method">{method.upper()}</span>'
    yield f'<code>{escape(path)}</code><small>{escape(operation["summary"])}</small></summary><div class="inside">'
    if "description" in operation:
        yield f"<p>{_prose(operation['description'])}</p>"
    if "servers" in item:
        yield f'<p class="note">At <code>{escape(item["servers"][0]["url"])}</code></p>'
    ways = [" and ".join(each) or "nothing" for each in operation["security"]]
    yield f'<p class="note">Shown by the caller: {escape(", or ".join(ways) or "nothing")}</p>'
    parameters = [_resolved(each, described) for each in operation.get("parameters", [])]
    if parameters:
        yield '<h3>Parameters</h3><ul class="fields">'
        for each in parameters:
            said = f" in the {each['in']}" + (f": {each['description']}" if "description" in each else "")
            yield f"<li>{_named(each['name'], each['required'])} {_type(each['schema'])}{escape(said)}</li>"
        yield "</ul>"
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        yield f'<h3>Body <span class="note">{escape(media)}</span></h3>{_type(content["schema"])}'
    yield '<h3>Answers</h3><ul class="fields">'
    for status, each in operation["responses"].items():
        answer = _resolved(each, described)
        content = " or ".join(_type(each["schema"]) for each in answer.get("content", {}).values())
        yield f"<li><b>{status}</b> {escape(answer['description'])} {content}</li>"
    yield "</ul></div></details>"


def _object(name: str, schema: Schema) -> Iterator[str]:
    yield f'<details id="object-{escape(name)}"><summary><b>{escape(name)}</b></summary><div class="inside">'
    if "description" in schema:
        yield f"<p>{_prose(schema['description'])}</p>"
    yield f"{_type({key: value for key, value in schema.items() if key != 'description'})}</div></details>"


def _type(schema: Any) -> str:
    """Return a schema in words, with links to the objects that it names."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f'<a href="#object-{escape(name)}">{escape(name)}</a>'
    if "allOf" in schema:
        whole, *demands = schema["allOf"]
        must = ", ".join(name for each in demands for name in each["required"])
        return f'{_type(whole)} <span class="type">with</span> {escape(must)}'
    if "anyOf" in schema:
        return ' <span class="type">or</span> '.join(_type(each) for each in schema["anyOf"])
    if "properties" in schema:
        required = schema.get("required", ())
        fields = (f"<li>{_named(name, name in required)} {_type(of)}</li>" for name, of in schema["properties"].items())
        return f'<ul class="fields">{"".join(fields)}</ul>'
    if schema.get("type") == "array":
        return f'<span class="type">list of</span> {_type(schema.get("items", {}))}'
    if "enum" in schema or "const" in schema:
        values = schema.get("enum", [schema.get("const")])
        return f'<span class="type">{escape(" | ".join(map(str, values)))}</span>'
    return f'<span class="type">{escape(_plain(schema))}</span>'


def _plain(schema: Schema) -> str:
    bounds = [f"{word} {schema[name]:g}" for name, word in BOUNDS.items() if name in schema]
    return " ".join([schema.get("format") or schema.get("type") or "anything", *bounds])


def _named(name: str, must: bool) -> str:
    return f'<b class="must"><code>{escape(name)}</code></b>' if must else f"<code>{escape(name)}</code>"


def _resolved(part: Schema, described: Schema) -> Schema:
    while "$ref" in part:
        found: Any = described
        for name in part["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        part = found
    return part


def _prose(text: str) -> str:
    """Text in which `words` are code."""
    parts = escape(" ".join(text.split())).split("`")
    return "".join(f"<code>{part}</code>" if place % 2 else part for place, part in enumerate(parts))


def _anchor(name: str) -> str:
    return name.lower().replace(" ", "-")
