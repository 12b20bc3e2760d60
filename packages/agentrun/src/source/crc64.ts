// The reflected polynomial of ECMA-182 in two halves, because bitwise operators work on 32 bits.
const polynomial = { high: 0xc96c5795, low: 0xd7870f42 };

const rowOf = (index: number): readonly [number, number] => {
  let high = 0;
  let low = index;
  for (let bit = 0; bit < 8; bit += 1) {
    const carry = low & 1;
    low = (low >>> 1) | (high << 31);
    high >>>= 1;
    if (carry === 1) {
      high ^= polynomial.high;
      low ^= polynomial.low;
    }
  }
  return [high, low];
};

const rows = Array.from({ length: 256 }, (_, index) => rowOf(index));
const highRows = Uint32Array.from(rows, ([high]) => high);
const lowRows = Uint32Array.from(rows, ([, low]) => low);

/** crc64 is the CRC-64 (ECMA-182, as OSS and Function Compute use it) as a decimal number: AgentRun's `checksum` of a code archive. */
export const crc64 = (bytes: Uint8Array): string => {
  let high = ~0;
  let low = ~0;
  for (const byte of bytes) {
    const row = (low ^ byte) & 0xff;
    low = ((low >>> 8) | (high << 24)) ^ (lowRows[row] ?? 0);
    high = (high >>> 8) ^ (highRows[row] ?? 0);
  }
  return ((BigInt(~high >>> 0) << 32n) | BigInt(~low >>> 0)).toString();
};
