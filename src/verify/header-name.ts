/** The name of a header, as a mapping file or a sample gives it. */
import * as z from "zod/mini";

export const HeaderName = z
  .string()
  .check(
    z.refine((name) => /^[\w!#$%&'*+.^`|~-]+$/.test(name), { error: "is no name that a header can have" }),
  );
