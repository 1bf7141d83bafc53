// The page: lines or a program in, rows of results out.

import { ask, useKey } from "./api.js";
import { details } from "./details.js";
import { element, operation, percent } from "./elements.js";
import { hideRun, showRun, startMachine } from "./machine.js";

const AT_A_TIME = 32;
const part = (name) => document.getElementById(name);

let models = [];
let asked = 0; // a newer request makes the answers of an older one void

function model() {
  return models.find((one) => one.id === part("model").value);
}

function kind() {
  return document.querySelector("input[name=kind]:checked").value;
}

function tell(message) {
  part("message").textContent = message;
}

async function connect() {
  try {
    models = (await ask("/v1/models")).data;
    part("key-form").hidden = true;
    part("model").replaceChildren(...models.map((one) => element("option", { value: one.id }, one.id)));
    await waitUntilReady();
  } catch (error) {
    part("status").textContent = error.message;
    part("key-form").hidden = error.status !== 401;
    if (error.status === 401) part("key").focus();
  }
}

async function waitUntilReady() {
  for (;;) {
    const { status, version } = await ask("/health");
    part("status").textContent = status === "ok" ? `ready, version ${version}` : "the models are being loaded…";
    if (status === "ok") return;
    await new Promise((done) => setTimeout(done, 500));
  }
}

async function decode(runs) {
  const mine = ++asked;
  tell("");
  hideRun();
  part("results").replaceChildren();
  part("summary").textContent = "Decoding…";
  const rows = [];
  try {
    if (kind() === "program") await decodeProgram(runs, mine, rows);
    else await decodeLines(mine, rows);
  } catch (error) {
    if (mine === asked) tell(error.message);
  }
  if (mine === asked) summarise(rows);
}

async function decodeLines(mine, rows) {
  const lines = part("source").value.split(/\r\n|\r|\n/)
    .map((raw, place) => ({ raw, line: place + 1 })).filter((one) => one.raw.trim() !== "");
  for (let start = 0; start < lines.length && mine === asked; start += AT_A_TIME) {
    const some = lines.slice(start, start + AT_A_TIME);
    const found = await ask("/v1/decode", {
      texts: some.map((one) => one.raw),
      dialect: model().dialect,
      min_confidence: Number(part("threshold").value),
    });
    if (mine === asked) add(found.results.map((row, place) => ({ ...row, line: some[place].line })), rows);
  }
}

async function decodeProgram(runs, mine, rows) {
  const found = await ask("/v1/programs", {
    source: part("source").value,
    dialect: model().dialect,
    min_confidence: Number(part("threshold").value),
    run: runs,
    registers: runs ? registers() : {},
  });
  if (mine !== asked) return;
  add(found.instructions, rows);
  if (found.run) showRun(found.run, (address) => mark(rows, address));
}

function registers() {
  const found = {};
  for (const setting of part("start").value.split(",").filter((one) => one.trim() !== "")) {
    const [name, number] = setting.split("=").map((one) => one.trim());
    const negative = number?.startsWith("-");
    const value = Number(negative ? number.slice(1) : number || "none");
    if (!Number.isInteger(value)) throw new Error(`${setting.trim()}: give a register and an integer, name=number`);
    found[name] = negative ? -value : value;
  }
  return found;
}

function add(found, rows) {
  for (const row of found) {
    rows.push(row);
    part("results").append(item(row));
  }
}

function summarise(rows) {
  const good = rows.filter((row) => row.ok).length;
  part("summary").textContent = rows.length === 0 ? "Nothing decoded."
    : `${good} of ${rows.length} decoded, ${rows.length - good} refused.`;
}

function mark(rows, address) {
  [...part("results").children].forEach((one, place) => {
    const here = address !== null && rows[place].address === address;
    one.classList.toggle("current", here);
    if (here) one.setAttribute("aria-current", "step");
    else one.removeAttribute("aria-current");
    if (here) one.scrollIntoView({ block: "nearest" });
  });
}

function item(row) {
  const answer = row.ok ? element("span", { class: "answer" }, operation(row))
    : element("span", { class: "answer reason" }, row.error ? row.error.message : `refused: ${row.reason}`);
  const number = row.address === undefined ? row.line : `${row.address}:`;
  const button = element("button", { type: "button", class: "row", "aria-expanded": "false" },
    element("span", { class: "number" }, String(number)),
    element("span", { class: "text" }, row.raw), answer,
    element("span", { class: "sure", title: "confidence" }, percent(row.confidence)));
  const own = element("li", {}, button);
  const asks = model();
  button.addEventListener("click", () => toggle(own, button, row, asks));
  return own;
}

async function toggle(own, button, row, asks) {
  const open = button.getAttribute("aria-expanded") === "true";
  button.setAttribute("aria-expanded", String(!open));
  const known = own.querySelector(".details");
  if (known) {
    known.hidden = open;
    return;
  }
  const place = element("div", { class: "details" }, "Weighing all answers…");
  own.append(place);
  try {
    place.replaceChildren(...await details(row, asks));
  } catch (error) {
    place.remove();
    button.setAttribute("aria-expanded", "false");
    tell(error.message);
  }
}

function moveFocus(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || !event.target.classList.contains("row")) return;
  const all = [...document.querySelectorAll("#results .row")];
  const next = all[all.indexOf(event.target) + step];
  if (next) {
    event.preventDefault();
    next.focus();
  }
}

function kindChanged() {
  part("run").hidden = kind() !== "program";
  part("start-label").hidden = kind() !== "program";
  part("sample").hidden = kind() === "program";
}

async function sample() {
  try {
    const found = await ask(`/v1/models/${encodeURIComponent(model().id)}`);
    part("source").value = found.samples.join("\n");
    part("source").focus();
  } catch (error) {
    tell(error.message);
  }
}

part("form").addEventListener("submit", (event) => {
  event.preventDefault();
  decode(false);
});
part("run").addEventListener("click", () => decode(true));
part("sample").addEventListener("click", sample);
part("results").addEventListener("keydown", moveFocus);
part("source").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    decode(event.shiftKey && kind() === "program");
  }
});
for (const one of document.querySelectorAll("input[name=kind]")) one.addEventListener("change", kindChanged);
part("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  useKey(part("key").value);
  connect();
});
startMachine();
kindChanged();
connect();
