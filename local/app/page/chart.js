// Price, planned power and actual power over one evening and night, as SVG: two panels on one axis of time.

const NS = "http://www.w3.org/2000/svg";
const HOUR = 3600e3;
const TOP = { y: 24, height: 110 };
const BELOW = { y: 160, height: 120 };
const LEFT = 34, RIGHT = 8, BOTTOM = 22;
const HEIGHT = BELOW.y + BELOW.height + BOTTOM;

/** Times are those of the driver's place, wherever the browser is. */
const TIME = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: "Europe/Berlin" });
export const clock = (at) => TIME.format(typeof at === "string" ? Date.parse(at) : at);
const ms = (text) => Date.parse(text);

function element(name, attributes = {}, text) {
  const made = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

/** The time that is shown: from a little before the car came until a little after it leaves. */
export function span(state) {
  const now = ms(state.now), session = state.session, plan = session?.plan;
  const start = Math.min(session ? ms(session.start_at) : now, now) - HOUR;
  const end = Math.max(plan?.departure_at ? ms(plan.departure_at) + HOUR : 0, start + 14 * HOUR);
  return [start, Math.min(end, start + 30 * HOUR)];
}

/** Power at a moment in blocks of {start_at, end_at, power_w}; null outside of them. */
function powerAt(blocks, at) {
  const block = blocks.find((each) => ms(each.start_at) <= at && at < ms(each.end_at));
  return block ? block.power_w : null;
}

export function draw(place, state) {
  const width = Math.max(300, Math.min(place.clientWidth || 640, 760));
  const [start, end] = span(state);
  const x = (at) => LEFT + ((at - start) / (end - start)) * (width - LEFT - RIGHT);
  const inside = (at) => Math.min(Math.max(at, start), end);
  const blocks = state.session?.plan?.blocks ?? [];
  const drawn = state.drawn.filter((each) => ms(each.end_at) > start);
  const step = state.prices.length > 1 ? ms(state.prices[1].at) - ms(state.prices[0].at) : HOUR;
  const prices = state.prices
    .map((each) => ({ from: ms(each.at), to: ms(each.at) + step, ct: each.eur_per_kwh * 100 }))
    .filter((each) => each.to > start && each.from < end);
  const most = Math.max(10, ...prices.map((each) => each.ct)), least = Math.min(0, ...prices.map((each) => each.ct));
  const top = (ct) => TOP.y + TOP.height * (1 - (ct - least) / (most - least));
  const kw = Math.max(11.1, ...blocks.map((each) => each.power_w / 1000), ...drawn.map((each) => each.power_w / 1000));
  const below = (watts) => BELOW.y + BELOW.height * (1 - watts / 1000 / (kw * 1.05));

  const svg = element("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-labelledby": "reason" });
  axes(svg, { width, start, end, x, top, below, most, kw });
  for (const each of prices) {
    const [from, to] = [x(inside(each.from)), x(inside(each.to))];
    const charging = (powerAt(blocks, (each.from + each.to) / 2) ?? 0) > 0;
    const [upper, lower] = [Math.min(top(each.ct), top(0)), Math.max(top(each.ct), top(0))];
    svg.append(element("rect", { class: charging ? "bar cheap" : "bar", x: from, y: upper,
      width: Math.max(to - from - (to - from > 4 ? 1.5 : 0.4), 0.5), height: Math.max(lower - upper, 1), rx: to - from > 6 ? 1.5 : 0 }));
  }
  for (const each of blocks) {
    if (each.power_w <= 0 || ms(each.end_at) < start) continue;
    const [from, to] = [x(inside(ms(each.start_at))), x(inside(ms(each.end_at)))];
    svg.append(element("rect", { class: "planned", x: from, y: below(each.power_w), width: Math.max(to - from, 0.5), height: below(0) - below(each.power_w) }));
  }
  if (drawn.length) {
    const path = drawn.map((each, number) => {
      const [from, to, y] = [x(inside(ms(each.start_at))), x(inside(ms(each.end_at))), below(each.power_w)];
      return `${number ? "L" : "M"}${from.toFixed(1)} ${y.toFixed(1)}L${to.toFixed(1)} ${y.toFixed(1)}`;
    });
    const ground = `${x(inside(ms(drawn[0].start_at))).toFixed(1)} ${below(0).toFixed(1)}`;
    svg.append(element("path", { class: "drawn", d: `M${ground}${path.join("").replace("M", "L")}` }));
  }
  const departure = state.session?.plan?.departure_at;
  if (departure && ms(departure) <= end) line(svg, x(ms(departure)), "leave", `leaves ${clock(ms(departure))}`, width);
  line(svg, x(ms(state.now)), "here", "now", width);
  pointer(svg, { width, start, end, x, prices, blocks, drawn });
  place.replaceChildren(svg);
}

function axes(svg, { width, start, end, x, top, below, most, kw }) {
  const hours = (end - start) / HOUR, every = (hours > 16 ? 4 : width < 420 ? 3 : 2) * HOUR;
  for (const [level, y] of [[0, top(0)], [most, top(most)]]) {
    svg.append(element("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: y, y2: y }));
    svg.append(element("text", { x: LEFT - 6, y: y + 4, "text-anchor": "end" }, level ? level.toFixed(0) : "0"));
  }
  for (const level of [0, Math.floor(kw)]) {
    const y = below(level * 1000);
    svg.append(element("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: y, y2: y }));
    svg.append(element("text", { x: LEFT - 6, y: y + 4, "text-anchor": "end" }, level));
  }
  svg.append(element("text", { x: 0, y: TOP.y - 8 }, "ct/kWh"), element("text", { x: 0, y: BELOW.y - 4 }, "kW"));
  // Whole hours of the place: all zones of our market are whole hours away from UTC.
  for (let at = Math.ceil(start / HOUR) * HOUR; at < end; at += HOUR) {
    if (Number(clock(at).slice(0, 2)) % (every / HOUR)) continue;
    const place = x(at);
    if (place > width - 30) continue;
    svg.append(element("text", { x: place, y: HEIGHT - 6, "text-anchor": "middle" }, clock(at)));
  }
}

function line(svg, place, kind, text, width) {
  svg.append(element("line", { class: kind, x1: place, x2: place, y1: TOP.y - 2, y2: BELOW.y + BELOW.height }));
  const anchor = place > width - 70 ? "end" : "start";
  svg.append(element("text", { class: `${kind}-text`, x: place + (anchor === "end" ? -5 : 5), y: TOP.y - 8, "text-anchor": anchor }, text));
}

/** What there is at the moment that is pointed to. */
function pointer(svg, { width, start, end, x, prices, blocks, drawn }) {
  const cursor = element("line", { class: "cursor", y1: TOP.y, y2: BELOW.y + BELOW.height, visibility: "hidden" });
  const tip = element("g", { class: "tip", visibility: "hidden" });
  svg.append(cursor, tip);
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect(), place = ((event.clientX - box.left) / box.width) * width;
    const at = start + ((place - LEFT) / (width - LEFT - RIGHT)) * (end - start);
    if (at < start || at > end) return;
    const price = prices.find((each) => each.from <= at && at < each.to);
    const watts = (value) => (value === null ? "–" : `${(value / 1000).toFixed(1)} kW`);
    const lines = [clock(at), price ? `${price.ct.toFixed(1)} ct/kWh` : "no price yet",
      `plan ${watts(powerAt(blocks, at))}`, `actual ${watts(powerAt(drawn, at))}`];
    const left = x(at) > width / 2 ? x(at) - 128 : x(at) + 8;
    tip.replaceChildren(element("rect", { x: left, y: TOP.y + 8, width: 120, height: 78, rx: 8 }),
      ...lines.map((text, number) => element("text", { x: left + 10, y: TOP.y + 27 + number * 17 }, text)));
    for (const each of [cursor, tip]) each.setAttribute("visibility", "visible");
    cursor.setAttribute("x1", x(at)); cursor.setAttribute("x2", x(at));
  });
  svg.addEventListener("pointerleave", () => [cursor, tip].forEach((each) => each.setAttribute("visibility", "hidden")));
}
