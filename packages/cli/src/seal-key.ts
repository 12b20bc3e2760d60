import type { Host } from '@sluice/core';

/** sealKey is the secret with which records are sealed, if the CI has one; it is masked. */
export const sealKey = (host: Host): { readonly key?: string } => {
  const key = host.environment['SLUICE_STATE_KEY'] ?? '';
  if (key === '') return {};
  host.mask(key);
  return { key };
};
