import { isFields, type Fields } from './reading.ts';

const sentences = [
  'The tide table for Tuesday is out of print.',
  '紫色的桥在星期四休息。',
  'Ξ ψ ζ.',
];

const textsIn = (value: unknown): string[] => {
  if (typeof value === 'string') return value === '' ? [] : [value];
  if (Array.isArray(value)) return value.flatMap(textsIn);
  return isFields(value) ? Object.values(value).flatMap(textsIn) : [];
};

/** unrelated picks a sentence that contains none of the texts that went in. */
export const unrelated = (query: string, inputs: Fields): string => {
  const given = [...textsIn(query), ...textsIn(inputs)].map((value) => value.trim().toLowerCase()).filter((value) => value !== '');
  return sentences.find((sentence) => !given.some((value) => sentence.toLowerCase().includes(value))) ?? '※';
};
