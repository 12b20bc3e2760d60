import { randomUUID } from 'node:crypto';
import type { GraphNode } from './graph.ts';
import type { Run, Within } from './run.ts';
import { total, totalPrice, type Usage } from './usage.ts';

/** Finish tells how a node ended; without a result it has no outputs. */
export type Finish = (
  status: string,
  result: { readonly inputs?: Readonly<Record<string, unknown>>; readonly outputs?: Readonly<Record<string, unknown>>; readonly usage?: Usage },
  error: string | null,
) => void;

/** silent nodes have no events of their own: containers tell about their passes instead. */
const silent = new Set(['iteration', 'loop', 'iteration-start', 'loop-start']);

const seconds = (): number => Math.floor(Date.now() / 1000);

/** announce tells that a node begins and gives the way to tell that it has ended (Dify 1.12.1, workflow_response_converter.py). */
export const announce = (node: GraphNode, run: Run, within: Within | undefined): Finish => {
  if (silent.has(node.type)) return () => undefined;
  const place = { iteration_id: within?.kind === 'iteration' ? within.id : null, loop_id: within?.kind === 'loop' ? within.id : null };
  const begun = { id: randomUUID(), node_id: node.id, node_type: node.type, title: node.title, index: run.steps, predecessor_node_id: null };
  const createdAt = seconds();
  const startedAt = performance.now();
  run.ports.emit({
    event: 'node_started',
    fields: { ...begun, inputs: null, inputs_truncated: false, created_at: createdAt, extras: {}, ...place, agent_strategy: null },
  });
  return (status, { inputs = {}, outputs = {}, usage }, error) => {
    run.ports.emit({
      event: 'node_finished',
      fields: {
        ...begun,
        inputs, inputs_truncated: false,
        process_data: {}, process_data_truncated: false,
        outputs, outputs_truncated: false,
        status, error,
        elapsed_time: (performance.now() - startedAt) / 1000,
        execution_metadata: usage === undefined ? null : { total_tokens: total(usage), total_price: totalPrice(usage), currency: 'USD' },
        created_at: createdAt, finished_at: seconds(), files: [], ...place,
      },
    });
  };
};
