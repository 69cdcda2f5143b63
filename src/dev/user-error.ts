/** A mistake of the person who runs a command: printed without a stack, and the command exits with 2. */
export class UserError extends Error {}
