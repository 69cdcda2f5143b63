/** The stylesheet of the admin pages. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --text: light-dark(#1a1f36, #e6e8ee);
  --quiet: light-dark(#596078, #9aa3b5);
  --page: light-dark(#ffffff, #12151c);
  --raised: light-dark(#f6f7f9, #1a1f29);
  --line: light-dark(#e1e4ea, #2b3240);
  --link: light-dark(#3b4bd8, #9db2ff);
  --green: light-dark(#0b6b3a, #6fd39b);
  --green-back: light-dark(#dcf5e6, #12351f);
  --amber: light-dark(#7a4a00, #f0bd68);
  --amber-back: light-dark(#fdf0d5, #3a2a0c);
  --red: light-dark(#a31530, #ff9aa8);
  --red-back: light-dark(#fde4e8, #45141f);
  --grey-back: light-dark(#eceef2, #262c38);
  --blue: light-dark(#23428f, #a5bdff);
  --blue-back: light-dark(#e3eafc, #1b2747);
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 14px/1.45 system-ui, sans-serif; }
a { color: var(--link); text-decoration: none; }
a:hover { text-decoration: underline; }
:focus-visible { outline: 2px solid var(--link); outline-offset: 1px; }
.skip { position: absolute; left: -99em; }
.skip:focus { left: 1em; top: .5em; background: var(--page); padding: .3em .6em; z-index: 1; }
header { display: flex; flex-wrap: wrap; gap: .6em 1.6em; align-items: center; padding: .6em 1.2em; border-bottom: 1px solid var(--line); }
nav { display: flex; flex-wrap: wrap; gap: .3em 1.1em; align-items: baseline; }
nav strong { margin-right: .4em; }
nav a { color: var(--quiet); padding: .2em 0; }
nav a[aria-current] { color: var(--text); box-shadow: 0 2px 0 var(--link); }
header form { flex: 1 1 20em; max-width: 34em; margin-left: auto; }
search { display: flex; gap: .4em; }
search input { flex: 1; min-width: 0; }
main { max-width: 78em; margin: 0 auto; padding: 1.2em; }
h1 { font-size: 1.35em; margin: 0 0 .8em; overflow-wrap: anywhere; }
h2 { font-size: 1.05em; margin: 1.8em 0 .6em; }
p { margin: .4em 0; }
.quiet { color: var(--quiet); }
input, select, textarea, button { font: inherit; color: inherit; background: var(--page); border: 1px solid var(--line); border-radius: 5px; padding: .35em .6em; }
button, .button { background: var(--raised); cursor: pointer; border: 1px solid var(--line); border-radius: 5px; padding: .35em .8em; color: inherit; display: inline-block; }
button:hover, .button:hover { border-color: var(--quiet); text-decoration: none; }
button.main { background: var(--link); border-color: var(--link); color: var(--page); }
code, pre, textarea { font: 12.5px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
code { overflow-wrap: anywhere; }
pre { background: var(--raised); border: 1px solid var(--line); border-radius: 6px; padding: .8em; margin: 0; overflow: auto; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
th { text-align: left; font-weight: 500; color: var(--quiet); white-space: nowrap; }
th, td { padding: .42em .8em .42em 0; border-bottom: 1px solid var(--line); vertical-align: top; }
time { white-space: nowrap; font-variant-numeric: tabular-nums; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.mark { display: inline-block; border-radius: 4px; padding: 0 .45em; white-space: nowrap; font-weight: 500; background: var(--grey-back); color: var(--quiet); }
.mark.delivered, .mark.ok { background: var(--green-back); color: var(--green); }
.mark.pending, .mark.unknown { background: var(--amber-back); color: var(--amber); }
.mark.rejected, .mark.failed, .mark.problem { background: var(--red-back); color: var(--red); }
.mark.duplicate { background: var(--blue-back); color: var(--blue); }
.banner { border: 1px solid var(--line); border-left: 4px solid var(--red); border-radius: 5px; padding: .6em .9em; margin: 0 0 .6em; background: var(--raised); }
/* Events */
.filters { display: flex; flex-wrap: wrap; gap: .5em .8em; align-items: end; margin-bottom: 1.2em; }
.filters label { display: grid; gap: .15em; color: var(--quiet); font-size: .93em; }
.filters :is(input, select) { color: var(--text); width: 11em; }
.export { margin-top: 1.4em; }
.type { overflow-wrap: anywhere; }
@media (max-width: 40em) { main { padding: .9em; } header { padding: .6em .9em; } }
`;
