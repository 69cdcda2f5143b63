/** The script of the admin pages. Everything works without it. */
export const SCRIPT = `
`;
