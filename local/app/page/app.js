// The page: asks its own server every two seconds how things are, shows that, and sends what is pressed.

import { clock, draw } from "/chart.js";

const EVERY_MS = 2000;
const at = (id) => document.getElementById(id);
const STATES = {
  waiting_for_session: "Waiting for a car", charging: "Charging", suspended: "Plugged in, waiting",
  finished: "Car has left", offline: "Charger is offline", unknown: "State not known",
};
const CONNECTING = {
  CREATED: "Your page is ready: open it and type the code.", OPENED: "Type the code on the page that is open.",
  VALIDATING: "The code is being checked.", FAILED: "That did not work. Try again.",
  EXPIRED: "The link has expired. Begin again.", CANCELLED: "Cancelled.",
};
let shown = null, busy = 0;

async function ask(path, body) {
  const options = body === undefined ? {} : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const answer = await fetch(path, options), told = await answer.json();
  if (!answer.ok) throw new Error(told.detail ?? `HTTP ${answer.status}`);
  return told;
}

function say(id, text) {
  const place = at(id);
  if (place.textContent !== text) place.textContent = text;
}

function made(name, text, attributes = {}) {
  const element = document.createElement(name);
  if (text !== undefined) element.textContent = text;
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

function complain(error) {
  at("problem").hidden = !error;
  say("problem", error ? error.message : "");
}

function show(state) {
  shown = state;
  say("clock", clock(state.now));
  const paired = state.charger !== null;
  at("welcome").hidden = paired;
  at("home").hidden = !paired;
  say("code", state.code);
  say("connect-state", state.connect ? (CONNECTING[state.connect.state] ?? "") : "");
  showEvents(state.events);
  if (paired) showCharger(state);
}

function showCharger({ charger, session, settings, car, ...state }) {
  say("state", STATES[charger.state] ?? charger.state);
  say("state-text", `${charger.text} Since ${clock(charger.since)}.`);
  const battery = at("battery"), soc = car?.soc ?? session?.state_of_charge;
  battery.hidden = soc === undefined || soc === null;
  if (!battery.hidden) {
    const share = `${Math.round(soc * 100)} %`;
    battery.firstElementChild.style.setProperty("width", share.replace(" ", ""));
    battery.lastElementChild.textContent = share;
    battery.setAttribute("aria-label", `Battery ${share}`);
  }
  const plan = session?.plan;
  say("reason", plan?.text ?? session?.unmanaged?.text ?? "Plug in a car: its plan appears here within seconds.");
  showFacts(plan, session, car);
  at("blocks").replaceChildren(...(plan?.blocks ?? []).map((each) => {
    const row = made("tr");
    row.append(made("td", clock(each.start_at)), made("td", clock(each.end_at)), made("td", `${(each.power_w / 1000).toFixed(1)} kW`));
    return row;
  }));
  draw(at("chart"), { charger, session, ...state });
  at("plug-in").disabled = car !== null || busy > 0;
  at("unplug").disabled = car === null || busy > 0;
  const boosting = Boolean(settings.boost_until) && Date.parse(settings.boost_until) > Date.parse(state.now);
  at("boost").setAttribute("aria-pressed", String(boosting));
  say("boost", boosting ? `Charging now until ${clock(settings.boost_until)}: stop` : "Charge now, for an hour");
  const departure = at("departure");
  if (document.activeElement !== departure && !departure.dataset.changed) {
    departure.value = settings.departures[new Date(Date.parse(state.now) + 12 * 3600e3).toLocaleDateString("en-GB", { weekday: "long", timeZone: "Europe/Berlin" }).toLowerCase()] ?? "";
  }
  showProfiles(session?.profiles ?? []);
}

function showFacts(plan, session, car) {
  const facts = [];
  if (car) facts.push(["Now drawing", `${(car.power_w / 1000).toFixed(1)} kW`]);
  if (session) facts.push(["Delivered", `${Number(session.delivered_kwh ?? 0).toFixed(2)} kWh`]);
  if (plan) {
    if (plan.ready_at) facts.push(["Ready at", clock(plan.ready_at)]);
    facts.push(["Saves", `${Number(plan.saving.amount).toFixed(2)} ${plan.saving.unit}`]);
  }
  at("facts").replaceChildren(...facts.map(([term, value]) => {
    const pair = made("div");
    pair.append(made("dt", term), made("dd", value));
    return pair;
  }));
}

function showProfiles(profiles) {
  const rows = profiles.slice(0, 6).map((each) => {
    const row = made("li"), steps = Object.entries(each.steps);
    const [, last] = steps[steps.length - 1] ?? ["", null];
    row.append(made("time", last ? clock(last) : ""), made("span", each.kind === "clear" ? "Limits taken away" : "Charging profile"));
    row.append(made("span", each.state.replaceAll("_", " ").toLowerCase(), { class: /REJECTED|UNKNOWN/i.test(each.state) ? "pill bad" : "pill" }));
    return row;
  });
  at("profiles").replaceChildren(...(rows.length ? rows : [made("li", "Nothing yet.", { class: "none" })]));
}

function showEvents(events) {
  const place = at("events"), newest = events[0]?.delivery_id ?? "none";
  if (place.dataset.newest === newest) return;
  place.dataset.newest = newest;
  const rows = events.map((each) => {
    const row = made("li"), words = made("span", each.type);
    words.append(" ", made("small", each.sequence ? `no. ${each.sequence}` : ""));
    row.append(made("time", clock(each.at)), words);
    row.append(made("span", each.is_genuine ? "verified" : "not genuine", { class: each.is_genuine ? "pill" : "pill bad" }));
    return row;
  });
  place.replaceChildren(...(rows.length ? rows : [made("li", "None yet: they come as soon as something happens.", { class: "none" })]));
}

async function look() {
  try {
    show(await ask("/api/state"));
    document.querySelector(".clock").classList.remove("lost");
    if (!busy && at("problem").dataset.from === "look") complain(null);
  } catch (error) {
    document.querySelector(".clock").classList.add("lost");
    at("problem").dataset.from = "look";
    complain(error);
  }
}

function does(id, act, event = "click") {
  at(id).addEventListener(event, async (happened) => {
    happened.preventDefault();
    const button = happened.submitter ?? at(id);
    busy += 1;
    button.disabled = true;
    at("problem").dataset.from = id;
    complain(null);
    try {
      await act();
    } catch (error) {
      complain(error);
    } finally {
      busy -= 1;
      button.disabled = false;
      await look();
    }
  });
}

does("connect", async () => { location.assign((await ask("/api/connect", {})).start_url); });
does("plug-in", () => ask("/api/plug-in", { soc: Number(at("soc").value) / 100 }));
does("unplug", () => ask("/api/unplug", {}));
does("boost", () => ask("/api/boost", { on: at("boost").getAttribute("aria-pressed") !== "true" }));
does("unpair", () => ask("/api/unpair", {}));
does("copy", () => navigator.clipboard.writeText(at("code").textContent));
does("departure-form", async () => {
  await ask("/api/departure", { at: at("departure").value });
  delete at("departure").dataset.changed;
}, "submit");
at("departure").addEventListener("input", () => { at("departure").dataset.changed = "yes"; });
at("soc").addEventListener("input", () => say("soc-shown", `${at("soc").value} %`));
addEventListener("resize", () => shown?.charger && draw(at("chart"), shown));

for (;;) {
  await look();
  await new Promise((done) => setTimeout(done, EVERY_MS));
}
