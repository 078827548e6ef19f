import { price } from './lib/price.js';
const rate = await Promise.resolve(21);
export const handler = async () => price(rate);
export const box = { inner: async () => 'boxed' };
