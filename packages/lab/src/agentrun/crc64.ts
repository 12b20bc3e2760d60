// The reflected polynomial of ECMA-182, split into halves because numbers hold no 64 bits.
const polynomial = { high: 0xc96c5795, low: 0xd7870f42 };

const table = (() => {
  const high = new Uint32Array(256);
  const low = new Uint32Array(256);
  for (let index = 0; index < 256; index += 1) {
    let upper = 0;
    let lower = index;
    for (let bit = 0; bit < 8; bit += 1) {
      const odd = (lower & 1) === 1;
      lower = (lower >>> 1) | ((upper & 1) << 31);
      upper >>>= 1;
      if (odd) {
        upper ^= polynomial.high;
        lower ^= polynomial.low;
      }
    }
    high[index] = upper;
    low[index] = lower;
  }
  return { high, low };
})();

/** crc64 is the CRC-64 (ECMA-182) of some bytes as a decimal number, the form of AgentRun's and OSS's checksums. */
export const crc64 = (bytes: Uint8Array): string => {
  let high = 0xffffffff;
  let low = 0xffffffff;
  for (const byte of bytes) {
    const index = (low ^ byte) & 0xff;
    low = ((low >>> 8) | (high << 24)) ^ (table.low[index] ?? 0);
    high = (high >>> 8) ^ (table.high[index] ?? 0);
  }
  return ((BigInt(~high >>> 0) << 32n) | BigInt(~low >>> 0)).toString();
};
