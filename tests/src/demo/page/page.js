// Shows the demo's state, once a second, and sends what the buttons say.
"use strict";

const byId = (id) => document.getElementById(id);
const whole = (number) => Number(number).toLocaleString("en-GB");

function text(id, value) {
  byId(id).textContent = value;
}

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function pill(state) {
  const kinds = { online: "", running: "", offline: "warn", starting: "warn", down: "bad", cut: "bad" };
  return element("span", { class: `pill ${kinds[state] ?? "warn"}` }, state);
}

function link(words, address) {
  return element("a", { href: address, target: "_blank", rel: "noreferrer" }, words);
}

function store(row, most) {
  const share = most === 0 ? 0 : Math.min(100, (100 * row.unsent) / most);
  const bar = element("i", {});
  bar.style.width = `${share}%`;
  return element("div", { class: "store" },
    element("h3", {}, link(`Store ${row.store}`, row.page), pill(row.state)),
    element("p", {}, row.sentence),
    element("div", { class: "bar", title: `${row.unsent} wait on this machine` }, bar));
}

function list(box, entries) {
  const dl = box.querySelector("dl");
  dl.replaceChildren(...entries.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, String(value))]));
}

function verdict(id, count) {
  const place = byId(id);
  place.textContent = whole(count);
  place.className = count === 0 ? "zero" : "some";
}

function path(points, width, height, most, span) {
  return points.map(([at, value], index) => {
    const x = 40 + (width - 50) * (at / span);
    const y = height - 24 - (height - 40) * (value / most);
    return `${index === 0 ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`;
  }).join(" ");
}

function svg(name, attributes, content) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (content !== undefined) made.textContent = content;
  return made;
}

function chart(history) {
  const place = byId("chart");
  if (history.length < 2) return;
  const first = history[0].second;
  const span = Math.max(10, history[history.length - 1].second - first);
  const most = Math.max(10, ...history.map((point) => point.captured));
  const parts = [];
  for (const share of [0, 0.5, 1]) {
    const y = 220 - 24 - (220 - 40) * share;
    parts.push(svg("line", { x1: 40, x2: 950, y1: y, y2: y }));
    parts.push(svg("text", { x: 34, y: y + 4, "text-anchor": "end" }, whole(Math.round(most * share))));
  }
  parts.push(svg("text", { x: 40, y: 214 }, `${first} s`));
  parts.push(svg("text", { x: 950, y: 214, "text-anchor": "end" }, `${first + span} s`));
  for (const field of ["captured", "relayed", "standing", "invoiced"]) {
    const points = history.map((point) => [point.second - first, point[field]]);
    parts.push(svg("path", { d: path(points, 960, 220, most, span), class: field }));
  }
  place.replaceChildren(...parts);
}

function buttons(actions) {
  const place = byId("buttons");
  place.replaceChildren(...actions.map((action) => {
    const made = element("button", { type: "button", class: action.on ? "on" : "" },
      element("b", {}, action.title), element("span", {}, action.explains));
    made.addEventListener("click", () => send(action.name));
    return made;
  }));
}

async function send(name) {
  const answer = await fetch(`/actions/${name}`, { method: "POST" });
  text("said", await answer.text());
  await show();
}

function exceptions(rows, command) {
  byId("exceptions-section").hidden = rows.length === 0;
  byId("exceptions").tBodies[0].replaceChildren(...rows.map((row) => element("tr", {},
    ...[row.target, row.store, row.receipt, row.reason, row.amount, row.age].map((cell) => element("td", {}, cell)))));
  text("exceptions-command", command);
}

async function show() {
  const state = await (await fetch("/state")).json();
  text("sentence", state.sentence);
  text("captured", whole(state.captured));
  text("standing", whole(state.standing));
  text("invoiced", whole(state.invoiced));
  text("waiting", whole(state.waiting));
  verdict("lost", state.lost);
  verdict("duplicated", state.duplicated);
  const most = Math.max(20, ...state.stores.map((row) => row.unsent));
  byId("stores").replaceChildren(...state.stores.map((row) => store(row, most)));
  byId("hop-line").className = `hop ${state.line}`;
  byId("hop-shop").className = `hop ${state.api}`;
  byId("relay").querySelector("h2").replaceChildren(link("Relay", state.console));
  byId("relay").querySelector(".state").replaceChildren(pill(state.relay.state));
  list(byId("relay"), state.relay.figures);
  byId("shopify").querySelector(".state").replaceChildren(pill(state.shopify.state));
  list(byId("shopify"), state.shopify.figures);
  byId("erpnext").querySelector(".state").replaceChildren(pill(state.erpnext.state));
  list(byId("erpnext"), state.erpnext.figures);
  chart(state.history);
  exceptions(state.exceptions, state.exceptionsCommand);
  text("curl-store", state.curl.store);
  text("curl", state.curl.post);
  text("follow", state.curl.follow);
  const key = JSON.stringify(state.actions);
  if (show.actions !== key) {
    show.actions = key;
    buttons(state.actions);
  }
}

async function loop() {
  try {
    await show();
  } catch (error) {
    text("sentence", "The demo has stopped. Start it again with: cargo demo");
  }
  setTimeout(loop, 1000);
}

loop();
