// Making elements. Texts of people are only ever text, never markup.

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

export function percent(share) {
  if (share === null || share === undefined) return "–";
  return share > 0.9999 && share < 1 ? ">99.99 %" : `${(100 * share).toFixed(2)} %`;
}

export function operation(row) {
  const params = Object.entries(row.params ?? {}).map(([name, value]) => `${name}=${value}`);
  return [row.key, ...params].join("  ");
}
