export { ruleFor, rulesOf, type Action } from './access-rules.ts';
export { isFilter } from './filters.ts';
export { Identities, USER_NAME } from './identities.ts';
export { Principal } from './principal.ts';
export { hashPassword, hashSecret, newSecret } from './secrets.ts';
