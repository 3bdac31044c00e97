-- Prints what wrk counted as one line of JSON; wrk's own text rounds it. Loaded by the other scripts.
done = function(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    'SUMMARY {"requests": %d, "microseconds": %d, "bytes": %d, "refused": %d, "cut": %d, "late": %d, "p50_microseconds": %d, "p99_microseconds": %d}\n',
    summary.requests, summary.duration, summary.bytes,
    errors.status, errors.connect + errors.read + errors.write, errors.timeout, latency:percentile(50), latency:percentile(99)))
end
