// What the theme's own drawing of diagrams lacks.
// A small one stands in the middle; on a phone a wide one scrolls rather than shrinking until
// nobody can read it; arrowheads of sequences have the colour of their lines, also in the dark.
const placed = width => `min-width: min(${0.75 * width}px, 32rem); display: block; margin: auto`
const ARROWHEADS = `<style>[id$="-arrowhead"] path {
  fill: var(--md-mermaid-sequence-message-line-color) !important;
  stroke: none !important;
}</style>`
const render = mermaid.render
mermaid.render = async (...given) => {
  const drawn = await render(...given)
  drawn.svg = drawn.svg
    .replace(/max-width: ([\d.]+)px/, (it, width) => `${it}; ${placed(width)}`)
    .replace(/<\/svg>\s*$/, `${ARROWHEADS}</svg>`)
  return drawn
}
