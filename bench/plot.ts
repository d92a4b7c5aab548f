import type { Spread } from './statistics.ts';

const WIDTH = 880;
const HEIGHT = 360;
const MARGIN = { left: 64, right: 16, top: 56, bottom: 64 };
/** Colours that people with colour blindness can distinguish (Okabe and Ito). */
const COLOURS = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#d55e00', '#56b4e9', '#8a8a8a'];

/** Returns an SVG of bars in groups, one bar a series, with a whisker from the least to the most. */
export function barChart(
  title: string,
  unit: string,
  groups: readonly string[],
  series: readonly { name: string; values: readonly (Spread | undefined)[] }[],
): string {
  const top = nice(Math.max(...series.flatMap(({ values }) => values.map(value => value?.max ?? 0))));
  const y = (value: number) => HEIGHT - MARGIN.bottom - (value / top) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  const step = (WIDTH - MARGIN.left - MARGIN.right) / groups.length;
  const bar = (step * 0.8) / series.length;
  const marks = groups.flatMap((group, g) => {
    const left = MARGIN.left + g * step + step * 0.1;
    const label = text(left + step * 0.4, HEIGHT - MARGIN.bottom + 18, group, 'middle');
    return [
      label,
      ...series.flatMap(({ values }, s) => {
        const value = values[g];
        if (!value) return [];
        const x = left + s * bar;
        const middle = x + bar / 2;
        return [
          `<rect x="${n(x)}" y="${n(y(value.median))}" width="${n(bar * 0.9)}" height="${n(y(0) - y(value.median))}" fill="${COLOURS[s]}"/>`,
          `<path d="M${n(middle)} ${n(y(value.min))}V${n(y(value.max))}" stroke="#333"/>`,
          text(middle, y(value.max) - 4, short(value.median), 'middle', 10),
        ];
      }),
    ];
  });
  return frame(
    title,
    unit,
    top,
    y,
    series.map(({ name }) => name),
    marks,
  );
}

/** Returns an SVG with a line for each series. */
export function lineChart(
  title: string,
  unit: string,
  axis: string,
  series: readonly { name: string; points: readonly (readonly [number, number])[] }[],
): string {
  const all = series.flatMap(({ points }) => points);
  const right = Math.max(...all.map(([x]) => x)) || 1;
  const top = nice(Math.max(...all.map(([, value]) => value)));
  const x = (value: number) => MARGIN.left + (value / right) * (WIDTH - MARGIN.left - MARGIN.right);
  const y = (value: number) => HEIGHT - MARGIN.bottom - (value / top) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  const ticks = [0, 0.25, 0.5, 0.75, 1].map(part =>
    text(x(part * right), HEIGHT - MARGIN.bottom + 18, short(part * right), 'middle'),
  );
  const lines = series.map(({ points }, s) => {
    const path = points.map(([at, value]) => `${n(x(at))},${n(y(value))}`).join(' ');
    return `<polyline points="${path}" fill="none" stroke="${COLOURS[s]}" stroke-width="2"/>`;
  });
  const name = text((MARGIN.left + WIDTH - MARGIN.right) / 2, HEIGHT - MARGIN.bottom + 36, axis, 'middle');
  return frame(
    title,
    unit,
    top,
    y,
    series.map(one => one.name),
    [...ticks, ...lines, name],
  );
}

function frame(
  title: string,
  unit: string,
  top: number,
  y: (value: number) => number,
  names: readonly string[],
  marks: readonly string[],
): string {
  const grid = [0, 0.25, 0.5, 0.75, 1].flatMap(part => [
    `<path d="M${MARGIN.left} ${n(y(part * top))}H${WIDTH - MARGIN.right}" stroke="#ddd"/>`,
    text(MARGIN.left - 6, y(part * top) + 4, short(part * top), 'end'),
  ]);
  const legend = names.flatMap((name, i) => {
    const x = MARGIN.left + (i * (WIDTH - MARGIN.left)) / names.length;
    return [
      `<rect x="${n(x)}" y="${HEIGHT - 18}" width="10" height="10" fill="${COLOURS[i]}"/>`,
      text(x + 14, HEIGHT - 9, name),
    ];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    text(16, 24, title, 'start', 16),
    text(16, 42, unit),
    ...grid,
    ...marks,
    ...legend,
    '</svg>\n',
  ].join('\n');
}

function text(x: number, y: number, content: string, anchor = 'start', size = 12): string {
  const safe = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${n(x)}" y="${n(y)}" text-anchor="${anchor}" font-size="${size}" fill="#222">${safe}</text>`;
}

/** Returns the next round number above. */
function nice(value: number): number {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return power * ([1, 1.2, 1.6, 2, 2.4, 3.2, 4, 6, 8, 10].find(step => step * power >= value) ?? 10);
}

function n(value: number): string {
  return value.toFixed(1);
}

function short(value: number): string {
  return value >= 100 ? value.toFixed(0) : Number(value.toPrecision(3)).toString();
}
