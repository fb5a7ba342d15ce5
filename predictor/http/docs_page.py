"""The page at /docs: the model's inputs, a form that sends a request, its routes. One HTML document without other
files.
"""

from __future__ import annotations

import json
import shlex
from html import escape
from typing import Any

from artifact.feature import Feature, Value
from artifact.signature import Signature
from predictor.http.openapi import has_probabilities

MOST_FIELDS = 100  # of the form; a model with more features is asked by its JSON alone
# What the page may do: run its own script, which asks this server.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'"

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 46rem; margin: 0 auto; padding: 1rem }
code, pre, textarea { font: 14px/1.4 ui-monospace, monospace; overflow-wrap: anywhere }
pre { white-space: pre-wrap; border: 1px solid #8888; border-radius: 4px; padding: .6rem }
.fields { display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: .6rem }
label { display: block }
input, select, textarea { box-sizing: border-box; width: 100%; padding: .3rem; font-size: 1rem }
button { margin: .8rem 0; padding: .4rem 1.2rem; font-size: 1rem }
td { padding-right: 1rem; vertical-align: top } td:first-child { white-space: nowrap }
@media (max-width: 34rem) { td { display: block } tr { display: block; padding-bottom: .5rem } }
"""
_SCRIPT = """
const form = document.querySelector('form'), body = form.elements.body, answer = document.querySelector('#answer');
const fields = [...form.querySelectorAll('[data-kind]')];
const shell = document.querySelector('#shell');
// An empty text is one where the model takes no missing value; no other empty field is a value.
const value = field => field.value === '' && (field.dataset.nullable || field.dataset.kind !== 'string') ? null
  : field.dataset.kind === 'string' ? field.value
  : field.dataset.kind === 'boolean' ? field.value === 'true' : Number(field.value);
const write = () => {
  const request = JSON.parse(form.dataset.rest);
  request.instances = [fields.map(value)];
  body.value = JSON.stringify(request);
  show();
};
const show = () => {
  const quoted = body.value.replaceAll("'", "'\\\\''");
  shell.textContent = `curl -H 'content-type: application/json' ${location.origin}${form.dataset.path} -d '${quoted}'`;
};
show();
body.addEventListener('input', show);
fields.forEach(field => field.addEventListener('input', write));
form.addEventListener('submit', async event => {
  event.preventDefault();
  answer.textContent = '…';
  try {
    const headers = {'content-type': 'application/json'};
    const reply = await fetch(form.dataset.path, {method: 'POST', headers, body: body.value});
    answer.textContent = reply.status + ' ' + reply.headers.get('x-model-digest') + '\\n' + await reply.text();
  } catch (error) { answer.textContent = 'no answer: ' + error.message; }
});
"""


def curl(url: str, name: str, row: list[Value], probabilities: bool) -> str:
    """A command for a shell that asks the model for `row` at `url`."""
    body = json.dumps(_request(row, probabilities))
    return f"curl -H 'content-type: application/json' {url}/v1/models/{name}:predict -d {shlex.quote(body)}"


def page(document: dict[str, Any], signature: Signature, row: list[Value], headers: dict[str, str]) -> bytes:
    """The HTML of the model whose OpenAPI document this is; `headers` name what serves."""
    name, paths = document["info"]["title"], document["paths"]
    path = f"/v1/models/{name}:predict"
    probabilities = has_probabilities(signature)
    request = _request(row, probabilities)
    body = json.dumps(request)
    features = signature.inputs if len(signature.inputs) <= MOST_FIELDS else ()
    fields = "".join(_field(feature, value) for feature, value in zip(features, row, strict=False))
    rest = json.dumps({key: value for key, value in request.items() if key != "instances"})
    outputs = ", ".join(output.name for output in signature.outputs)
    return "".join(
        [
            '<!doctype html><html lang="en"><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(name)}</title><style>{_STYLE}</style><body>",
            f"<h1>{escape(name)}</h1><p>A scikit-learn model for {escape(signature.task)}. ",
            f"It answers {escape(outputs)}.</p><table>",
            *(f"<tr><td>{escape(key)}<td><code>{escape(value)}</code>" for key, value in headers.items()),
            "</table><h2>Ask it</h2>",
            f'<form data-path="{escape(path)}" data-rest="{escape(rest)}"><div class="fields">{fields}</div>',
            f'<p><label>Body of the request<textarea name="body" rows="4">{escape(body)}</textarea></label>',
            '<button>Predict</button></form><pre id="answer" aria-live="polite">The answer comes here.</pre>',
            f"<p>The same from a shell:</p><pre id=shell>{escape(curl('$URL', name, row, probabilities))}</pre>",
            '<h2>Routes</h2><p>Machines read <a href="/openapi.json">/openapi.json</a>. ',
            "gRPC answers the Open Inference Protocol.</p><table>",
            *(
                f"<tr><td>{method.upper()}<td><code>{escape(route)}</code><td>{escape(operation['summary'])}"
                for route, methods in paths.items()
                for method, operation in methods.items()
            ),
            f"</table><script>{_SCRIPT}</script></html>",
        ]
    ).encode()


def _request(row: list[Value], probabilities: bool) -> dict[str, Any]:
    return {"instances": [row], **({"probabilities": True} if probabilities else {})}


def _field(feature: Feature, value: Value) -> str:
    kind = {"float64": "number", "int64": "number", "bool": "boolean"}.get(feature.dtype, "string")
    if kind == "number" and feature.categories is None:
        low, high = feature.range or (None, None)
        ends = "".join(f' {key}="{end}"' for key, end in (("min", low), ("max", high)) if end is not None)
        control = f'<input type="number" step="{"1" if feature.dtype == "int64" else "any"}"{ends} value="{value}"'
    elif choices := (("false", "true") if kind == "boolean" else feature.categories):
        chosen = str(value).lower() if kind == "boolean" else str(value)
        texts = [*map(str, choices), *([""] if feature.nullable else [])]
        options = "".join(f"<option{' selected' if text == chosen else ''}>{escape(text)}</option>" for text in texts)
        return f"<label>{escape(feature.name)}<select{_data(feature, kind)}>{options}</select></label>"
    else:
        control = f'<input type="text" value="{escape(str(value))}"'
    return f"<label>{escape(feature.name)}{control}{_data(feature, kind)}></label>"


def _data(feature: Feature, kind: str) -> str:
    return f' data-kind="{kind}"' + (' data-nullable="1"' if feature.nullable else "")
