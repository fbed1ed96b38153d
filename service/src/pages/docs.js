// SPDX-License-Identifier: Apache-2.0
// Lays out /openapi.json. Text goes in as text only.
"use strict";

function make(name, content, attributes = {}) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  for (const part of Array.isArray(content) ? content : [content]) if (part) node.append(part);
  return node;
}

// `code` in back quotes, as descriptions have it.
function words(text) {
  return (text || "").split("`").map((part, i) => (i % 2 === 1 ? make("code", part) : part));
}

function prose(text) {
  return make("p", words(text));
}

function resolve(api, node) {
  if (!node || !node.$ref) return node;
  return node.$ref.slice(2).split("/").reduce((at, key) => at[key], api);
}

function type_of(api, schema) {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" or ");
  const choices = schema.anyOf || schema.oneOf;
  if (choices && !schema.properties) return choices.map((choice) => type_of(api, choice)).join(" or ");
  if (schema.allOf) return schema.allOf.map((part) => type_of(api, part)).join(" with ");
  if (schema.type === "array") return `list of ${type_of(api, schema.items)}`;
  return [].concat(schema.type || "anything").join(" or ") + (schema.format ? ` (${schema.format})` : "");
}

function table(caption, heads, rows) {
  const head = make("tr", heads.map((text) => make("th", text, { scope: "col" })));
  const body = rows.map((row) => make("tr", row.map((cell) => make("td", cell))));
  return make("table", [make("caption", caption), make("thead", head), make("tbody", body)]);
}

function properties(api, schema, caption) {
  const required = schema.required || [];
  return table(caption, ["Name", "Type", "Meaning"], Object.entries(schema.properties).map(([name, property]) => [
    make("code", name), type_of(api, property) + (required.includes(name) ? "" : ", optional"), words(property.description),
  ]));
}

function examples(media) {
  if (media.example) return [media.example];
  return Object.values(media.examples || {}).map((example) => example.value);
}

function content(api, media_types, caption) {
  const nodes = [];
  for (const [type, media] of Object.entries(media_types || {})) {
    nodes.push(make("p", [`${caption}: `, make("code", type), ` ${type_of(api, media.schema)}`]));
    const schema = resolve(api, media.schema);
    if (schema && schema.description) nodes.push(prose(schema.description));
    for (const example of examples(media)) nodes.push(make("pre", make("code", JSON.stringify(example, null, 2)), { tabindex: "0" }));
  }
  return nodes;
}

function operation(api, method, path, detail) {
  const node = make("details", make("summary", [make("span", method.toUpperCase(), { class: `method ${method}` }), make("code", path), ` ${detail.summary}`]),
    { class: "endpoint", id: detail.operationId });
  if (detail.description) node.append(prose(detail.description));
  const parameters = (detail.parameters || []).map((parameter) => resolve(api, parameter));
  if (parameters.length > 0) {
    node.append(table("Parameters", ["Name", "In", "Type", "Meaning"], parameters.map((parameter) => [
      make("code", parameter.name), parameter.in, type_of(api, parameter.schema), words(parameter.description)])));
  }
  if (detail.requestBody) node.append(...content(api, detail.requestBody.content, "Body"));
  const replies = Object.entries(detail.responses).map(([status, reply]) => [status, resolve(api, reply)]);
  node.append(table("Replies", ["Status", "Meaning", "Content"], replies.map(([status, reply]) => [
    status, words(reply.description), Object.keys(reply.content || {}).join(", ")])));
  for (const [status, reply] of replies) if (status < 300) node.append(...content(api, reply.content, `Reply ${status}`));
  return node;
}

function render(api) {
  document.getElementById("about").replaceWith(prose(api.info.description));
  const target = document.getElementById("endpoints");
  for (const tag of api.tags) {
    target.append(make("h2", tag.name), make("p", tag.description));
    for (const [path, item] of Object.entries(api.paths)) {
      for (const method of ["get", "post"]) {
        if (item[method] && item[method].tags.includes(tag.name)) target.append(operation(api, method, path, item[method]));
      }
    }
  }
  target.append(make("h2", "Objects"));
  for (const [name, schema] of Object.entries(api.components.schemas)) {
    if (!schema.properties) continue;
    const node = make("details", make("summary", make("code", name)), { class: "endpoint", id: `schema-${name}` });
    if (schema.description) node.append(prose(schema.description));
    node.append(properties(api, schema, "Members"));
    target.append(node);
  }
}

fetch("/openapi.json").then((response) => {
  if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
  return response.json();
}).then(render).catch((error) => {
  const node = document.getElementById("error");
  node.textContent = `The document can't be read: ${error.message}`;
  node.hidden = false;
});
