// Keeps what is shown as it is now: a hint has a part of the page read again, and what a person is at stays as it is.
import { Stream } from "{{hints.js}}";

// Only what this very service drew is ever made into elements, and it escapes every text that it was given.
const own = globalThis.trustedTypes?.createPolicy("rapport", { createHTML: (text) => text, createScriptURL: (url) => url });
const parsed = (text) => new DOMParser().parseFromString(own ? own.createHTML(text) : text, "text/html");

export function live(document) {
  const state = document.querySelector("[data-live-state]");
  const parts = () => [...document.querySelectorAll("[data-live]")];
  if (parts().length === 0) return () => {};
  const seen = { live: null, generation: 0, paused: false };
  const waiting = new Map();

  const heard = (message) => {
    if (message.kind === "state") {
      seen.live = message;
      if (message.live === false) signedOut().then((out) => out && sayGone(state));
      return say();
    }
    seen.behind = message.behind_seconds;
    if (message.kind === "standing") return say();
    seen.rebuilt = seen.generation > 0 && message.generation !== seen.generation ? message.generation : 0;
    seen.generation = message.generation;
    say();
    for (const part of parts().filter((each) => each.dataset.live === message.topic)) changed(part.dataset.part, message);
  };

  function say() {
    if (seen.paused) state.textContent = "Paused";
    else if (seen.live === null || seen.live.live === null) state.textContent = "";
    else if (!seen.live.live) state.textContent = `Not live since ${clock(seen.live.since)}, retrying`;
    else if (seen.rebuilt) state.textContent = `Rebuilt: generation ${seen.rebuilt}`;
    else state.textContent = seen.behind > 1 ? `Live, ${ago(seen.behind)} behind` : "Live";
    state.dataset.liveState = seen.live?.live === false ? "lost" : "";
  }

  function changed(name, hint) {
    const was = waiting.get(name);
    waiting.set(name, hint);
    if (was === undefined && !seen.paused) read(name);
  }

  async function read(name) {
    while (waiting.has(name) && !seen.paused) {
      const hint = waiting.get(name);
      const part = document.querySelector(`[data-part="${CSS.escape(name)}"]`);
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

// A stream tells no reason. A page that would lead to the sign-in does.
async function signedOut() {
  const answer = await fetch(location.href, { method: "HEAD", redirect: "manual" }).catch(() => null);
  return answer?.type === "opaqueredirect";
}

function sayGone(state) {
  const link = document.createElement("a");
  link.href = `/console/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`;
  link.textContent = "Signed out: sign in again";
  state.replaceChildren(link);
}

function connect(address, topics, heard) {
  if (typeof SharedWorker === "undefined") {
    new Stream(heard).follow(new Set(topics()));
    return;
  }
  const worker = new SharedWorker(own ? own.createScriptURL(address) : address, { type: "module" });
  worker.port.addEventListener("message", ({ data }) => heard(data));
  worker.port.start();
  const say = () => worker.port.postMessage({ topics: topics() });
  say();
  addEventListener("pagehide", () => worker.port.postMessage({ topics: null }));
  addEventListener("pageshow", (event) => event.persisted && say());
}

const ago = (seconds) => (seconds < 90 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds / 60)} min`);
const clock = (time) =>
  new Date(time).toLocaleTimeString("en-GB", { timeZone: document.body.dataset.zone, hour: "2-digit", minute: "2-digit" });
const tags = new WeakMap();
const NOTICED_MILLISECONDS = 300;

// Says that a part is being read once that takes long enough to be noticed.
async function loading(part, answer) {
  const timer = setTimeout(() => part.setAttribute("aria-busy", "true"), NOTICED_MILLISECONDS);
  try {
    return await answer;
  } finally {
    clearTimeout(timer);
    part.removeAttribute("aria-busy");
  }
}

// What could not be read again stays, and says since when it is old; the next hint, or a reload, tries again.
function outdated(part) {
  if (part.querySelector(":scope > .stale")) return;
  const told = document.createElement("p");
  told.className = "state stale";
  told.textContent = `Not current since ${clock(Date.now())}: it could not be read again. `;
  const link = document.createElement("a");
  link.href = location.href;
  link.textContent = "Try again";
  told.append(link);
  part.prepend(told);
}

// The part as it is now, null where it is what is shown. Rejects where it could not be read.
async function again(part, hint) {
  const headers = { "Rapport-At-Least": hint.position, Prefer: "wait=5" };
  if (tags.has(part)) headers["If-None-Match"] = tags.get(part);
  const answer = await fetch(part.dataset.from, { headers, redirect: "error" });
  if (answer.status === 304) return null;
  if (answer.status !== 200) throw new Error(`status ${answer.status}`);
  const fresh = parsed(await answer.text()).querySelector(`[data-part="${CSS.escape(part.dataset.part)}"]`);
  if (fresh && answer.headers.has("etag")) tags.set(fresh, answer.headers.get("etag"));
  return fresh;
}

function show(part, fresh) {
  if (fresh.isEqualNode(part)) return;
  if (part.dataset.part === "timeline") return news(part, fresh);
  if (!busy(part)) return part.replaceWith(fresh);
  const row = pill(part, "Changed: show it", fresh);
  row.removeAttribute("data-count");
}

// A timeline is read: what is new is counted above it, and shown when asked for.
function news(part, fresh) {
  const ids = (node) => [...node.querySelectorAll("[data-id]")].map((each) => each.dataset.id);
  const shown = new Set(ids(part));
  const count = ids(fresh).filter((id) => !shown.has(id)).length;
  if (count > 0) pill(part, `${count} new`, fresh).dataset.count = count;
  else if (shown.size === ids(fresh).length && !busy(part)) part.replaceWith(fresh);
}

function pill(part, text, fresh) {
  let button = part.querySelector(":scope > .pill");
  if (!button) {
    button = document.createElement("button");
    button.className = "pill";
    part.prepend(button);
  }
  button.textContent = text;
  button.onclick = () => {
    part.replaceWith(fresh);
    const heading = fresh.querySelector("h1, h2");
    heading?.setAttribute("tabindex", "-1");
    heading?.focus();
  };
  return button;
}

// Whether somebody is at it: the focus, a selection or a changed field lies within.
function busy(part) {
  if (part.contains(document.activeElement)) return true;
  const selection = getSelection();
  if (!selection.isCollapsed && part.contains(selection.anchorNode)) return true;
  return [...part.querySelectorAll("input, textarea")].some((field) => field.value !== field.defaultValue);
}
