import * as z from 'zod/mini';
import en from 'zod/v4/locales/en.js';

/** What is said of bad input: zod/mini has no words of its own, so that a bundle carries those of one language. */
z.config(en());
