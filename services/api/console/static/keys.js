// Keys for people who know the screens: silent wherever somebody types, and to be turned off (WCAG 2.1.4).

const OFF = "rapport.keys-off";
const SECOND_KEY_MILLISECONDS = 1500;

const typing = (target) => target.closest("input, select, textarea, [contenteditable]");

export function keyboard(document, pause) {
  const dialog = document.querySelector("#keys");
  const opener = document.querySelector("[data-keys]");
  const on = dialog.querySelector("[data-keys-on]");
  on.checked = localStorage.getItem(OFF) === null;
  on.addEventListener("change", () => (on.checked ? localStorage.removeItem(OFF) : localStorage.setItem(OFF, "1")));
  const help = () => dialog.showModal();
  opener.addEventListener("click", help);

  const acts = {
    "?": help,
    p: pause,
    "/": () => toSearch(document),
    j: () => step(document, 1),
    k: () => step(document, -1),
  };
  let going = 0;
  document.addEventListener("keydown", (event) => {
    if (!on.checked || dialog.open || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    const went = performance.now() - going < SECOND_KEY_MILLISECONDS && going > 0;
    going = 0;
    if (went) {
      const link = document.querySelector(`[data-goes="${CSS.escape(event.key)}"]`);
      if (link) return taken(event, () => link.click());
    }
    if (event.key === "g") going = performance.now();
    else if (Object.hasOwn(acts, event.key)) taken(event, acts[event.key]);
    else if (event.key === "Enter" && event.target === document.body) open(document, event);
  });
}

function taken(event, act) {
  event.preventDefault();
  act();
}

function toSearch(document) {
  const search = document.querySelector("#q");
  if (search) search.focus();
  else document.location.assign("/console/");
}

function step(document, by) {
  const rows = [...document.querySelectorAll("[data-row]")].filter((row) => row.checkVisibility());
  const at = rows.findIndex((row) => row.hasAttribute("data-here"));
  const next = rows[at < 0 ? 0 : at + by];
  if (!next) return;
  rows[at]?.removeAttribute("data-here");
  next.setAttribute("data-here", "");
  next.scrollIntoView({ block: "nearest" });
}

function open(document, event) {
  const link = document.querySelector("[data-here] a[href]");
  if (link) taken(event, () => link.click());
}
