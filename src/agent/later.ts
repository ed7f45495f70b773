/** The answer of a request that is given later, by `context.reply`. */
export const LATER = Symbol('answered later');
