// Keeps what is shown current: a hint has a part read again, and what a person is at stays as it is.
import { Stream } from "{{hints.js}}";

// Only what this service drew is made into elements, and it escapes every text.
const own = globalThis.trustedTypes?.createPolicy("rapport", { createHTML: (text) => text, createScriptURL: (url) => url });
const parsed = (text) => new DOMParser().parseFromString(own?.createHTML(text) ?? text, "text/html");

const partOf = (page, name) => page.querySelector(`[data-part="${CSS.escape(name)}"]`);

export function live(document) {
  const state = document.querySelector("[data-live-state]");
  const parts = () => [...document.querySelectorAll("[data-live]")];
  if (parts().length === 0) return () => {};
  const seen = { live: { live: null }, generation: 0, paused: false };
  const waiting = new Map();

  const heard = (message) => {
    if (message.kind === "state") {
      seen.live = message;
      if (message.live === false) sayIfSignedOut(state);
      return say();
    }
    seen.behind = message.behind_seconds ?? (message.kind === "standing" ? null : 0);
    if (message.kind === "standing") return say();
    seen.rebuilt = seen.generation > 0 && message.generation !== seen.generation ? message.generation : 0;
    seen.generation = message.generation;
    say();
    for (const { dataset } of parts()) if (dataset.live === message.topic) changed(dataset.part, message);
  };

  function told() {
    if (seen.paused) return "Paused";
    if (seen.live.live === null) return "";
    if (!seen.live.live) return `Not live since ${clock(seen.live.since)}, retrying`;
    if (seen.rebuilt) return `Rebuilt: generation ${seen.rebuilt}`;
    if (seen.behind === null) return "Live, not known how far behind";
    return seen.behind > 1 ? `Live, ${ago(seen.behind)} behind` : "Live";
  }

  function say() {
    state.textContent = told();
    state.dataset.liveState = seen.live.live === false ? "lost" : "";
  }

  // What only falls due is told by nobody.
  setInterval(() => {
    for (const { dataset } of document.hidden ? [] : parts()) {
      if ("minutely" in dataset) changed(dataset.part, waiting.get(dataset.part) ?? {});
    }
  }, 60_000);

  function changed(name, hint) {
    const was = waiting.get(name);
    waiting.set(name, hint);
    if (was === undefined && !seen.paused) read(name);
  }

  async function read(name) {
    while (waiting.has(name) && !seen.paused) {
      const hint = waiting.get(name);
      const part = partOf(document, name);
      if (part?.dataset.from) {
        const found = await loading(part, again(part, hint).catch(() => undefined));
        if (found === undefined) outdated(part);
        else if (found) show(part, found);
      }
      if (waiting.get(name) === hint) waiting.delete(name);
    }
  }

  connect(document.body.dataset.hints, () => parts().map((part) => part.dataset.live), heard);

  return () => {
    seen.paused = !seen.paused;
    say();
    for (const name of waiting.keys()) read(name);
  };
}

// A stream tells no reason; a page that leads to the sign-in does.
async function sayIfSignedOut(state) {
  const answer = await fetch(location.href, { method: "HEAD", redirect: "manual" }).catch(() => null);
  if (answer?.type !== "opaqueredirect") return;
  const href = `/console/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`;
  state.replaceChildren(made("a", { href, textContent: "Signed out: sign in again" }));
}

function connect(address, topics, heard) {
  if (typeof SharedWorker === "undefined") return new Stream(heard).follow(new Set(topics()));
  const { port } = new SharedWorker(own?.createScriptURL(address) ?? address, { type: "module" });
  port.onmessage = ({ data }) => heard(data);
  const say = () => port.postMessage({ topics: topics() });
  say();
  addEventListener("pagehide", () => port.postMessage({ topics: null }));
  addEventListener("pageshow", (event) => event.persisted && say());
}

const made = (name, properties) => Object.assign(document.createElement(name), properties);
const ago = (seconds) => (seconds < 90 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds / 60)} min`);
const clock = (time) =>
  new Date(time).toLocaleTimeString("en-GB", { timeZone: document.body.dataset.zone, hour: "2-digit", minute: "2-digit" });
const tags = new WeakMap();

// Says that a part is being read once that takes noticeably long.
function loading(part, answer) {
  const timer = setTimeout(() => part.setAttribute("aria-busy", "true"), 300);
  return answer.finally(() => {
    clearTimeout(timer);
    part.removeAttribute("aria-busy");
  });
}

// What could not be read again stays, and says since when it is old.
function outdated(part) {
  if (part.querySelector(":scope > .stale")) return;
  const textContent = `Not current since ${clock(Date.now())}: it could not be read again. `;
  const told = made("p", { className: "state stale", textContent });
  told.append(made("a", { href: location.href, textContent: "Try again" }));
  part.prepend(told);
}

// The part as it is now, null where that is shown. Rejects where it could not be read.
async function again(part, hint) {
  const headers = { "Rapport-At-Least": hint.position ?? "0", Prefer: "wait=5" };
  const etag = tags.get(part);
  if (etag) headers["If-None-Match"] = etag;
  const answer = await fetch(part.dataset.from, { headers, redirect: "error" });
  if (answer.status === 304) return null;
  if (answer.status !== 200) throw new Error(`status ${answer.status}`);
  const fresh = partOf(parsed(await answer.text()), part.dataset.part);
  if (fresh) tags.set(fresh, answer.headers.get("etag"));
  return fresh;
}

const twin = (part, row) => part.querySelector(`[data-id="${CSS.escape(row.dataset.id)}"]`);

// A timeline is read: what is new is counted above it, and shown when asked for.
function show(part, fresh) {
  if (fresh.isEqualNode(part)) return;
  const rows = part.dataset.part === "timeline" ? [...fresh.querySelectorAll("[data-id]")] : [];
  const count = rows.filter((row) => !twin(part, row)).length;
  if (count > 0) pill(part, `${count} new`, fresh);
  else if (busy(part) || !inPlace(part, fresh)) pill(part, "Changed: show it", fresh);
}

// Shows a part anew, unless that moved a row that is in view; those above may come and go.
function inPlace(part, fresh) {
  const top = (row) => row.getBoundingClientRect().top;
  const y = scrollY;
  const rows = [...part.querySelectorAll("[data-id]")]
    .map((row) => [twin(fresh, row), top(row)])
    .filter(([row, was]) => row && was > 0 && was < innerHeight);
  part.replaceWith(fresh);
  if (rows[0]) scrollTo(0, y + top(rows[0][0]) - rows[0][1]);
  if (rows.every(([row, was]) => Math.abs(top(row) - was) < 2)) return true;
  fresh.replaceWith(part);
  scrollTo(0, y);
}

function pill(part, textContent, fresh) {
  const button = part.querySelector(":scope > .pill") ?? made("button", { className: "pill" });
  if (!button.isConnected) part.prepend(button);
  const onclick = () => {
    part.replaceWith(fresh);
    const heading = fresh.querySelector("h1, h2") ?? fresh;
    heading.setAttribute("tabindex", "-1");
    heading.focus();
  };
  Object.assign(button, { textContent, onclick });
}

// Whether somebody is at it: the focus, the row of the keys, a selection or a changed field lies within.
function busy(part) {
  const selection = getSelection();
  return (
    part.contains(document.activeElement) ||
    part.querySelector("[data-here]") ||
    (!selection.isCollapsed && part.contains(selection.anchorNode)) ||
    [...part.querySelectorAll("input, textarea")].some((field) => field.value !== field.defaultValue)
  );
}
