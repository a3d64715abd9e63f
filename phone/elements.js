/** Making elements. Content only ever becomes text nodes, so whatever a person or a bot writes stays text. */

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {{ className?: string, text?: string, [attribute: string]: string | undefined }} [options]
 * @param {(Node | string)[]} [children]
 * @returns {HTMLElementTagNameMap[K]}
 */
export function make(tag, { className, text, ...attributes } = {}, children = []) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/**
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`index.html has no element "${id}".`);
  return element;
}

/** @type {Record<string, { box: string, paths: string[] }>} */
const drawings = {
  clock: {
    box: '0 0 16 16',
    paths: ['M8 1.75a6.25 6.25 0 1 0 0 12.5 6.25 6.25 0 0 0 0-12.5z', 'M8 4.5V8l2.3 1.5'],
  },
  sent: { box: '0 0 16 16', paths: ['m3 8.5 3.2 3.5L13 4.5'] },
  delivered: { box: '0 0 18 16', paths: ['m1.5 8.5 3.2 3.5 6.8-7.5', 'm7.7 10 1.8 2 6.8-7.5'] },
  read: { box: '0 0 18 16', paths: ['m1.5 8.5 3.2 3.5 6.8-7.5', 'm7.7 10 1.8 2 6.8-7.5'] },
  failed: {
    box: '0 0 16 16',
    paths: ['M8 1.75a6.25 6.25 0 1 0 0 12.5 6.25 6.25 0 0 0 0-12.5z', 'M8 4.5v4', 'M8 11v.2'],
  },
  send: {
    box: '0 0 24 24',
    paths: ['M4.5 12h7', 'M4.5 12 3 4.6a.7.7 0 0 1 1-.8l16.6 7.6a.7.7 0 0 1 0 1.2L4 20.2a.7.7 0 0 1-1-.8z'],
  },
  down: { box: '0 0 16 16', paths: ['M8 3v9', 'm4 8.5 4 4 4-4'] },
};

/** @param {string} name */
export function drawing(name) {
  const { box, paths } = drawings[name] ?? { box: '0 0 16 16', paths: [] };
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('viewBox', box);
  svg.setAttribute('aria-hidden', 'true');
  for (const d of paths) {
    const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
    path.setAttribute('d', d);
    svg.append(path);
  }
  return svg;
}
