import type { Host } from '@sluice/core';

/** keepLab starts the lab, prints how to reach it, and keeps it until the signal fires. */
export const keepLab = async (host: Host, json: boolean, signal: AbortSignal): Promise<void> => {
  const { describe, shellExports, startLab, startLabControl } = await import('@sluice/lab');
  const lab = await startLab({});
  const control = await startLabControl(lab);
  const reached = describe(lab, control);
  host.print(json ? `${JSON.stringify(reached)}\n` : shellExports(reached));
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await control.close();
  await lab.close();
};
