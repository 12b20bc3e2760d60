// Preloaded by scripts/bench.js: writes this process's own peak memory (MB) to file descriptor 3 at exit.
const { writeSync } = require('node:fs');

process.on('exit', () => writeSync(3, JSON.stringify({ peakMb: process.resourceUsage().maxRSS / 1024 })));
