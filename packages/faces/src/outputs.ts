import { endingOutputs, type AnyStep } from '@sluice/core';

/** OutputFace is one output as every face shows it. */
export interface OutputFace {
  readonly name: string;
  readonly description: string;
}

/** endingFaces are the outputs that every step has. */
export const endingFaces: readonly OutputFace[] = Object.entries(endingOutputs).map(([name, description]) => ({ name, description }));

/** ownOutputFaces lists the outputs that only this step has. One that hides how the step ended is a defect and stops generation. */
export const ownOutputFaces = (step: AnyStep): readonly OutputFace[] =>
  Object.entries(step.outputs).map(([name, { description }]) => {
    if (Object.hasOwn(endingOutputs, name)) throw new Error(`the output ${name} of ${step.name} is the name of one that every step has`);
    if (description === '') throw new Error(`the output ${name} of ${step.name} has no description`);
    return { name, description };
  });
