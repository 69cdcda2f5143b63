import { join } from "node:path";
import type { NextConfig } from "next";

export default {
  // click-id.ts is one folder up.
  turbopack: { root: join(import.meta.dirname, "..") },
} satisfies NextConfig;
