// Deadlines go on while a page is open: by the server's clock, as a browser's may be wrong.

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const TWO_UNITS_UNTIL = 14 * DAY;
const EVERY = 15_000;

export function deadlines(document) {
  const ahead = Date.parse(document.body.dataset.now) - Date.now();
  if (Number.isNaN(ahead)) return;
  const tell = () => {
    for (const each of document.querySelectorAll("time[data-due]")) {
      const left = (Date.parse(each.dateTime) - Date.now() - ahead) / 1000;
      const text = left >= 0 ? `in ${lasting(left)}` : `${lasting(left)} late`;
      if (each.textContent === text) continue;
      each.textContent = text;
      each.classList.toggle("late", left < 0);
    }
  };
  setInterval(tell, EVERY);
}

// As the pages say it themselves.
export function lasting(seconds) {
  const whole = Math.floor(Math.abs(seconds));
  if (whole < MINUTE) return "under 1 min";
  if (whole < HOUR) return `${Math.floor(whole / MINUTE)} min`;
  if (whole < DAY) return units(Math.floor(whole / HOUR), "h", Math.floor((whole % HOUR) / MINUTE), "min");
  if (whole < TWO_UNITS_UNTIL) return units(Math.floor(whole / DAY), "d", Math.floor((whole % DAY) / HOUR), "h");
  return `${Math.floor(whole / DAY)} d`;
}

const units = (many, large, few, small) => (few ? `${many} ${large} ${few} ${small}` : `${many} ${large}`);
