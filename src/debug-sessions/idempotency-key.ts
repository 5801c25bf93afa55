import { z } from 'zod';

/** A key by which what is sent twice is known again. */
export const keySchema = z
  .string()
  .min(1, 'Give 1–200 characters.')
  .max(200, 'Give 1–200 characters.');
