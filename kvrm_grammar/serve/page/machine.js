// A run, step by step: registers, flags, and which line is next.

import { element } from "./elements.js";

const part = (name) => document.getElementById(name);

let states = [];
let choose = () => {};

export function hideRun() {
  part("machine").hidden = true;
}

export function showRun(run, onLine) {
  choose = onLine;
  states = run.start ? statesOf(run) : [];
  part("machine").hidden = false;
  part("cycle").max = Math.max(0, states.length - 1);
  const left = run.cycles - run.steps.length;
  const notes = run.error ? [run.error.message] : [];
  if (left > 0) notes.push(`${left} more steps are not listed`);
  part("ending").textContent = notes.join("; ");
  show(0);
}

function statesOf(run) {
  const found = [{ ...run.start, changed: {}, line: null }];
  for (const step of run.steps) {
    const before = found[found.length - 1];
    found.push({
      registers: { ...before.registers, ...step.changed },
      flags: step.flags,
      counter: step.counter,
      changed: step.changed,
      line: step.line,
    });
  }
  const last = found[found.length - 1];
  last.halted = run.end.halted && run.steps.length === run.cycles;
  return found;
}

function show(cycle) {
  const state = states[cycle];
  for (const name of ["first", "back"]) part(name).disabled = !state || cycle === 0;
  for (const name of ["step", "last"]) part(name).disabled = !state || cycle >= states.length - 1;
  part("cycle").value = cycle;
  part("cycle").disabled = states.length < 2;
  part("cycle-label").textContent = state ? `Step ${cycle} of ${states.length - 1}` : "Nothing was run.";
  part("counter").textContent = !state ? "" : state.halted
    ? `Stopped at address ${state.counter}.` : `Next: address ${state.counter}.`;
  part("registers").replaceChildren(...(state ? boxes(state) : []));
  choose(state && !state.halted ? state.counter : null);
}

function boxes(state) {
  const all = [...Object.entries(state.registers), ...Object.entries(state.flags)];
  return all.map(([name, value]) => element("span",
    { class: name in state.changed ? "register changed" : "register" }, `${name} ${value}`));
}

export function startMachine() {
  const now = () => Number(part("cycle").value);
  part("first").addEventListener("click", () => show(0));
  part("back").addEventListener("click", () => show(Math.max(0, now() - 1)));
  part("step").addEventListener("click", () => show(Math.min(states.length - 1, now() + 1)));
  part("last").addEventListener("click", () => show(states.length - 1));
  part("cycle").addEventListener("input", () => show(now()));
}
