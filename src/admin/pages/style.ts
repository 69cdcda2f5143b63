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
a:hover, p a:not(.button) { text-decoration: underline; text-underline-offset: .15em; }
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
code, td:last-child { overflow-wrap: anywhere; }
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
.list td { overflow-wrap: break-word; }
.live { flex-basis: 100%; }
@media (max-width: 40em) {
  :is(.list, .stacked) thead { position: absolute; left: -99em; }
  :is(.list, .stacked) tr { display: block; border-bottom: 1px solid var(--line); padding: .5em 0; }
  :is(.list, .stacked) td { display: inline; border: 0; padding: 0 .5em 0 0; }
  .list td:nth-child(n+4) { display: block; padding-top: .2em; }
}
/* Workbench */
.row { display: flex; flex-wrap: wrap; gap: .6em 1em; align-items: center; margin: .6em 0; }
.bench { display: grid; grid-template-columns: 1fr 1fr; gap: .6em 1.2em; margin-top: 1em; }
.bench .row { grid-column: 1 / -1; margin: 0; }
.bench > div > label { display: block; margin-bottom: .3em; }
.bench textarea { width: 100%; resize: vertical; white-space: pre; overflow: auto; }
.unseen { position: absolute; left: -99em; }
.kept, .mistakes { list-style: none; padding: 0; margin: .4em 0; }
.marked { padding: .3em .6em; }
.tried { border-top: 1px solid var(--line); margin-top: 1.2em; }
td code { white-space: pre-wrap; }
@media (min-width: 60em) { .where code { white-space: nowrap; } #result table { min-width: 60em; } }
@media (max-width: 60em) {
  .bench { grid-template-columns: 1fr; }
  #result thead { position: absolute; left: -99em; }
  #result tr { display: grid; grid-template-columns: 1fr auto; gap: .15em .8em; border-bottom: 1px solid var(--line); padding: .5em 0; }
  #result td { grid-column: 1 / -1; min-width: 0; border: 0; padding: 0; }
  #result td:first-child { grid-column: 1; }
  #result td:first-child code { font-weight: 600; }
  #result td:last-child { grid-area: 1 / 2; color: var(--quiet); }
  #result td:nth-child(n+3)::before { color: var(--quiet); }
  #result td:nth-child(3)::before { content: "Made of "; }
  #result td:nth-child(3):empty { display: none; }
  #result td:nth-child(4)::before { content: "Expression "; }
  #result td:last-child::before { content: "line "; }
}
@media (max-width: 40em) { main { padding: .9em; } header { padding: .6em .9em; } }

/* Overview */
h3 { font-size: 1em; margin: 1.2em 0 .3em; }
ol a, p a:not(.button), .sides td a, .kept a { text-decoration: underline; }
.banner p::first-letter { text-transform: uppercase; }
.tabs { display: inline-flex; gap: 0; border: 1px solid var(--line); border-radius: 5px; overflow: hidden; margin: .6em 0 1em; }
.tabs a { padding: .3em .9em; color: var(--quiet); }
.tabs a[aria-current] { background: var(--grey-back); color: var(--text); box-shadow: none; }
.legend { display: flex; flex-wrap: wrap; gap: .4em 1.2em; margin: .5em 0; padding: 0; list-style: none; }
.legend a { color: inherit; font-variant-numeric: tabular-nums; }
.legend .bar { stroke: none; }
.legend svg { width: .8em; height: .8em; margin-right: .45em; }
figure { margin: .9em 0; }
figcaption { color: var(--quiet); }
.chart { display: block; width: 100%; height: 9em; border-bottom: 1px solid var(--line); }
.chart.low { height: 4.5em; }
.bar { fill: var(--of); stroke: var(--of); stroke-width: 8; }
.bar.delivered { --of: light-dark(#1f9d5c, #45b47a); }
.bar.pending { --of: light-dark(#e0a02c, #d9a441); }
.bar.duplicate { --of: light-dark(#7f9be0, #6d8ae0); }
.bar.skipped { --of: light-dark(#c3c8d3, #4a5366); }
.bar.rejected { --of: light-dark(#e58a9a, #b5616f); }
.bar.failed { --of: light-dark(#c01f3f, #ff6178); }
.bar.click { --of: light-dark(#5566dd, #8fa3ff); }
.bar.memory { --of: light-dark(#b28ae0, #c9a6ff); }
.chart rect { fill: transparent; width: 10px; height: 100px; }
.chart a:hover rect { fill: var(--text); fill-opacity: .08; }
.axis { display: flex; justify-content: space-between; color: var(--quiet); font-size: .85em; }
.figures td, .figures th:nth-child(n+2) { text-align: right; font-variant-numeric: tabular-nums; }
.figures th[scope=row] { color: inherit; }
@media (max-width: 40em) {
  .stacked th[scope=row] { display: block; border: 0; padding: 0; }
  .stacked td { display: inline-block; }
  .stacked a { text-decoration: underline; }
  .stacked td::after { content: " " attr(data-of); color: var(--quiet); }
}
.refusals { margin-block: 0; padding: 0; list-style: none; }
.refusals li { border-top: 1px solid var(--line); padding: .4em 0; }
details { border-top: 1px solid var(--line); padding: .5em 0; }
summary { cursor: pointer; }
details > :not(summary) { margin-left: 1.1em; }
@media (max-width: 40em) { details > :not(summary) { margin-left: 0; } }
/* One event */
h1.event { display: flex; flex-wrap: wrap; gap: .3em .6em; align-items: center; margin-bottom: .6em; }
.verdict { border: 1px solid var(--line); border-left: 4px solid var(--quiet); border-radius: 5px; padding: .7em 1em; background: var(--raised); }
.verdict.delivered { border-left-color: var(--green); }
.verdict.pending { border-left-color: var(--amber); }
.verdict.rejected, .verdict.failed { border-left-color: var(--red); }
.verdict.duplicate { border-left-color: var(--blue); }
.verdict p, .story li, .sides td, .sides th, .ask td { overflow-wrap: anywhere; }
.means { font-size: 1.2em; font-weight: 500; }
.said { border: 1px solid var(--line); border-left: 4px solid var(--link); border-radius: 5px; padding: .5em .9em; margin: .6em 0; }
.actions { display: flex; flex-wrap: wrap; gap: .4em; margin: .8em 0 0; }
.ask { border: 1px solid var(--link); border-radius: 6px; padding: .2em 1em .8em; margin: 1em 0; }
.ask h2 { margin-top: .6em; }
.ask form { margin-top: .8em; }
.story { padding: 0; margin: 0; list-style: none; border-left: 2px solid var(--line); }
.story li { display: grid; grid-template-columns: 11.5em minmax(0, 46em); padding: .25em 0 .25em 1em; }
.story time { color: var(--quiet); }
.story span { grid-column: 2; }
.sides { display: grid; gap: 0 1.6em; grid-template-columns: minmax(0, 1fr) minmax(0, 1.3fr); }
.sides th { white-space: normal; }
.sides th[scope=row] { color: inherit; min-width: 14.5em; }
.sides td:last-child { width: 100%; }
.n { display: inline-block; border-radius: 4px; padding: 0 .4em; background: var(--blue-back); color: var(--blue); font: 500 12px/1.5 system-ui, sans-serif; }
.payload { max-height: 70vh; overflow: auto; background: var(--raised); border: 1px solid var(--line); border-radius: 6px; }
.payload pre { overflow: visible; width: max-content; border: 0; }
mark { background: none; color: inherit; font-weight: 600; }
:target, :target td, mark:target { background: var(--amber-back); }
textarea.file { width: 100%; }
@media (max-width: 60em) { .sides { grid-template-columns: minmax(0, 1fr); } }
@media (max-width: 40em) { .story li { grid-template-columns: minmax(0, 1fr); } .story span { grid-column: 1; } .sides th[scope=row] { min-width: 9.5em; } }
`;
