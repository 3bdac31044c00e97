// One stream of hints a browser, shared by its tabs in a SharedWorker, or one a tab where there is none.
// Over HTTP/1.1 a browser holds six connections to a host: a seventh tab would wait for ever.

const LEAST_WAIT = 1000;
const LONGEST_WAIT = 30_000;
const SETTLING = 50;

export class Stream {
  constructor(tell) {
    this.tell = tell;
    this.topics = new Set();
    this.source = null;
    this.last = "";
    this.wait = LEAST_WAIT;
    this.timer = 0;
    this.state = { live: null, since: Date.now() }; // not known yet
  }

  // Topics that are new are told of at once by the service, so that nothing between page and stream is missed.
  follow(topics) {
    const added = [...topics].some((topic) => !this.topics.has(topic));
    if (!added && topics.size === this.topics.size) return;
    this.topics = topics;
    if (added) this.last = "";
    this.later(SETTLING);
  }

  later(milliseconds) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.open(), milliseconds);
  }

  open() {
    this.source?.close();
    this.source = null;
    if (this.topics.size === 0) return;
    const topics = [...this.topics].map((topic) => topic.replaceAll(",", "%2C")).join(",");
    const query = new URLSearchParams(this.last ? { topics, since: this.last } : { topics });
    const source = new EventSource(`/console/live?${query}`);
    this.source = source;
    source.addEventListener("begun", (event) => {
      this.last = event.lastEventId;
      this.wait = LEAST_WAIT;
      this.is(true);
    });
    source.addEventListener("changed", (event) => {
      this.last = event.lastEventId;
      this.tell({ kind: "changed", ...JSON.parse(event.data) });
    });
    source.addEventListener("standing", (event) => this.tell({ kind: "standing", ...JSON.parse(event.data) }));
    // A refusal ends a stream for good, and leaves it to us to try again; a mere break it mends by itself.
    source.addEventListener("error", () => {
      this.is(false);
      if (source.readyState !== EventSource.CLOSED) return;
      this.later(this.wait * (0.5 + Math.random()));
      this.wait = Math.min(2 * this.wait, LONGEST_WAIT);
    });
  }

  is(live) {
    if (live !== this.state.live) this.state = { live, since: Date.now() };
    this.tell({ kind: "state", ...this.state });
  }
}

function share(scope) {
  const ports = new Map();
  const stream = new Stream((message) => {
    for (const [port, topics] of ports) {
      if (message.kind !== "changed" || topics.has(message.topic)) port.postMessage(message);
    }
  });
  const all = () => stream.follow(new Set([...ports.values()].flatMap((topics) => [...topics])));
  scope.addEventListener("connect", (event) => {
    const [port] = event.ports;
    port.onmessage = ({ data }) => {
      if (data.topics === null) ports.delete(port);
      else ports.set(port, new Set(data.topics));
      all();
      port.postMessage({ kind: "state", ...stream.state });
    };
  });
}

if (typeof SharedWorkerGlobalScope !== "undefined" && self instanceof SharedWorkerGlobalScope) share(self);
