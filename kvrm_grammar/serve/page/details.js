// What is known of one line: the JSON, the marginals of each field as bars, the alternatives.

import { ask } from "./api.js";
import { element, operation, percent } from "./elements.js";

const ALTERNATIVES = 5;

export async function details(row, model) {
  const found = await ask("/v1/decode", {
    texts: [row.raw],
    dialect: model.dialect,
    alternatives: ALTERNATIVES,
    posterior: true,
  });
  const [known] = found.results;
  const parts = [];
  if (row.reason) parts.push(element("p", { class: "reason" }, `Refused: ${row.reason}`));
  if (row.key) {
    const json = JSON.stringify({ key: row.key, params: row.params });
    parts.push(element("h3", {}, "Answer"), element("code", { class: "text" }, json));
  }
  if (known.posterior_error) {
    parts.push(element("p", { class: "reason" }, known.posterior_error.message));
  }
  if (known.posterior) {
    const count = known.posterior.answers;
    parts.push(element("p", { class: "hint" },
      `Its own words allow ${count} ${count === 1 ? "answer" : "answers"}; exact probabilities of all.`));
    for (const [field, own] of Object.entries(known.posterior.fields)) {
      parts.push(element("h3", {}, field), ...bars(Object.entries(own)));
    }
    parts.push(element("h3", {}, "Alternatives"));
    parts.push(...bars(known.alternatives.map((one) => [operation(one), one.probability])));
  }
  if (known.error) parts.push(element("p", { class: "reason" }, known.error.message));
  return parts;
}

function bars(pairs) {
  return pairs.slice(0, 8).map(([name, share]) => {
    const fill = element("span");
    fill.style.width = `${100 * share}%`;
    return element("div", { class: "marginal" },
      element("span", {}, name),
      element("span", { class: "bar", "aria-hidden": "true" }, fill),
      element("span", { class: "share" }, percent(share)));
  });
}
