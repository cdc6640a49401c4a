// Asks the operators' API of the same host and shows its figures. The token comes from the
// address's fragment (which no server ever sees) or from the form, and stays in this tab.
"use strict";

const POLL_MS = 2000;
const EXCEPTIONS_SHOWN = 50;
const TOKEN = "storekeep-relay-token";
const byId = (id) => document.getElementById(id);

function takeTokenFromAddress() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given) {
    sessionStorage.setItem(TOKEN, given);
    history.replaceState(null, "", location.pathname);
  }
}

async function fetched(path) {
  const token = sessionStorage.getItem(TOKEN) || "";
  const answer = await fetch(path, { headers: { authorization: `Bearer ${token}` } });
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({}));
  const error = new Error(`${problem.code || answer.status}: ${problem.detail || answer.statusText}`);
  error.isRefused = answer.status === 401;
  throw error;
}

async function ask(path) {
  return (await fetched(path)).json();
}

function clock(time, now) {
  const at = new Date(time);
  const sameDay = at.toDateString() === new Date(now).toDateString();
  const hours = at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  return sameDay ? hours : `${at.toLocaleDateString()} ${hours}`;
}

function age(time, now) {
  const minutes = Math.max(0, Math.floor((new Date(now) - new Date(time)) / 60000));
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 2880) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return `${Math.floor(minutes / 1440)} days`;
}

// Money travels as whole minor units; its currency says how many make one.
function money({ minor, currency }) {
  const form = new Intl.NumberFormat([], { style: "currency", currency });
  return form.format(minor / 10 ** form.resolvedOptions().maximumFractionDigits);
}

const sums = (amounts) => (amounts.length ? amounts.map(money).join(", ") : "no amount");

function cell(text, look) {
  const td = document.createElement("td");
  td.textContent = text;
  if (look) td.className = look;
  return td;
}

function fill(table, rows, nothing) {
  const body = table.querySelector("tbody");
  const lines = rows.map((cells) => {
    const tr = document.createElement("tr");
    tr.append(...cells);
    return tr;
  });
  if (!lines.length) {
    const tr = document.createElement("tr");
    const td = cell(nothing, "quiet");
    td.colSpan = table.querySelectorAll("th").length;
    tr.append(td);
    lines.push(tr);
  }
  body.replaceChildren(...lines);
}

function known(store, now) {
  switch (store.hearing) {
    case "level": return ["everything is here", "good"];
    case "sending": return ["still sending", "warn"];
    case "held": return ["a device has to be released", "bad"];
    case "never": return ["enrolled, never heard of", "quiet"];
    default:
      return store.heardAt
        ? [`unknown since ${clock(store.heardAt, now)}`, "warn"]
        : ["unknown: a device was never heard of", "warn"];
  }
}

function device(found, now) {
  const heard = found.seenAt ? `last heard ${clock(found.seenAt, now)}` : "never heard";
  const state = found.state.state === "held" ? `held (${found.state.reason})` : found.state.state;
  return `${found.device}: ${state}, ${heard}, ${found.agentVersion}`;
}

function showStatus(status) {
  const { now } = status;
  byId("sentence").textContent = status.sentence;
  byId("clock").textContent = `as of ${clock(now, now)}`;
  const least = status.isComplete ? "" : "at least ";
  const count = status.exceptions.reduce((sum, row) => sum + row.count, 0);
  byId("at-risk").textContent = count
    ? `${least}${count} ${count === 1 ? "document" : "documents"}, ${least}${sums(status.atRisk)} at risk: ` +
      status.exceptions.map((row) => `${row.count} ${row.class.replaceAll("_", " ")} (${row.code})`).join(", ")
    : "";
  fill(byId("targets"), status.targets.map((target) => [
    cell(target.target),
    cell(target.done),
    cell(target.waiting),
    cell(target.oldestAt ? age(target.oldestAt, now) : "–", target.oldestAt ? "" : "quiet"),
    cell(target.exceptions, target.exceptions ? "bad" : "quiet"),
    target.pausedUntil
      ? cell(`takes nothing, tried again ${clock(target.pausedUntil, now)}: ${target.pausedBecause}`, "bad")
      : cell("open", "good"),
  ]), "Nothing has been on its way to a target yet.");
  offerStores(status.stores.map((store) => store.store));
  fill(byId("stores"), status.stores.map((store) => [
    cell(store.store),
    cell(...known(store, now)),
    cell(store.entries),
    cell(store.waiting),
    cell(store.exceptions, store.exceptions ? "bad" : "quiet"),
    cell(store.devices.map((found) => device(found, now)).join("; "), "quiet"),
  ]), "No device is enrolled. Next: storekeep-relay token create");
}

function showExceptions(page, now) {
  fill(byId("exceptions"), page.exceptions.map((found) => [
    cell(`${found.class.replaceAll("_", " ")} (${found.code})`),
    cell(found.amount ? money(found.amount) : "–"),
    cell(`${age(found.since, now)}`),
    cell(`${found.store} → ${found.target}`),
    cell(`${found.reason}. ${found.naturalKey}. Next: ${found.next}`),
  ]), "Nothing needs a person.");
}

// Offered once; a list that is made anew while somebody types would close under their hands.
function offerStores(names) {
  const list = byId("books-stores");
  if (list.children.length === names.length) return;
  list.replaceChildren(...names.map((name) => {
    const option = document.createElement("option");
    option.value = name;
    return option;
  }));
}

function booksPath(format) {
  const query = new URLSearchParams({
    store: byId("books-store").value.trim(),
    date: byId("books-date").value,
    readBack: byId("books-targets").checked,
    format,
  });
  return `/api/v1/books?${query}`;
}

// What has to be acted on; the kinds are the relay's own words.
const TO_KNOW = new Set(["on_its_way", "pending_numbers", "number_twice", "supplement", "suspended", "settled"]);

function showBooks(report) {
  const open = report.findings.filter((found) => !TO_KNOW.has(found.kind));
  const many = open.length === 1 ? "1 difference" : `${open.length || "No"} difference${open.length ? "s" : ""}`;
  byId("books-verdict").textContent =
    `${many}. The day is ${report.closed.replaceAll("_", " ")}; agents: ${report.agent.words}.`;
  fill(byId("books-findings"), report.findings.map((found) => [
    cell(found.kind.replaceAll("_", " "), TO_KNOW.has(found.kind) ? "quiet" : "bad"),
    cell(found.register || ""),
    cell(found.receipt || ""),
    cell(found.target || ""),
    cell(found.amount ? money(found.amount) : ""),
    cell(found.text),
  ]), "Nothing to tell.");
  const columns = byId("books-columns");
  const heads = ["Register", "POS (Z)", "Agent", "Relay", ...report.targets.map((it) => it.target)];
  columns.querySelector("thead tr").replaceChildren(...heads.map((text) => {
    const th = document.createElement("th");
    th.textContent = text;
    return th;
  }));
  const held = (column) => `${money(column.amount)} (${column.count})`;
  fill(columns, report.registers.map((register) => {
    const relay = register.relay.map(held).join(", ");
    const targets = report.targets.map(({ target, read }) => {
      const own = register.targets[target] || [];
      const shown = own.map((it) => {
        const difference = { minor: it.difference, currency: it.stands.amount.currency };
        const differs = it.difference ? `, ${money(difference)} missing` : "";
        return held(it.stands) + differs;
      });
      if (read === "not_asked") return cell("not asked", "quiet");
      return read.failed ? cell("no answer", "bad") : cell(shown.join(", ") || "nothing");
    });
    return [
      cell(register.register),
      cell(register.pos.map(held).join(", ") || "no Z"),
      cell(report.agent.isLevel ? relay : "unknown"),
      cell(relay),
      ...targets,
    ];
  }), "No register.");
  byId("books-findings").hidden = false;
  columns.hidden = false;
}

async function withBooks(act) {
  const form = byId("books");
  if (!form.reportValidity()) return;
  byId("books-verdict").textContent = "Asking…";
  try {
    await act();
  } catch (error) {
    byId("books-verdict").textContent = error.message;
  }
}

// A page with a style of its own is saved and opened from there: this page's policy allows no other.
function save(format) {
  return withBooks(async () => {
    const answer = await fetched(booksPath(format));
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await answer.blob());
    link.download = `books-${byId("books-store").value.trim()}-${byId("books-date").value}.${format}`;
    link.click();
    URL.revokeObjectURL(link.href);
    byId("books-verdict").textContent = `Saved as ${link.download}.`;
  });
}

function show(part) {
  byId("sign-in").hidden = part !== "sign-in";
  byId("figures").hidden = part !== "figures";
}

async function look() {
  const trouble = byId("trouble");
  try {
    const [status, page] = await Promise.all([
      ask("/api/v1/status"),
      ask(`/api/v1/exceptions?limit=${EXCEPTIONS_SHOWN}`),
    ]);
    showStatus(status);
    showExceptions(page, status.now);
    show("figures");
    trouble.hidden = true;
  } catch (error) {
    const isSilent = error.isRefused && !sessionStorage.getItem(TOKEN);
    trouble.hidden = Boolean(isSilent);
    if (error.isRefused) {
      sessionStorage.removeItem(TOKEN);
      byId("sentence").textContent = "The figures are shown to whoever has the operators' token.";
      trouble.textContent = `Refused: ${error.message}`;
      show("sign-in");
      return;
    }
    // Figures that are no longer true are marked as such rather than left standing.
    trouble.textContent = `The relay does not answer (${error.message}). What stands below is as it last said.`;
  }
  setTimeout(look, POLL_MS);
}

byId("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem(TOKEN, byId("token").value.trim());
  byId("token").value = "";
  look();
});

byId("books").addEventListener("submit", (event) => {
  event.preventDefault();
  withBooks(async () => showBooks(await ask(booksPath("json"))));
});
byId("books-page").addEventListener("click", () => save("html"));
byId("books-table").addEventListener("click", () => save("csv"));
byId("books-date").value = new Date().toISOString().slice(0, 10);

takeTokenFromAddress();
look();
