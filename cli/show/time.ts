/** Durations for people. In a file of its own: the quick answer loads it, and needs nothing else of text.ts. */

/** `0.08 s`, `1.24 s`, `12.3 s`, `3 min 5 s`. */
export function seconds(ms: number): string {
  const s = Math.max(0, ms) / 1000;
  if (s < 9.995) return `${s.toFixed(2)} s`;
  if (s < 99.95) return `${s.toFixed(1)} s`;
  const whole = Math.round(s);
  return `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** For a clock that ticks on the screen: `0.8s`, `12s`, `3m05s`. */
export function ticking(ms: number): string {
  const whole = Math.floor(Math.max(0, ms) / 1000);
  if (whole < 10) return `${whole}.${Math.floor((Math.max(0, ms) % 1000) / 100)}s`;
  if (whole < 60) return `${whole}s`;
  return `${Math.floor(whole / 60)}m${String(whole % 60).padStart(2, "0")}s`;
}
