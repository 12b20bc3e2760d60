// Seeded random numbers with exact distributions: no normal approximation anywhere.

const { exp, floor, log, sqrt, abs } = Math;

/** seeded gives numbers in [0, 1) (mulberry32). */
export const seeded = (seed) => {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
};

const small = Array.from({ length: 20 }, (_, n) => Array.from({ length: n }, (__, index) => log(index + 1)).reduce((sum, term) => sum + term, 0));

const logFactorial = (n) => (n < small.length ? small[n] : (n + 0.5) * log(n) - n + 0.9189385332046727 + (1 / 12 - (1 / 360 - 1 / (1260 * n * n)) / (n * n)) / n);

const byProduct = (next, mean) => {
  const limit = exp(-mean);
  let count = 0;
  for (let product = next(); product > limit; product *= next()) count += 1;
  return count;
};

/** poisson draws a count: by products of uniforms for small means, else by transformed rejection (Hörmann 1993, PTRS). */
export const poisson = (next, mean) => {
  if (mean <= 0) return 0;
  if (mean < 10) return byProduct(next, mean);
  const b = 0.931 + 2.53 * sqrt(mean);
  const a = -0.059 + 0.02483 * b;
  const inverse = 1.1239 + 1.1328 / (b - 3.4);
  for (;;) {
    const u = next() - 0.5;
    const v = next();
    const us = 0.5 - abs(u);
    const k = floor(((2 * a) / us + b) * u + mean + 0.43);
    if (us >= 0.07 && v <= 0.9277 - 3.6224 / (b - 2)) return k;
    if (k < 0 || (us < 0.013 && v > us)) continue;
    if (log(v) + log(inverse) - log(a / (us * us) + b) <= -mean + k * log(mean) - logFactorial(k)) return k;
  }
};

const bySkips = (next, n, p) => {
  const scale = log(1 - p);
  let count = 0;
  for (let at = floor(log(1 - next()) / scale); at < n; at += 1 + floor(log(1 - next()) / scale)) count += 1;
  return count;
};

/** binomial draws a count: by skipping from success to success for small means, else by transformed rejection (BTRS). */
export const binomial = (next, n, p) => {
  if (n <= 0 || p <= 0) return 0;
  if (p >= 1) return n;
  if (p > 0.5) return n - binomial(next, n, 1 - p);
  if (n * p < 10) return bySkips(next, n, p);
  const spread = sqrt(n * p * (1 - p));
  const b = 1.15 + 2.53 * spread;
  const a = -0.0873 + 0.0248 * b + 0.01 * p;
  const centre = n * p + 0.5;
  const alpha = (2.83 + 5.1 / b) * spread;
  const odds = log(p / (1 - p));
  const mode = floor((n + 1) * p);
  const top = logFactorial(mode) + logFactorial(n - mode);
  for (;;) {
    const u = next() - 0.5;
    const v = next();
    const us = 0.5 - abs(u);
    const k = floor(((2 * a) / us + b) * u + centre);
    if (k < 0 || k > n) continue;
    if (us >= 0.07 && v <= 0.92 - 4.2 / b) return k;
    if (log((v * alpha) / (a / (us * us) + b)) <= top - logFactorial(k) - logFactorial(n - k) + (k - mode) * odds) return k;
  }
};
