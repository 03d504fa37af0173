import * as z from 'zod/mini';
import en from 'zod/v4/locales/en.js';

/** Messages for bad input. zod/mini brings none, so a bundle carries one language only. */
z.config(en());
