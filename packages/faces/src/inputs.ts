import * as z from 'zod/mini';
import { commandShapeOf, type AnyStep } from '@sluice/core';

/** InputFace is one input as every face shows it. */
export interface InputFace {
  readonly name: string;
  /** description ends with the allowed values, if it is a choice. */
  readonly description: string;
  /** kind tells what a text must look like. */
  readonly kind: 'text' | 'boolean' | 'choice';
  /** choices are the allowed values of a choice. */
  readonly choices: readonly string[];
}

interface JsonSchemaProperty {
  readonly description?: string;
  readonly enum?: readonly string[];
}

const properties = (schema: z.ZodMiniObject): Readonly<Record<string, JsonSchemaProperty>> => {
  const json = z.toJSONSchema(schema, { io: 'input' });
  return (json.properties ?? {}) as Record<string, JsonSchemaProperty>;
};

/** inputFaces lists a step's inputs. An input without a description is a defect and stops generation. */
export const inputFaces = (step: AnyStep): readonly InputFace[] => {
  const { flags } = commandShapeOf(step);
  return Object.entries(properties(step.inputs)).map(([name, property]) => {
    if (property.description === undefined || property.description === '') {
      throw new Error(`the input ${name} of ${step.name} has no description`);
    }
    const choices = property.enum ?? [];
    const listed = choices.map((value) => `\`${value}\``).join(', ');
    return {
      name,
      description: choices.length === 0 ? property.description : `${property.description} One of: ${listed}.`,
      kind: flags[name] === 'switch' ? 'boolean' : choices.length === 0 ? 'text' : 'choice',
      choices,
    };
  });
};
